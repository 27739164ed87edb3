"""Time in tests: what takes long is told from a machine that is busy, and what comes is waited for.

A limit is in seconds of a machine that is known. What takes longer is tried again, and each try is
held against how long the machine took for a known piece of work right after it, by the same clock.
What grows with the square of its input is too slow each time; a machine that others use is not.
"""

import os
import re
import time
from collections.abc import Callable
from time import monotonic, process_time
from typing import TypeVar

#: What `_work` takes where the limits were measured; a shared machine has been twice as slow.
_KNOWN = 0.015
_TRIES = 5
_PATIENCE = 60.0  # seconds

Clock = Callable[[], float]
_T = TypeVar("_T")


def of_children() -> float:
    """Return the processor time that the programs took which this process has waited for."""
    took = os.times()
    return took.children_user + took.children_system


def known_seconds(
    work: Callable[[], object], *, enough: float, clock: Clock = process_time
) -> float:
    """Return what work takes on the machine that is known, at best of some tries.

    It is tried until it takes less than ``enough``.
    """
    best = float("inf")
    for _ in range(_TRIES):
        took = _timed(work, clock)
        # What a program takes of the processor is as slow as what this process does.
        pace = 1.0 if took < enough else _pace(monotonic if clock is monotonic else process_time)
        best = min(best, took / pace)
        if best < enough:
            break
    return best


def assert_quick(limit: float, work: Callable[[], _T], clock: Clock = process_time) -> _T:
    """Hold work, which can be done again, to a limit in seconds of processor time."""
    done: list[_T] = []
    took = known_seconds(lambda: done.append(work()), enough=limit, clock=clock)
    assert took < limit, f"took {took:.3f} s each time, where {limit} s are allowed"
    return done[-1]


def assert_soon(limit: float, work: Callable[[], _T]) -> _T:
    """Hold work, which can be done again, to a limit in seconds by the clock on the wall."""
    return assert_quick(limit, work, monotonic)


def wait_until(happened: Callable[[], object], patience: float = _PATIENCE) -> None:
    """Wait for what comes by itself, however busy the machine is."""
    end = monotonic() + patience
    while not happened():
        assert monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def _pace(clock: Clock) -> float:
    """How many times as long as the known machine this one takes just now, 1 at least."""
    return max(1.0, min(_timed(_work, clock) for _ in range(3)) / _KNOWN)


def _timed(work: Callable[[], object], clock: Clock) -> float:
    start = clock()
    work()
    return clock() - start


def _work() -> None:
    re.search(r"(?:Error|Exception)\b[^\n]{0,300}:", "-" * 1_000_000)
    sum(range(500_000))
    for _ in range(200_000):
        pass
