"""Distributions that stand for one another: which share an import package. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name

from envlock.rules.tables import table


class Families(Struct, frozen=True, kw_only=True):
    """What ``families.yaml`` says.

    ``by_name`` maps a family to its members, ``stubs`` are pairs of which one
    is an empty shell that pulls in the other, and ``wheels_only`` names the
    packages whose source distributions are never to be built. ``one_system``
    maps packages that exist for one system only to it, and ``not_imported``
    are declared without being imported.
    """

    by_name: Mapping[NormalizedName, tuple[NormalizedName, ...]]
    stubs: frozenset[frozenset[NormalizedName]]
    wheels_only: tuple[NormalizedName, ...]
    one_system: Mapping[NormalizedName, str]
    not_imported: frozenset[NormalizedName]

    def family_of(self, name: NormalizedName) -> NormalizedName | None:
        """Return the family that a distribution belongs to."""
        return next((family for family, names in self.by_name.items() if name in names), None)

    def members(self, name: NormalizedName) -> tuple[NormalizedName, ...]:
        """Return the members of a family, or the name itself where it is no family's."""
        return self.by_name.get(name, (name,))

    def is_stub_pair(self, one: NormalizedName, other: NormalizedName) -> bool:
        """Whether the two belong together when they have the same version."""
        return frozenset((one, other)) in self.stubs


@cache
def families() -> Families:
    """Return the families that envlock knows."""
    document = table("families.yaml")
    return Families(
        by_name={
            canonicalize_name(family): _names(members)
            for family, members in document["families"].items()
        },
        stubs=frozenset(frozenset(_names(pair)) for pair in document["stubs"]),
        wheels_only=_names(document["wheels-only"]),
        one_system={
            name: system
            for system, names in document["one-system"].items()
            for name in _names(names)
        },
        not_imported=frozenset(_names(document["not-imported"])),
    )


def _names(names: list[str]) -> tuple[NormalizedName, ...]:
    return tuple(map(canonicalize_name, names))
