"""How much time the work that is going on still has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

_UNTIL: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give what a block does so much time, and no more than what is around the block has left.

    Nothing is interrupted: who starts a long piece of work asks for `left`.
    """
    outer = _UNTIL.get()
    until = monotonic() + seconds
    token = _UNTIL.set(until if outer is None else min(outer, until))
    try:
        yield
    finally:
        _UNTIL.reset(token)


def left() -> float:
    """Return the seconds that are left, none below zero; without a limit they are endless."""
    until = _UNTIL.get()
    return float("inf") if until is None else max(0.0, until - monotonic())
