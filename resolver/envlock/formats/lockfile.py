"""A lock file becomes a `Lock` again, pin by pin.

Besides envlock's own files it reads what pip-compile, uv, conda, conda-lock
and pixi write in these formats. What a file does not tell is empty in the
lock, or what rattler derives from the address of a package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.builds import UNTOLD
from envlock.errors import UsageError
from envlock.formats.comments import Heading, Remarks, one_line, read_remarks
from envlock.formats.direct import Line, last_part, read_line, without_login
from envlock.formats.pep508 import release_at
from envlock.index.origin import public
from envlock.model import (
    CondaPackage,
    Lock,
    LockedPackage,
    Part,
    RuleId,
    Selection,
    SelectionKind,
)
from envlock.targets.platforms import KNOWN, environment_of

STRONG_HASH = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
_OPTION_STARTS = re.compile(r"(?:^|(?<!\s)\s+)(?=--?[A-Za-z])")
_EDITABLE = re.compile(r"(?:-e\s*|--editable(?:\s+|=))(?=\S)")
_OPTION = re.compile(r"(--[A-Za-z][\w-]*|-[A-Za-z])[=\s]*")
_Package = TypeVar("_Package", CondaPackage, LockedPackage)
_SUBDIRS = {each.conda: str(each.platform) for each in KNOWN}


class Pin(Struct, frozen=True, kw_only=True):
    """A package that was read, where, its marker, and rule → reason."""

    where: str
    package: LockedPackage
    reasons: Mapping[RuleId, str]
    marker: Marker | None = None


def read_pin(where: str, text: str, comments: Sequence[str]) -> Pin:
    """Read a requirement or a place with its hashes and the comments under it; extras are dropped.

    Raises:
        UsageError: it is no exact pin, or has an option that is not a good
            ``--hash``; ``where`` begins the message.
    """
    start = _EDITABLE.match(text)
    wish, *options = _OPTION_STARTS.split(text[start.end() :] if start else text)
    hashes = [_hash(where, option) for option in options]
    said = read_remarks(comments)
    place = read_line(f"-e {wish}" if start else wish)
    if place is not None:
        return _placed(where, place, hashes, said)
    requirement, version = _exact(where, wish)
    package = LockedPackage(
        name=canonicalize_name(requirement.name),
        version=version,
        hashes=tuple(sorted(hashes)),
        via=said.via,
        because=tuple(sorted(said.because)),
        index=one_line(public(said.index)),
        built=said.built,
    )
    return Pin(where=where, package=package, reasons=said.because, marker=requirement.marker)


def _placed(where: str, line: Line, hashes: Sequence[str], said: Remarks) -> Pin:
    """The pin of a line that names a place; its name and version stand under it, or in it."""
    told_name, told_version = release_at(line.direct.url)
    name, version, revision = said.release or (
        line.name or str(told_name or last_part(line.direct)),
        told_version or UNTOLD,
        line.direct.revision,
    )
    digest = line.direct.digest
    marker = standards.marker(line.marker) if line.marker else None
    if line.marker and marker is None:
        raise UsageError(f"{where}: {one_line(line.marker)!r} is no marker")
    package = LockedPackage(
        name=canonicalize_name(name),
        version=version,
        hashes=tuple(sorted({*hashes, *([digest] if STRONG_HASH.fullmatch(digest) else [])})),
        via=said.via,
        because=tuple(sorted(said.because)),
        built=said.built,
        direct=replace(
            line.direct, url=without_login(line.direct.url), digest="", revision=revision
        ),
    )
    return Pin(where=where, package=package, reasons=said.because, marker=marker)


def _exact(where: str, wish: str) -> tuple[Requirement, Version]:
    requirement = standards.requirement(wish)
    specifiers = () if requirement is None else tuple(requirement.specifier)
    if requirement is None or [each.operator for each in specifiers] not in (["=="], ["==="]):
        raise _not_exact(where, wish)
    version = standards.version(specifiers[0].version)
    if version is None:
        raise _not_exact(where, wish)
    return requirement, version


def _not_exact(where: str, wish: str) -> UsageError:
    return UsageError(
        f"{where}: {one_line(wish)!r} is not an exact pin (name==version)",
        "make a lock from this file with `envlock lock`, and give that",
    )


def _hash(where: str, option: str) -> str:
    _, name, value = _OPTION.split(option, maxsplit=1)
    if name != "--hash":
        raise UsageError(
            f"{where}: the option {name} is not read from a lock, only --hash is",
            "delete it: indexes and the like come from pip's configuration",
        )
    lowered = value.strip().lower()
    if not STRONG_HASH.fullmatch(lowered):
        raise UsageError(f"{where}: {one_line(lowered)!r} is not a sha256, sha384 or sha512 hash")
    return lowered


class Holding(Struct, kw_only=True):
    """What a file holds of one platform; ``pins`` say where each Python package stands."""

    conda: dict[str, CondaPackage] = field(default_factory=dict)
    pypi: dict[str, LockedPackage] = field(default_factory=dict)
    pins: dict[str, Pin] = field(default_factory=dict)


class LockEntries(Struct, kw_only=True):
    """What a file holds; `lock` puts it together.

    ``markers`` is the PEP 508 environment of a target: pins that are for
    others are left out. Without it every pin counts, whatever its marker.
    ``selections`` are the extras and groups that can be chosen from the file,
    ``default_groups`` those that are there without being chosen. ``environment`` is
    the one that is meant of a file that has several, None for its own default.
    """

    heading: Heading
    environment: str | None = None
    markers: Mapping[str, str] | None = None
    parts: dict[str, Holding] = field(default_factory=dict)
    reasons: dict[RuleId, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    environments: dict[str, Mapping[str, str]] = field(default_factory=dict)
    selections: tuple[Selection, ...] = ()
    default_groups: tuple[str, ...] = ()

    def of(self, subdir: str) -> Holding:
        """Return the place for what a platform has; "" where the file is for one, without conda."""
        return self.parts.setdefault(subdir, Holding())

    def add(
        self,
        where: str,
        subdir: str,
        package: CondaPackage | LockedPackage,
        comments: Sequence[str],
    ) -> None:
        """Take in a conda package, or a Python package beside them, and the comments under it.

        Raises:
            UsageError: there is another of its name.
        """
        said, found = read_remarks(comments), self.of(subdir)
        self._explain(said.because)
        because = tuple(sorted(said.because))
        if isinstance(package, CondaPackage):
            explained = replace(package, via=said.via, because=because)
            _once(where, found.conda, package.name, explained)
        else:
            index = one_line(public(said.index))
            pinned = replace(package, via=said.via, because=because, index=index, built=said.built)
            _once(where, found.pypi, package.name, pinned)

    def pin(self, pin: Pin) -> None:
        """Take in a Python package of a lock without conda's, if it is for the target.

        Raises:
            UsageError: there is another of its name, or its marker has no meaning.
        """
        for place, environment in self._places().items():
            only = self._only(pin, environment)
            if only is not None:
                package = replace(pin.package, only=only)
                self._pin(place, replace(pin, package=package) if only else pin)

    def _places(self) -> Mapping[str, Mapping[str, str] | None]:
        """The platforms of a file, and what markers mean there; "" where it is not for several."""
        if self.markers is not None or not self.heading.several:
            python, platform = self.heading.target
            own = environment_of(platform, python) if self.selections and platform else None
            return {"": own if self.markers is None else self.markers}
        return self._environments()

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
        self._explain(pin.reasons)

    def _only(self, pin: Pin, markers: Mapping[str, str] | None) -> tuple[Selection, ...] | None:
        """The extras and groups of which one must be chosen for a pin, none for always.

        None is returned for a pin that is not for the target, whatever is chosen.
        """
        if markers is None or self._is_meant(pin, markers, ()):
            return ()
        only = tuple(each for each in self.selections if self._is_meant(pin, markers, (each,)))
        if not only and self.selections and self._is_meant(pin, markers, self.selections):
            raise UsageError(
                f"{pin.where}: {pin.package.name} is for several extras and groups chosen"
                f" together, and envlock reads those that are for each of them: {pin.marker}"
            )
        return only or None

    def _is_meant(self, pin: Pin, markers: Mapping[str, str], chosen: Sequence[Selection]) -> bool:
        if pin.marker is None:
            return True
        named = {
            kind: {each.name for each in chosen if each.kind is kind} for kind in SelectionKind
        }
        said: dict[str, str | AbstractSet[str]] = {
            **markers,
            "extra": "",
            "extras": frozenset(named[SelectionKind.EXTRA]),
            "dependency_groups": frozenset({*self.default_groups, *named[SelectionKind.GROUP]}),
        }
        try:
            return pin.marker.evaluate(said, context="lock_file")
        except (UndefinedComparison, UndefinedEnvironmentName, ValueError) as error:
            raise UsageError(
                f"{pin.where}: the marker {pin.marker} has no meaning: {error}"
            ) from None

    def _explain(self, reasons: Mapping[RuleId, str]) -> None:
        self.reasons |= {rule: why for rule, why in reasons.items() if why}

    def lock(self) -> Lock:
        """Return everything as a lock."""
        head = self.heading
        for subdir in head.virtual:
            self.of(subdir)
        if self.markers is None and head.several:
            self._environments()
        parts = tuple(self._part(each) for each in sorted(self.parts or {"": Holding()}))
        return Lock(
            parts=parts,
            name=head.name,
            channels=head.channels,
            nodefaults=head.nodefaults,
            requested=tuple(head.requested),
            variables={**head.variables, **self.variables},
            command=head.command,
            request_digest=head.request_digest,
            asked=head.asked,
            content=head.content,
            notes=tuple(head.notes),
            reasons=self.reasons,
            indexes=head.indexes or self._indexes(parts),
            index_strategy=head.index_strategy,
            selections=self.selections,
        )

    def _indexes(self, parts: Iterable[Part]) -> tuple[str, ...]:
        """The indexes that pins are said to be from: envlock says so of several, others of any."""
        found = dict.fromkeys(each.index for part in parts for each in part.pypi if each.index)
        return tuple(found) if self.heading.ours or len(found) > 1 else ()

    def _part(self, subdir: str) -> Part:
        found, head = self.parts.get(subdir, Holding()), self.heading
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
