"""What is asked for, package by package, whoever said it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from packaging.ranges import VersionRange
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from envlock.model import Requested


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """Everything the user says about one package, from every line that names it."""

    name: NormalizedName
    specifier: SpecifierSet
    extras: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"{self.name}{extras}{self.specifier}"

    def relaxed(self) -> Wish:
        """The same package in any version."""
        return replace(self, specifier=SpecifierSet())


Wishes = Mapping[NormalizedName, Wish]


def merge(requested: Iterable[Requested]) -> dict[NormalizedName, Wish]:
    """One `Wish` for each package, sorted by name."""
    merged: dict[NormalizedName, Wish] = {}
    for item in requested:
        requirement: Requirement = item.requirement
        name = canonicalize_name(requirement.name)
        known = merged.get(name, Wish(name=name, specifier=SpecifierSet()))
        merged[name] = Wish(
            name=name,
            specifier=known.specifier & requirement.specifier,
            extras=tuple(sorted({*known.extras, *requirement.extras})),
            origins=tuple(dict.fromkeys((*known.origins, item.origin))),
        )
    return dict(sorted(merged.items()))


def version_range(specifier: SpecifierSet) -> VersionRange:
    """The range of a specifier with pre-releases counted, so that sets compare by version alone."""
    return SpecifierSet(str(specifier), prereleases=True).to_range()
