"""How much time a request may be solved for, and the work that is going on still has."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from math import isfinite
from pathlib import Path
from time import monotonic

from envlock.errors import UsageError, WorkError
from envlock.system.processes import Completed, run

VARIABLE = "ENVLOCK_SOLVE_TIMEOUT"
_SECONDS = 600.0  # pip-tools with nothing in its cache may read metadata for minutes


_UNTIL: ContextVar[float | None] = ContextVar("until", default=None)


class OutOfTime(WorkError):
    """A solver was ended at the time limit for a request."""

    def __init__(self, solver: str, what: str) -> None:
        limit = solve_limit()
        super().__init__(
            f"no answer after {limit:g} s, the time limit of {VARIABLE}:"
            f" {solver} was resolving {what}",
            *(["--engine uv"] if solver == "pip-tools" else []),
            f"export {VARIABLE}={3 * limit:g}",
        )
        self._solver = solver

    def resolving(self, what: str) -> OutOfTime:
        """Return the same, saying what was being solved."""
        return OutOfTime(self._solver, what)


def solve_limit() -> float:
    """Return how many seconds a request may be solved for.

    Raises:
        UsageError: the variable that says so is no number of seconds.
    """
    said = os.environ.get(VARIABLE) or str(_SECONDS)
    try:
        seconds = float(said)
    except ValueError:
        seconds = 0.0
    if seconds <= 0 or not isfinite(seconds):
        raise UsageError(
            f"{VARIABLE}: the value is not a number of seconds", f"export {VARIABLE}=600"
        )
    return seconds


def run_solver(
    name: str,
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Completed:
    """Run a solver for as long as the request has time.

    Raises:
        OutOfTime: it had no answer by then, and was ended.
        WorkError: it cannot be started.
    """
    limit = min(left(), solve_limit())
    done = run(command, cwd=cwd, env=env, timeout=limit, on_line=on_line) if limit else None
    if done is None or done.timed_out:
        raise OutOfTime(name, "a request")
    return done


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
