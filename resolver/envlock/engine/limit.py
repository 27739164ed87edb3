"""The time that a solver is given."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from pathlib import Path

from envlock.errors import UsageError, WorkError
from envlock.system import Completed, left, run

VARIABLE = "ENVLOCK_SOLVE_TIMEOUT"
_SECONDS = 600.0  # pip-tools with nothing in its cache may read metadata for minutes


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
        raise UsageError(f"{VARIABLE}={said}: not a number of seconds", f"export {VARIABLE}=600")
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
