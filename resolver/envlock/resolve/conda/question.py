"""What is asked of conda's side for one platform. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from envlock.conda.channels import Address
from envlock.conda.names import names, to_pep440
from envlock.conda.rattler import SolveJob
from envlock.model import CondaPackage, CondaSpec, Rule
from envlock.resolve.candidate import PackageRequirement, Requirements
from envlock.targets.subdirs import Virtual


class CondaQuestion(Struct, frozen=True, kw_only=True):
    """Everything that the packages of one platform depend on.

    ``specs`` are those that count for it; ``named`` maps the channels that
    specs name to their addresses; ``constraints`` bound packages that need
    not be there; ``preferred`` are kept where they fit.
    """

    specs: tuple[CondaSpec, ...]
    channels: tuple[Address, ...]
    subdir: str
    virtual: tuple[Virtual, ...]
    rules: tuple[Rule, ...]
    named: Mapping[str, Address] = field(default_factory=dict)
    constraints: Requirements = field(default_factory=dict)
    preferred: tuple[CondaPackage, ...] = ()
    exclude_newer: datetime | None = None
    strict: bool = True

    def job(self, specs: tuple[str, ...] = (), constraints: tuple[str, ...] = ()) -> SolveJob:
        """Return the job for py-rattler, with more specs and constraints than were asked for."""
        return SolveJob(
            channels=self.channels,
            subdir=self.subdir,
            specs=(*map(self._addressed, self.specs), *specs),
            constraints=constraints,
            virtual=self.virtual,
            preferred=self.preferred,
            strict=self.strict,
            exclude_newer=self.exclude_newer,
        )

    def _addressed(self, spec: CondaSpec) -> str:
        """Name the channel of a spec by its address, which no setting changes."""
        place = self.named.get(spec.channel)
        return str(spec if place is None else replace(spec, channel=place.url.rstrip("/")))

    def requirements(self) -> Requirements:
        """Return the specs as the rules know packages: PyPI's names, PEP 440's ranges."""
        found: dict[str, PackageRequirement] = {}
        for spec in self.specs:
            name = names().pypi(spec.name)
            if name is None or spec.name == "python":
                continue
            requirement = PackageRequirement(
                name=name,
                specifier=to_pep440(spec.version) or SpecifierSet(),
                origins=(spec.origin,),
            )
            found[name] = found[name].within(requirement) if name in found else requirement
        return {requirement.name: requirement for _, requirement in sorted(found.items())}

    def without_builds(self) -> CondaQuestion:
        """Return the question with builds left open, and exact versions where they stood."""
        return replace(self, specs=tuple(map(_unbuilt, self.specs)))


def _unbuilt(spec: CondaSpec) -> CondaSpec:
    if not spec.build:
        return spec
    version = f"={spec.version}" if spec.version[:1] == "=" != spec.version[1:2] else spec.version
    return replace(spec, version="" if version in {"==*", "=*"} else version, build="")
