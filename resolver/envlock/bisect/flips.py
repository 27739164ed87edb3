"""Between which two releases does it begin to fail? Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from envlock.bisect.ddmin import Verdict

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
