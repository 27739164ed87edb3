"""What a lock file holds, while it is read, and the `Lock` it becomes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.markers import UndefinedComparison, UndefinedEnvironmentName

from envlock.errors import UsageError
from envlock.index.origin import public
from envlock.model import CondaPackage, Lock, LockedPackage, Part, RuleId
from envlock.targets.platforms import KNOWN
from envlock.write.comments import Remarks, one_line, read_remarks
from envlock.write.heading import Heading
from envlock.write.pins import Pin

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

    def of(self, subdir: str) -> Found:
        """Return the place for what a platform has; "" where conda has no part in the file."""
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
        if not self._is_meant(pin):
            return
        found, package = self.of(""), pin.package
        other = found.pins.setdefault(package.name, pin)
        if other is not pin:
            raise UsageError(
                f"{pin.where}: {package.name} is pinned a second time "
                f"({package.version}; {other.package.version} at {other.where})"
            )
        found.pypi[package.name] = package
        self.reasons |= {rule: why for rule, why in pin.reasons.items() if why}

    def _is_meant(self, pin: Pin) -> bool:
        if self.markers is None or pin.marker is None:
            return True
        environment = {**self.markers, "extra": ""}
        try:
            return pin.marker.evaluate(environment, context="lock_file")
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
        python = found.conda.get("python")
        return Part(
            python=".".join(python.version.split(".")[:2]) if python else head.python,
            platform=_SUBDIRS.get(subdir, subdir) or head.platform,
            subdir=subdir,
            conda=tuple(sorted(found.conda.values(), key=attrgetter("name"))),
            pypi=tuple(sorted(found.pypi.values(), key=attrgetter("name"))),
            virtual=head.virtual.get(subdir, ()),
            verified=head.verified.get(subdir, ""),
        )


def _once(where: str, found: dict[str, _Package], name: str, package: _Package) -> None:
    if name in found:
        raise UsageError(f"{where}: {name} is pinned a second time")
    found[name] = package
