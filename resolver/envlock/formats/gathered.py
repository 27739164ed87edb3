"""What a lock file holds, while it is read, and the `Lock` it becomes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.markers import UndefinedComparison, UndefinedEnvironmentName

from envlock.errors import UsageError
from envlock.formats.comments import Remarks, one_line, read_remarks
from envlock.formats.heading import Heading
from envlock.formats.pins import Pin
from envlock.index.origin import public
from envlock.model import CondaPackage, Lock, LockedPackage, Part, RuleId
from envlock.targets.platforms import KNOWN, environment_of

_Package = TypeVar("_Package", CondaPackage, LockedPackage)
_SUBDIRS = {each.conda: str(each.platform) for each in KNOWN}


class Found(Struct, kw_only=True):
    """What a file holds of one platform; ``pins`` say where each Python package stands."""

    conda: dict[str, CondaPackage] = field(default_factory=dict)
    pypi: dict[str, LockedPackage] = field(default_factory=dict)
    pins: dict[str, Pin] = field(default_factory=dict)


class Gathered(Struct, kw_only=True):
    """What a file holds; `lock` puts it together.

    ``markers`` is the PEP 508 environment of a target: pins that are for
    others are left out. Without it every pin counts, whatever its marker.
    """

    heading: Heading
    markers: Mapping[str, str] | None = None
    parts: dict[str, Found] = field(default_factory=dict)
    reasons: dict[RuleId, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    environments: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, subdir: str) -> Found:
        """Return the place for what a platform has; "" where the file is for one, without conda."""
        return self.parts.setdefault(subdir, Found())

    def conda(
        self, where: str, subdir: str, package: CondaPackage, comments: Sequence[str]
    ) -> None:
        """Take in a conda package and the comments under it.

        Raises:
            UsageError: there is another of its name.
        """
        said = self._remarks(comments)
        explained = replace(package, via=said.via, because=tuple(sorted(said.because)))
        _once(where, self.of(subdir).conda, package.name, explained)

    def beside(
        self, where: str, subdir: str, package: LockedPackage, comments: Sequence[str]
    ) -> None:
        """Take in a Python package beside conda's, and the comments under it.

        Raises:
            UsageError: there is another of its name.
        """
        said = self._remarks(comments)
        because = tuple(sorted(said.because))
        index = one_line(public(said.index))
        explained = replace(package, via=said.via, because=because, index=index)
        _once(where, self.of(subdir).pypi, package.name, explained)

    def pin(self, pin: Pin) -> None:
        """Take in a Python package of a lock without conda's, if it is for the target.

        Raises:
            UsageError: there is another of its name, or its marker has no meaning.
        """
        for place in self._places(pin):
            self._pin(place, pin)

    def _places(self, pin: Pin) -> Iterator[str]:
        """The platforms that a pin is for; "" where the file is not for several."""
        if self.markers is not None or not self.heading.several:
            if self._is_meant(pin, self.markers):
                yield ""
            return
        for platform, environment in self._environments().items():
            if self._is_meant(pin, environment):
                yield platform

    def _environments(self) -> Mapping[str, Mapping[str, str]]:
        if not self.environments:
            for platform, python in self.heading.several.items():
                self.environments[platform] = environment_of(platform, python)
                self.of(platform)
        return self.environments

    def _pin(self, place: str, pin: Pin) -> None:
        found, package = self.of(place), pin.package
        other = found.pins.setdefault(package.name, pin)
        if other is not pin:
            raise UsageError(
                f"{pin.where}: {package.name} is pinned a second time "
                f"({package.version}; {other.package.version} at {other.where})"
            )
        found.pypi[package.name] = package
        self.reasons |= {rule: why for rule, why in pin.reasons.items() if why}

    def _is_meant(self, pin: Pin, markers: Mapping[str, str] | None) -> bool:
        if markers is None or pin.marker is None:
            return True
        try:
            return pin.marker.evaluate({**markers, "extra": ""}, context="lock_file")
        except (UndefinedComparison, UndefinedEnvironmentName, ValueError) as error:
            raise UsageError(
                f"{pin.where}: the marker {pin.marker} has no meaning: {error}"
            ) from None

    def _remarks(self, comments: Sequence[str]) -> Remarks:
        said = read_remarks(comments)
        self.reasons |= {rule: why for rule, why in said.because.items() if why}
        return said

    def lock(self) -> Lock:
        """Return everything as a lock."""
        head = self.heading
        for subdir in head.virtual:
            self.of(subdir)
        if self.markers is None and head.several:
            self._environments()
        parts = tuple(self._part(each) for each in sorted(self.parts or {"": Found()}))
        return Lock(
            parts=parts,
            name=head.name,
            channels=head.channels,
            nodefaults=head.nodefaults,
            requested=tuple(head.requested),
            variables=self.variables,
            command=head.command,
            request_digest=head.request_digest,
            notes=tuple(head.notes),
            reasons=self.reasons,
            indexes=head.indexes or self._indexes(parts),
            index_strategy=head.index_strategy,
        )

    def _indexes(self, parts: Iterable[Part]) -> tuple[str, ...]:
        """The indexes that pins are said to be from: envlock says so of several, others of any."""
        found = dict.fromkeys(each.index for part in parts for each in part.pypi if each.index)
        return tuple(found) if self.heading.ours or len(found) > 1 else ()

    def _part(self, subdir: str) -> Part:
        found, head = self.parts.get(subdir, Found()), self.heading
        conda_python = found.conda.get("python")
        python, platform = head.target
        if subdir in self.environments:
            python, platform = head.several[subdir], subdir
        elif conda_python:
            python = ".".join(conda_python.version.split(".")[:2])
        return Part(
            python=python,
            platform=platform or _SUBDIRS.get(subdir, subdir),
            subdir="" if subdir in self.environments else subdir,
            conda=tuple(sorted(found.conda.values(), key=attrgetter("name"))),
            pypi=tuple(sorted(found.pypi.values(), key=attrgetter("name"))),
            virtual=head.virtual.get(subdir, ()),
            verified=head.verified.get(subdir, ""),
        )


def _once(where: str, found: dict[str, _Package], name: str, package: _Package) -> None:
    if name in found:
        raise UsageError(f"{where}: {name} is pinned a second time")
    found[name] = package
