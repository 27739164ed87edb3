"""What `pip check` finds: requirements in metadata that what is installed does not meet."""

from __future__ import annotations

import platform as platform_module
import re
import sys
from collections.abc import Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.environment.commands import Commands, remedy
from envlock.environment.records import Distribution
from envlock.findings import Finding, unmet
from envlock.model import Platform, Severity
from envlock.rules.families import families
from envlock.versions import admits

_Visible = Mapping[NormalizedName, Distribution]

_ASKS_EXTRA = re.compile(r";.*\bextra\b")
#: Words that tell builds of one import package apart: tensorflow-cpu, opencv-python-headless.
_BUILDS = frozenset(
    ("aws", "binary", "contrib", "cpu", "directml", "gpu", "headless", "intel", "macos", "nightly")
)


class Broken(Struct, frozen=True, kw_only=True):
    """A requirement that is not met: by whom it is declared, and what there is instead.

    ``there`` is the package in a version that does not fit, ``stand_in``
    another build of it in one that does.
    """

    by: Distribution
    requirement: Requirement
    there: Distribution | None = None
    stand_in: Distribution | None = None


def broken_requirements(
    visible: _Visible, markers: Mapping[str, str]
) -> tuple[tuple[Broken, ...], tuple[str, ...]]:
    """Return the requirements that are not met, and notes on those that cannot be read.

    An extra counts once an installed package asks for it.
    """
    check = _Check(visible=visible, markers=markers)
    asked = [(name, "") for name in sorted(visible)]
    seen = set(asked)
    for name, extra in asked:  # it grows
        for other in check.look(visible[name], extra):
            if other not in seen:
                seen.add(other)
                asked.append(other)
    return tuple(check.found), tuple(check.notes)


_SHOWN = 160  # characters of a line that says nothing


class _Check(Struct, kw_only=True):
    visible: _Visible
    markers: Mapping[str, str]
    found: list[Broken] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def look(self, by: Distribution, extra: str) -> Iterator[tuple[NormalizedName, str]]:
        """Judge what a package declares, with an extra or without; yield the extras it asks for."""
        for line in by.requires:
            if len(line) <= standards.LONGEST and bool(_ASKS_EXTRA.search(line)) != bool(extra):
                continue
            requirement = standards.requirement(line)
            marker = None if requirement is None else requirement.marker
            applies = marker is None or standards.judged(marker, {**self.markers, "extra": extra})
            if requirement is None or applies is None:
                self.notes.append(
                    f"{by.info}: {line[:_SHOWN]!r} is no requirement that can be judged"
                )
                continue
            if not applies:
                continue
            name = canonicalize_name(requirement.name)
            there = self.visible.get(name)
            if there is None:
                other = self._stand_in(name, requirement)
                self.found.append(Broken(by=by, requirement=requirement, stand_in=other))
            elif not _fits(requirement, there):
                self.found.append(Broken(by=by, requirement=requirement, there=there))
            if there is not None:
                yield from ((name, each) for each in sorted(requirement.extras))

    def _stand_in(self, name: str, requirement: Requirement) -> Distribution | None:
        package = _without_build(name)
        return next(
            (
                each
                for each in self.visible.values()
                if _without_build(each.name) == package and _fits(requirement, each)
            ),
            None,
        )


def _without_build(name: str) -> str:
    return "-".join(word for word in name.split("-") if word not in _BUILDS)


def _fits(requirement: Requirement, there: Distribution) -> bool:
    return admits(requirement.specifier, there.version)


def declared_finding(broken: Broken, commands: Commands, *, by_conda: bool) -> Finding:
    """Word a requirement that is not met.

    What conda builds is often declared for pip alone, so a missing package
    says little ``by_conda``.
    """
    requirement, there = broken.requirement, broken.there
    name = canonicalize_name(requirement.name)
    instead = "" if broken.stand_in is None else f"; {broken.stand_in} stands in for it"
    version = None if there is None else there.version
    found = unmet(broken.by.name, broken.by.version, requirement, version, instead)
    cure = remedy(commands.install(f"{requirement.name}{requirement.specifier}"))
    if there is not None:
        return replace(found, remedies=(cure,))
    harmless = by_conda or broken.stand_in is not None or name in families().not_imported
    severity = Severity.DECLARED if harmless else Severity.BREAKS
    return replace(found, remedies=(cure,), severity=severity, confidence=0.6)


def markers_of(python: Version | None, platform: Platform) -> dict[str, str]:
    """Return the PEP 508 environment of a CPython; of what is not known, envlock's own."""
    system, sys_platform, os_name = {
        "linux": ("Linux", "linux", "posix"),
        "macos": ("Darwin", "darwin", "posix"),
        "windows": ("Windows", "win32", "nt"),
    }.get(platform.system, ("", sys.platform, "posix"))
    machine = platform.machine
    if system == "Windows":
        machine = {"x86_64": "AMD64", "arm64": "ARM64", "i686": "x86"}.get(machine, machine)
    full = str(python or ".".join(map(str, sys.version_info[:3])))
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": os_name,
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": platform_module.release(),
        "platform_system": system,
        "platform_version": platform_module.version(),
        "python_full_version": full,
        "python_version": ".".join(full.split(".")[:2]),
        "sys_platform": sys_platform,
    }
