"""The CPython minors there are, as ``pythons.yaml`` tells of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from msgspec import Struct

from envlock.rules.tables import table


class Pythons(Struct, frozen=True, kw_only=True):
    """What ``pythons.yaml`` says.

    ``minors`` are all there are, oldest first, ``oldest`` the first that is
    locked for. ``stands_for`` is the full version that a minor stands for
    where that is not its first patch, ``last`` maps a package and a minor to
    the last release that this Python has.
    """

    minors: tuple[str, ...]
    oldest: str
    stands_for: Mapping[str, str]
    last: Mapping[str, Mapping[str, str]]

    def full(self, minor: str) -> str:
        """Return the full version that a minor stands for."""
        return self.stands_for.get(minor, f"{minor}.0")


@cache
def pythons() -> Pythons:
    """Return the Pythons that envlock knows."""
    said = table("pythons.yaml")
    return Pythons(
        minors=tuple(said["minors"]),
        oldest=said["oldest"],
        stands_for=said["stands-for"],
        last=said["last"],
    )
