"""Delta debugging after Zeller and Hildebrandt (2002): few changes that still fail. Pure.

A test of some of the changes fails in the way that is looked for, passes, or
is unresolved: it fails in another way, or cannot be tried.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import chain
from typing import Generic, TypeVar


class Verdict(StrEnum):
    """What came of testing some of the changes."""

    FAILS = "fails"
    PASSES = "passes"
    UNRESOLVED = "unresolved"


Change = TypeVar("Change", bound=Hashable)


class Reduction(Generic[Change]):
    """A search among ``changes``, in an order that keeps apart what has little to do together.

    ``test`` is asked about each subset at most once. All changes together
    must fail; what none of them does is not asked.
    """

    def __init__(
        self, changes: Sequence[Change], test: Callable[[frozenset[Change]], Verdict]
    ) -> None:
        self._place = {change: number for number, change in enumerate(changes)}
        self._test = test
        self._known: dict[frozenset[Change], Verdict] = {
            frozenset(): Verdict.PASSES,
            frozenset(changes): Verdict.FAILS,
        }

    def smallest(
        self,
        likely: Iterable[frozenset[Change]] = (),
        close: Callable[[frozenset[Change]], frozenset[Change]] = lambda some: some,
    ) -> tuple[Change, ...]:
        """Return changes that fail together, and no longer when any one of them is left out.

        ``likely`` subsets are tried first. ``close`` adds the changes that
        some cannot go without: subsets are first tried so, since others would
        be unresolved, and in the end without.
        """
        current = frozenset(self._place)
        likely = (some for some in likely if some < current)
        current = next(filter(self._fails, likely), current)
        current = self._reduced(current, lambda some: close(some) & current)
        current = self._reduced(current, lambda some: some)
        return tuple(self._sorted(current))

    def _reduced(
        self, current: frozenset[Change], close: Callable[[frozenset[Change]], frozenset[Change]]
    ) -> frozenset[Change]:
        parts = 2
        while len(current) > 1:
            pieces = list(_split(self._sorted(current), parts))
            chosen = map(close, chain(pieces, (current - piece for piece in pieces)))
            smaller = next((each for each in chosen if each < current and self._fails(each)), None)
            if smaller is not None:
                parts = 2 if smaller in pieces else max(parts - 1, 2)
                current = smaller
            elif parts < len(current):
                parts = min(2 * parts, len(current))
            else:
                break
        return current

    def _fails(self, some: frozenset[Change]) -> bool:
        if some not in self._known:
            self._known[some] = self._test(some)
        return self._known[some] is Verdict.FAILS

    def _sorted(self, some: Iterable[Change]) -> list[Change]:
        return sorted(some, key=self._place.__getitem__)


def _split(changes: Sequence[Change], parts: int) -> Iterator[frozenset[Change]]:
    """Cut into so many pieces of about the same size, none of them empty."""
    parts = min(parts, len(changes))
    for number in range(parts):
        start, stop = (len(changes) * each // parts for each in (number, number + 1))
        yield frozenset(changes[start:stop])


Release = TypeVar("Release")


def flip(
    releases: Sequence[Release], test: Callable[[Release], Verdict]
) -> tuple[Release, Release, tuple[Release, ...]]:
    """Return the last release that does not fail, the first that does, and what is between.

    The first of ``releases`` is known not to fail and the last one to fail;
    neither is tested. Between the two that are found are those, if any, that
    are unresolved.
    """
    low, high = 0, len(releases) - 1
    unresolved: set[int] = set()
    while left := [number for number in range(low + 1, high) if number not in unresolved]:
        middle = left[len(left) // 2]
        match test(releases[middle]):
            case Verdict.FAILS:
                high = middle
            case Verdict.PASSES:
                low = middle
            case Verdict.UNRESOLVED:
                unresolved.add(middle)
    return releases[low], releases[high], tuple(releases[low + 1 : high])
