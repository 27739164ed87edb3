"""What is asked for, package by package, whoever said it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from envlock.model import Requested

#: The origin of what was typed; everything else is from a file.
TYPED = "command line"
_PLACE = re.compile(r"(?P<file>.+?)(?::\d+| \[(?P<table>[^\]]+)\])?")


class Wish(Struct, frozen=True, kw_only=True):
    """Everything the user says about one package, from every line that names it."""

    name: NormalizedName
    specifier: SpecifierSet
    extras: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"{self.name}{extras}{self.specifier}"

    @property
    def places(self) -> tuple[str, ...]:
        """The lines of files that say it."""
        return tuple(origin for origin in self.origins if origin != TYPED)

    def relaxed(self) -> Wish:
        """The same package in any version."""
        return replace(self, specifier=SpecifierSet())

    def within(self, bound: Wish) -> Wish:
        """The same package, where another line bounds it as well."""
        return replace(
            self,
            specifier=self.specifier & bound.specifier,
            extras=tuple(sorted({*self.extras, *bound.extras})),
            origins=tuple(dict.fromkeys((*self.origins, *bound.origins))),
        )


Wishes = Mapping[NormalizedName, Wish]


def merge(requested: Iterable[Requested]) -> dict[NormalizedName, Wish]:
    """One `Wish` for each package, sorted by name."""
    merged: dict[NormalizedName, Wish] = {}
    for item in requested:
        requirement: Requirement = item.requirement
        wish = Wish(
            name=canonicalize_name(requirement.name),
            specifier=requirement.specifier,
            extras=tuple(sorted(requirement.extras)),
            origins=(item.origin,),
        )
        known = merged.get(wish.name)
        merged[wish.name] = wish if known is None else known.within(wish)
    return dict(sorted(merged.items()))


def file_of(origin: str) -> tuple[str, str]:
    """The file of an origin, without its line, and the table in it ("" where there is none)."""
    place = _PLACE.fullmatch(origin)
    assert place is not None  # noqa: S101  (the pattern takes any text that is not empty)
    return place["file"], place["table"] or ""
