"""Change an environment so that it is either as before or as planned, whatever happens.

Order: the packages are downloaded into a throw-away environment, which also
tells the files they bring. What the change touches is saved. Then each step
is done by uv from its cache, offline. An error or Ctrl-C rolls back at once;
after a kill, `envlock.environment.recovery` does it when envlock next looks at the environment.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from envlock.changes import Plan
from envlock.environment.create import create_venv
from envlock.environment.inspect import installed, prefix_of
from envlock.environment.installer import Footprint, Installer, footprint, perform
from envlock.environment.journal import (
    OWN,
    ChangeState,
    Event,
    Journal,
    fixes,
    kept_folder,
    new_journal,
    step_data,
)
from envlock.environment.whose import is_made
from envlock.errors import EnvlockError, UsageError
from envlock.progress import Progress
from envlock.system import (
    contents,
    landed,
    landing,
    make_folder,
    remove_tree,
    taken_back,
    write_texts,
)
from envlock.targets.interpreters import base_program, find_interpreter
from envlock.trees import clear, copy_tree, fill, move_file, remove_empty

#: uv's own lock, in the environments that it works on.
_UV_LOCK = ".lock"


def download(python: Path, plan: Plan, installer: Installer, folder: Path) -> Footprint:
    """Fetch what a plan needs, and return what it will touch.

    Raises:
        WorkError: something could not be fetched, built or installed.
    """
    staged = create_venv(find_interpreter(str(base_program(python))), folder, installer.progress)
    for step in plan.steps:
        if step.after is not None:
            installer.install(staged, step)
    names = {step.package for step in plan.steps if step.before is not None}
    touched = footprint(prefix_of(python), names, folder)
    return replace(touched, entries=(*touched.entries, _UV_LOCK))


def copy_environment(python: Path, touched: Footprint, folder: Path) -> Path:
    """Copy an environment by hard links and return the copy's Python.

    What an installer may write over in place is copied.

    Raises:
        WorkError: the disk is full.
    """
    prefix = prefix_of(python)
    copy_tree(prefix, folder, _sharing(prefix, touched), without=OWN)
    return folder / python.relative_to(prefix)


def _sharing(prefix: Path, touched: Footprint) -> _Sharing:
    return _Sharing(
        prefix=str(prefix), entries=frozenset(touched.entries), recorded=touched.recorded
    )


class _Sharing(Struct, frozen=True, kw_only=True):
    """Tells which files of an environment may share their data with a copy."""

    prefix: str
    entries: frozenset[str]
    recorded: frozenset[str]

    def __call__(self, file: Path) -> bool:
        path = str(file)[len(self.prefix) + 1 :].replace("\\", "/")
        return path in self.recorded or not any(
            path == entry or path.startswith(f"{entry}/") for entry in self.entries
        )


@contextmanager
def applied(
    python: Path, plan: Plan, touched: Footprint, installer: Installer
) -> Iterator[Journal]:
    """Apply a plan; the block proves it, and when it fails all is as before.

    Raises:
        WorkError: the disk is full, or an installer failed.
    """
    prefix = prefix_of(python)
    journal = new_journal(prefix)
    before = landed()
    landing([prefix])
    try:
        _save(prefix, plan, touched, journal)
        for number, step in enumerate(plan.steps):
            journal.write(Event.START, step=number, package=step.package)
            perform(python, step, installer)
            journal.write(Event.DONE, step=number, package=step.package)
        yield journal
        journal.write(Event.VERIFIED)
        journal.write(Event.COMMIT)
    except BaseException:
        if Event.VERIFIED not in journal.events():
            _roll_back(prefix, journal)
            taken_back(before)
        raise
    for older in fixes(prefix):
        if older != journal:
            remove_tree(older.snapshot)


def _save(prefix: Path, plan: Plan, touched: Footprint, journal: Journal) -> None:
    journal.write(
        Event.SNAPSHOT,
        environment=prefix,
        identity=_identity(prefix),
        steps=[*map(step_data, plan.steps)],
    )
    sharing = _sharing(prefix, touched)
    for entry in touched.entries:
        if os.path.lexists(prefix / entry):
            copy_tree(prefix / entry, journal.snapshot / entry, sharing)
    make_folder(journal.brought.parent)
    write_texts({journal.brought: "\0".join(sorted(touched.brought))})
    versions = {name: str(version) for name, version in sorted(installed(prefix).items())}
    journal.write(Event.BEGIN, installed=versions, entries=touched.entries)


def _identity(prefix: Path) -> list[object]:
    """What tells an environment from one that was made over it, on whatever file system."""
    config = prefix / "pyvenv.cfg"
    try:
        digest = hashlib.sha256(contents(config)).hexdigest()
        return [digest, config.stat().st_mtime_ns]
    except OSError:
        return ["", 0]  # a conda prefix, which is removed before it is made anew


def _is_another(prefix: Path, journal: Journal) -> bool:
    """Whether another environment was made over that of a journal."""
    return bool(journal.first().get("identity") != _identity(prefix))


def _roll_back(prefix: Path, journal: Journal) -> None:
    # On a full disk no line can be written; the next envlock then rolls back again.
    with suppress(EnvlockError):
        journal.write(Event.ROLLBACK)
    _restore(prefix, journal)
    with suppress(EnvlockError):
        journal.write(Event.ROLLED_BACK)
        remove_tree(journal.snapshot)


def _restore(prefix: Path, journal: Journal) -> None:
    """Make every entry what it was; safe to be stopped and done again.

    What neither was there nor came with the fix is the user's, and stays.
    """
    begin = journal.begin()
    entries = [each for each in (begin["entries"] if begin else ()) if _is_inside(prefix, each)]
    brought = _brought(journal)

    def ours(file: Path) -> bool:
        name = file.relative_to(prefix).as_posix()
        return brought is None or name in brought or is_made(name)

    for entry in entries:
        clear(journal.snapshot / entry, prefix / entry, ours)
    for entry in entries:
        if os.path.lexists(journal.snapshot / entry):
            fill(journal.snapshot / entry, prefix / entry)
        else:
            remove_empty((prefix / entry).parent, prefix)


def _is_inside(prefix: Path, entry: object) -> bool:
    """Whether an entry is in the environment, whatever links are on the way to it."""
    if not isinstance(entry, str) or ".." in Path(entry).parts:
        return False
    try:
        return (prefix / entry).parent.resolve().is_relative_to(prefix.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def _brought(journal: Journal) -> frozenset[str] | None:
    """The files that came with a fix; None where that was not written down."""
    try:
        content = contents(journal.brought, 1 << 30)
        return frozenset(content.decode("utf-8", "surrogateescape").split("\0"))
    except OSError:
        return None


def settle_fix(prefix: Path, journal: Journal, progress: Progress) -> None:
    """Finish or roll back a fix, or its undo, that was stopped, and say so.

    Raises:
        WorkError: files cannot be restored.
    """
    events = journal.events()
    if _is_another(prefix, journal):
        _leave(prefix, journal, progress)
    elif Event.UNDO in events:
        _finish_undo(prefix, journal)
        progress.note(f"{prefix}: an undo that was stopped has been finished")
    elif Event.VERIFIED in events:
        journal.write(Event.COMMIT)
        progress.note(f"{prefix}: a fix that was stopped at its end has been finished")
    else:
        _roll_back(prefix, journal)
        progress.note(f"{prefix}: a fix that was stopped has been rolled back")


def _leave(prefix: Path, journal: Journal, progress: Progress) -> None:
    """Leave an environment that somebody made over one that was being fixed, and what was saved."""
    if journal.begin() is not None and journal.snapshot.is_dir():
        target = kept_folder(prefix) / journal.folder.name
        move_file(journal.snapshot, target)
        progress.note(
            f"{prefix}: it was made anew after a fix that was stopped; what the fix had saved"
            f" is kept in {target}"
        )
    journal.write(Event.ROLLED_BACK)


def undo(python: Path) -> Journal:
    """Restore what an environment was before its last fix.

    Raises:
        UsageError: there is no fix to undo, or its packages were changed since.
        WorkError: another envlock is at work there, or files cannot be restored.
    """
    prefix = prefix_of(python)
    fixed = [each for each in fixes(prefix) if each.state() is ChangeState.FIXED]
    if fixed and _is_another(prefix, fixed[-1]):
        raise UsageError(f"{prefix}: it was made anew since its last fix, which is gone with it")
    if not fixed or not fixed[-1].snapshot.is_dir():
        raise UsageError(
            f"{prefix}: there is no fix to undo", f"envlock history {prefix.as_posix()}"
        )
    journal = fixed[-1]
    now = installed(prefix)
    changed = [step.package for step in journal.steps() if now.get(step.package) != step.after]
    if changed:
        raise UsageError(
            f"{prefix}: {', '.join(changed)} changed since the fix; undoing it would mix versions"
        )
    landing([prefix])
    journal.write(Event.UNDO)
    _finish_undo(prefix, journal)
    return journal


def _finish_undo(prefix: Path, journal: Journal) -> None:
    _restore(prefix, journal)
    journal.write(Event.UNDONE)
    remove_tree(journal.snapshot)
