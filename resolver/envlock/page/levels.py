"""What is shown of a set: the levels, the letter of each, and how the set stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from msgspec import Struct

from envlock.evidence.explain import failures
from envlock.evidence.values import ProvedSet


class Capability(Struct, frozen=True, kw_only=True):
    """A level of a probe: its name, what it proves, and whether the gate asks for it."""

    name: str
    proves: str
    gate: bool


class Levels(Struct, frozen=True, kw_only=True):
    """All levels in their order; the gate counts as one, each other level for itself."""

    all: tuple[Capability, ...]

    @property
    def gate(self) -> tuple[str, ...]:
        """The names of the levels that must pass."""
        return tuple(each.name for each in self.all if each.gate)

    @property
    def others(self) -> tuple[str, ...]:
        """The names of the other levels."""
        return tuple(each.name for each in self.all if not each.gate)

    @property
    def letters(self) -> dict[str, str]:
        """A letter for each other level: the first of its name that is free; G is the gate's."""
        found: dict[str, str] = {}
        for name in self.others:
            free = (c for c in name.upper() if c.isalpha() and c not in {*found.values(), "G"})
            found[name] = next(free, "?")
        return found


class State(StrEnum):
    """How a set stands, best first."""

    FULL = "full"  # every level passed that the release has
    GATE = "gate"  # the gate passed, and a capability failed
    FAIL = "fail"  # the gate did not pass
    NONE = "none"  # there was nothing to run: no resolution, no installation
    OPEN = "open"  # not run yet


def state(proved: ProvedSet | None, levels: Levels) -> State:
    """Say how a set stands; None has not been run."""
    if proved is None:
        return State.OPEN
    if not proved.outcomes:
        return State.NONE
    if not proved.passes(levels.gate):
        return State.FAIL
    return State.GATE if lost(proved, levels) else State.FULL


def lost(proved: ProvedSet, levels: Levels) -> tuple[str, ...]:
    """The capabilities that were tried and failed."""
    failed = {each.level for each in failures(proved)}
    return tuple(name for name in levels.others if name in failed)


def absent(proved: ProvedSet, levels: Levels) -> tuple[str, ...]:
    """The capabilities of a set that passes the gate which its release does not have."""
    known = {*proved.capabilities, *lost(proved, levels)}
    return tuple(name for name in levels.others if name not in known)


def code(proved: ProvedSet | None, levels: Levels) -> str:
    """Say what a set can do in a letter a level, with a dash for what it cannot."""
    if proved is None:
        return "?"
    if not proved.outcomes:
        return "none"
    gate = "G" if proved.passes(levels.gate) else "-"
    return gate + "".join(
        letter if name in proved.capabilities else "-" for name, letter in levels.letters.items()
    )


def passing(sets: Iterable[ProvedSet | None], names: Collection[str]) -> int:
    """Count the sets that pass levels."""
    return sum(each is not None and each.passes(tuple(names)) for each in sets)
