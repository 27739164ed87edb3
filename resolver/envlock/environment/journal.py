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

from msgspec import Struct, ValidationError, convert
from packaging.utils import canonicalize_name

from envlock.changes import Step
from envlock.documents import Malformed, json_value
from envlock.standards import version
from envlock.system import contents, make_folder
from envlock.trees import append_line, sync_folders

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


class ChangeState(StrEnum):
    """How a change stands."""

    FIXED = "fixed"
    ROLLED_BACK = "rolled back"
    UNDONE = "undone"
    UNFINISHED = "unfinished"


_ENDS = {
    Event.COMMIT: ChangeState.FIXED,
    Event.ROLLED_BACK: ChangeState.ROLLED_BACK,
    Event.UNDONE: ChangeState.UNDONE,
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
        # Of what else may end a line, JSON writes nothing but as a part of a text.
        return [line for each in text.split("\n") if (line := _object(each)) is not None]

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

    def state(self) -> ChangeState:
        """How the change stands, by its last line."""
        events = self.events()
        return _ENDS.get(events[-1], ChangeState.UNFINISHED) if events else ChangeState.ROLLED_BACK

    def begin(self) -> dict[str, Any] | None:
        """The facts the fix began with; None when it changed nothing yet."""
        return next((line for line in self.lines() if line["event"] == Event.BEGIN), None)

    def steps(self) -> tuple[Step, ...]:
        """What the fix was to change."""
        return tuple(step.step() for step in convert(self.first().get("steps", ()), list[_Step]))

    def saved(self) -> tuple[SavedFile, ...]:
        """The files that were written with a new environment."""
        lines = [line["files"] for line in self.lines() if line["event"] == Event.FILES]
        return tuple(each for files in lines for each in convert(files, list[SavedFile]))


class _Line(Struct, frozen=True, kw_only=True):
    event: Event
    time: str


class _Step(Struct, frozen=True, kw_only=True):
    """A step as a line has it."""

    package: str
    before: str | None
    after: str | None
    because: str
    rules: list[str]

    def is_one(self) -> bool:
        """Whether its versions are versions."""
        said = [each for each in (self.before, self.after) if each is not None]
        return None not in map(version, said)

    def step(self) -> Step:
        """The step itself."""
        return Step(
            package=canonicalize_name(self.package),
            before=None if self.before is None else version(self.before),
            after=None if self.after is None else version(self.after),
            because=self.because,
            rules=tuple(self.rules),
        )


class _Snapshot(_Line, frozen=True, kw_only=True):
    steps: list[_Step]


class _Begin(_Line, frozen=True, kw_only=True):
    entries: list[str]


class _Replace(_Line, frozen=True, kw_only=True):
    id: str
    stayed: list[str]


class SavedFile(Struct, frozen=True, kw_only=True):
    """A file that was written: ``after`` is the digest of its bytes, ``before`` names the old."""

    path: str
    near: str
    before: str | None
    after: str


class _Files(_Line, frozen=True, kw_only=True):
    files: list[SavedFile]


#: The facts that a line must have to be one.
_SHAPES: Mapping[Event, type[_Line]] = {
    Event.SNAPSHOT: _Snapshot,
    Event.BEGIN: _Begin,
    Event.REPLACE: _Replace,
    Event.FILES: _Files,
}


def _object(text: str) -> dict[str, Any] | None:
    """A line of a journal; None for what is none, since a journal may be a stranger's."""
    try:
        found = json_value(text, halves=True)
        line = convert(found, _SHAPES.get(convert(found, _Line).event, _Line))
    except (Malformed, ValidationError, UnicodeEncodeError):  # of a key that is no text
        return None
    sound = not isinstance(line, _Snapshot) or all(each.is_one() for each in line.steps)
    return dict(found) if sound else None


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
        each.replaces or each.state() is ChangeState.UNFINISHED or not each.lines()
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
    sync_folders(home(prefix), prefix)
    return Journal(folder=folder)
