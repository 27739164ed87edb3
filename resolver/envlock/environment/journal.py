"""What was done to an environment, one line a step, each on disk before the next begins.

Every fix has a folder in the state folder: ``journal.jsonl`` and, until the
next fix, ``snapshot``. The lines, in their order: ``snapshot`` (being
taken), ``begin`` (it is complete), ``start`` and ``done`` of each step,
``verified``, and how it ended: ``commit``, or ``rollback`` and
``rolled-back``. ``undo`` and ``undone`` may follow a commit.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from msgspec import Struct
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.changes import Step
from envlock.system import make_folder
from envlock.trees import append_line, shared_lock, state_folder


class Event(StrEnum):
    """The lines of a journal."""

    SNAPSHOT = "snapshot"
    BEGIN = "begin"
    START = "start"
    DONE = "done"
    VERIFIED = "verified"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    ROLLED_BACK = "rolled-back"
    UNDO = "undo"
    UNDONE = "undone"


class State(StrEnum):
    """How a fix stands."""

    FIXED = "fixed"
    ROLLED_BACK = "rolled back"
    UNDONE = "undone"
    UNFINISHED = "unfinished"


_ENDS = {
    Event.COMMIT: State.FIXED,
    Event.ROLLED_BACK: State.ROLLED_BACK,
    Event.UNDONE: State.UNDONE,
}


class Journal(Struct, frozen=True, kw_only=True):
    """The folder of one fix; nothing is kept in memory."""

    folder: Path

    @property
    def path(self) -> Path:
        """The file with the lines."""
        return self.folder / "journal.jsonl"

    @property
    def snapshot(self) -> Path:
        """Where the files that the fix touches are kept."""
        return self.folder / "snapshot"

    def write(self, event: Event, **facts: object) -> None:
        """Add a line.

        Raises:
            WorkError: the disk is full or read-only.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        append_line(self.path, json.dumps({"event": event, "time": now, **facts}, default=str))

    def lines(self) -> list[dict[str, Any]]:
        """The lines that are whole; a power cut may have torn the last."""
        try:
            text = self.path.read_bytes().decode(errors="replace")
        except OSError:
            return []
        return [line for each in text.splitlines() if (line := _object(each)) is not None]

    def events(self) -> list[Event]:
        """The kinds of the lines."""
        return [Event(line["event"]) for line in self.lines()]

    def state(self) -> State:
        """How the fix stands, by its last line."""
        events = self.events()
        return _ENDS.get(events[-1], State.UNFINISHED) if events else State.ROLLED_BACK

    def begin(self) -> dict[str, Any] | None:
        """The facts the fix began with; None when it changed nothing yet."""
        return next((line for line in self.lines() if line["event"] == Event.BEGIN), None)

    def steps(self) -> tuple[Step, ...]:
        """What the fix was to change."""
        return tuple(map(_step, (self.lines() or [{}])[0].get("steps", ())))


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.get("event") in set(Event) else None


def step_data(step: Step) -> dict[str, Any]:
    """A step as a journal and ``--json`` have it."""
    return {
        "action": step.action,
        "package": step.package,
        "before": None if step.before is None else str(step.before),
        "after": None if step.after is None else str(step.after),
        "because": step.because,
        "rules": list(step.rules),
    }


def _step(data: Mapping[str, Any]) -> Step:
    return Step(
        package=canonicalize_name(data["package"]),
        before=None if data["before"] is None else Version(data["before"]),
        after=None if data["after"] is None else Version(data["after"]),
        because=data["because"],
        rules=tuple(data["rules"]),
    )


def records_of(prefix: Path) -> Path:
    """The folder of what was done to one environment."""
    key = hashlib.sha256(os.fsencode(prefix.resolve())).hexdigest()[:16]
    return state_folder() / "environments" / key


def journals(prefix: Path) -> tuple[Journal, ...]:
    """The fixes of an environment, oldest first."""
    folder = records_of(prefix) / "fixes"
    if not folder.is_dir():
        return ()
    return tuple(Journal(folder=each) for each in sorted(folder.iterdir()) if each.is_dir())


def unfinished(prefix: Path) -> bool:
    """Whether an envlock was stopped while it changed an environment, or is at it now."""
    return any(each.state() is State.UNFINISHED for each in journals(prefix))


def new_journal(prefix: Path) -> Journal:
    """A folder for the next fix.

    Raises:
        WorkError: it cannot be made.
    """
    last = max((int(each.folder.name) for each in journals(prefix)), default=0)
    folder = records_of(prefix) / "fixes" / f"{last + 1:04}"
    make_folder(folder)
    return Journal(folder=folder)


@contextmanager
def alone(prefix: Path, timeout: float = 10.0) -> Iterator[None]:
    """Be the only envlock that changes an environment.

    Raises:
        WorkError: another one is still at it after ``timeout`` seconds.
    """
    folder = records_of(prefix)
    make_folder(folder)
    with shared_lock(folder / "lock", timeout):
        yield


@contextmanager
def at_work(prefix: Path, timeout: float = 600.0) -> Iterator[int | None]:
    """Wait for what an envlock that is gone had started, and give what a program is to inherit.

    An installer outlives an envlock that is killed, or interrupted while it
    starts it; it holds the descriptor until it ends.

    Raises:
        WorkError: one is still at it after ``timeout`` seconds.
    """
    with shared_lock(records_of(prefix) / "at-work", timeout) as held:
        yield held
