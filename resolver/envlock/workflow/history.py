"""`envlock history` and `envlock fix --undo`: what was done to an environment, and back."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from envlock.changes import Step
from envlock.environment.holding import alone
from envlock.environment.inspect import prefix_of
from envlock.environment.journal import Journal, State, fixes
from envlock.environment.recovery import environment_at, settle
from envlock.environment.repair import undo as restore
from envlock.progress import Progress


def undo(environment: Path | None, progress: Progress) -> tuple[Path, tuple[Step, ...]]:
    """Restore what an environment was before its last fix; return it and the steps taken back.

    Raises:
        UsageError: there is nothing to undo, or it was changed since.
        WorkError: another envlock is at work there, or files cannot be restored.
    """
    python = environment_at(environment, progress, wait=True)
    prefix = prefix_of(python)
    with alone(prefix, progress):
        settle(prefix, progress)
        with progress.phase(f"restore {prefix}"):
            return prefix, restore(python).steps()


class Past(Struct, frozen=True, kw_only=True):
    """One fix of an environment: when it began, what it changed, how it ended."""

    when: str
    steps: tuple[Step, ...]
    state: State


def history(environment: Path | None, progress: Progress) -> tuple[Path, tuple[Past, ...]]:
    """The fixes of an environment, oldest first.

    Raises:
        UsageError: there is no environment.
    """
    prefix = prefix_of(environment_at(environment, progress))
    return prefix, tuple(map(_past, fixes(prefix)))


def _past(journal: Journal) -> Past:
    return Past(when=journal.lines()[0]["time"], steps=journal.steps(), state=journal.state())
