"""What was done to an environment, one line a step, each on disk before the next begins.

Everything lies in ``.envlock`` of the environment itself, where every user
and container that shares it finds it, and which goes where it goes. Each
change has a folder there with ``journal.jsonl``.

A fix: ``snapshot`` (being taken), ``begin`` (it is complete), ``start`` and
``done`` of each step, ``verified``, and how it ended: ``commit``, or
``rollback`` and ``rolled-back``. ``undo`` and ``undone`` may follow a commit.
Its folder ``snapshot`` stays until the next change.

A replacement: ``replace``, ``venv`` (it is made and has the transaction's
id), ``files`` (their old bytes are saved, they are going to be written) and
``commit``. What was there waits in ``aside`` while it steps aside or comes
back, and in ``old`` in between. Nothing of it stays, neither when it is done
nor when it was taken back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from msgspec import Struct
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.changes import Step
from envlock.system import contents, make_folder
from envlock.trees import append_line

#: The folder of everything that envlock keeps of an environment.
OWN = ".envlock"
_MOST = 1 << 28  # bytes of a journal


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
    REPLACE = "replace"
    VENV = "venv"
    FILES = "files"


class State(StrEnum):
    """How a change stands."""

    FIXED = "fixed"
    ROLLED_BACK = "rolled back"
    UNDONE = "undone"
    UNFINISHED = "unfinished"


_ENDS = {
    Event.COMMIT: State.FIXED,
    Event.ROLLED_BACK: State.ROLLED_BACK,
    Event.UNDONE: State.UNDONE,
}


#: The facts that a line must have to be one.
_FACTS: Mapping[Event, Mapping[str, type]] = {
    Event.SNAPSHOT: {"time": str, "steps": list},
    Event.BEGIN: {"entries": list},
    Event.REPLACE: {"id": str, "stayed": list},
    Event.FILES: {"files": list},
}


class Journal(Struct, frozen=True, kw_only=True):
    """The folder of one change; nothing is kept in memory."""

    folder: Path

    @property
    def path(self) -> Path:
        """The file with the lines."""
        return self.folder / "journal.jsonl"

    @property
    def snapshot(self) -> Path:
        """Where the files that the fix touches are kept."""
        return self.folder / "snapshot"

    @property
    def brought(self) -> Path:
        """The file that names what came with a fix, ended by zeros."""
        return self.snapshot / OWN / "brought"

    @property
    def aside(self) -> Path:
        """Where what is replaced is while it steps aside, or comes back."""
        return self.folder / "aside"

    @property
    def old(self) -> Path:
        """Where what is replaced waits, as long as the new environment is in its place."""
        return self.folder / "old"

    @property
    def built(self) -> Path:
        """Where a new environment goes that is taken back."""
        return self.folder / "built"

    @property
    def files(self) -> Path:
        """Where the old bytes of files are that are written with the environment."""
        return self.folder / "files"

    def write(self, event: Event, **facts: object) -> None:
        """Add a line.

        Raises:
            WorkError: the disk is full or read-only.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        append_line(self.path, json.dumps({"event": event, "time": now, **facts}, default=str))

    def lines(self) -> list[dict[str, Any]]:
        """The lines that are whole; a power cut may have torn the last."""
        if self.path.is_symlink():
            return []
        try:
            text = contents(self.path, _MOST).decode(errors="replace")
        except OSError:
            return []
        return [line for each in text.splitlines() if (line := _object(each)) is not None]

    def holds(self) -> bool:
        """Whether what was in the environment is kept here, and perhaps nowhere else."""
        return any(
            place.is_dir() and any(place.iterdir())
            for place in (self.aside, self.old, self.snapshot)
        )

    def events(self) -> list[Event]:
        """The kinds of the lines."""
        return [Event(line["event"]) for line in self.lines()]

    @property
    def replaces(self) -> bool:
        """Whether the change is a replacement of the whole environment."""
        return self.first().get("event") == Event.REPLACE

    def first(self) -> dict[str, Any]:
        """The facts of the first line; none before it is written."""
        return next(iter(self.lines()), {})

    def state(self) -> State:
        """How the change stands, by its last line."""
        events = self.events()
        return _ENDS.get(events[-1], State.UNFINISHED) if events else State.ROLLED_BACK

    def begin(self) -> dict[str, Any] | None:
        """The facts the fix began with; None when it changed nothing yet."""
        return next((line for line in self.lines() if line["event"] == Event.BEGIN), None)

    def steps(self) -> tuple[Step, ...]:
        """What the fix was to change."""
        return tuple(map(_step, self.first().get("steps", ())))


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or found.get("event") not in set(Event):
        return None
    needed = _FACTS.get(Event(found["event"]), {})
    return found if all(isinstance(found.get(key), kind) for key, kind in needed.items()) else None


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


def home(prefix: Path) -> Path:
    """The folder of everything that envlock keeps of an environment, in the environment itself."""
    return prefix / OWN


def trial_folder(prefix: Path) -> Path:
    """Where plans are tried: in the environment, so that files can be linked."""
    return home(prefix) / "trial"


def kept_folder(prefix: Path) -> Path:
    """Where what may be the user's is kept, when it was in the way."""
    return home(prefix) / "kept"


def journals(prefix: Path) -> tuple[Journal, ...]:
    """The changes of an environment, oldest first."""
    try:
        found = [] if home(prefix).is_symlink() else sorted(home(prefix).iterdir())
    except OSError:  # there is none, or a place where nobody may look
        return ()
    folders = (each for each in found if each.name.isdigit() and not each.is_symlink())
    return tuple(Journal(folder=each) for each in folders)


def fixes(prefix: Path) -> tuple[Journal, ...]:
    """Those of the changes that were fixes."""
    return tuple(each for each in journals(prefix) if not each.replaces and each.lines())


def unsettled(prefix: Path) -> bool:
    """Whether an envlock was stopped while it changed an environment, or is at it now."""
    return os.path.lexists(trial_folder(prefix)) or any(
        each.replaces or each.state() is State.UNFINISHED or not each.lines()
        for each in journals(prefix)
    )


def new_journal(prefix: Path) -> Journal:
    """A folder for the next change.

    Raises:
        WorkError: it cannot be made.
    """
    names = (int(each.folder.name) for each in journals(prefix))
    kept = (int(each.name) for each in kept_folder(prefix).glob("*") if each.name.isdigit())
    folder = home(prefix) / f"{max((*names, *kept), default=0) + 1:04}"
    make_folder(folder)
    return Journal(folder=folder)
