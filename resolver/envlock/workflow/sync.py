"""`envlock sync`: an environment becomes equal to a lock, or stays what it was."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from envlock.environment.create import sync
from envlock.environment.inspect import installed
from envlock.environment.layout import read_layout
from envlock.environment.place import held_place, made_by_envlock
from envlock.environment.recovery import recover
from envlock.environment.replaceable import settled
from envlock.environment.replacement import replaced
from envlock.errors import InstallFailure, InterpreterMissing, UsageError
from envlock.model import IndexSettings, Lock
from envlock.progress import Progress
from envlock.system import read_text
from envlock.targets.description import Interpreter, target
from envlock.targets.interpreters import (
    base_program,
    find_interpreter,
    find_version,
    python_in,
)
from envlock.words import counted
from envlock.workflow.lock import requirements_text
from envlock.workflow.outputs import refuse_changed, seen
from envlock.workflow.replacing import replaced_by
from envlock.workflow.space import refuse_cramped
from envlock.write import read_lock
from envlock.write.comments import own_command


class SyncOrder(Struct, frozen=True, kw_only=True):
    """A lock file and the environment it is for.

    ``python`` is a version or a path; None takes the Python the lock is for.
    ``force`` replaces an environment that envlock did not make.
    """

    lock: Path
    folder: Path
    settings: IndexSettings
    python: str | None = None
    force: bool = False


class Synced(Struct, frozen=True, kw_only=True):
    """A lock that an environment is equal to, and whether anything had to change for it.

    ``replaced`` says which environment was there before, None where none was.
    """

    lock: Lock
    changed: bool
    replaced: str | None = None


def sync_environment(order: SyncOrder, progress: Progress) -> Synced:
    """Make the environment equal to the lock file, by building it anew unless it is already.

    Installing into what is there would be quicker and could not be undone.
    Whatever fails, the folder is as it was before.

    Raises:
        UsageError: the lock has no hashes, or the folder holds something that
            may not be replaced.
        WorkError: an interpreter is missing, or the installer failed.
    """
    _asked(order)  # what is wrong with the request is told before anybody is waited for
    settled(order.folder, (order.lock,))
    recover(order.folder, progress, wait=True)
    if same := _standing(order):
        return same
    with held_place(order.folder, progress, force=order.force) as folder:
        # Whoever was waited for may have written the lock, and built what it says.
        if same := _standing(order):
            return same
        before = seen((order.lock,))
        lock, interpreter = _asked(order)
        there = replaced_by(folder, force=order.force)
        refuse_cramped(lock, target(interpreter), folder, order.settings, progress)
        with (
            replaced(folder, progress) as place,
            progress.phase(f"install {counted(len(lock.packages), 'package')}"),
        ):
            python = place.venv(interpreter)
            try:
                sync(python, requirements_text(lock), order.settings, progress)
            except InstallFailure as error:
                raise InstallFailure(error.message, *_anew(lock, error.remedies)) from None
            refuse_changed(before, {})
    return Synced(lock=lock, changed=True, replaced=there)


def _standing(order: SyncOrder) -> Synced | None:
    """The answer where the environment is equal to the lock as it is now."""
    if not (order.force or made_by_envlock(order.folder)):
        return None
    lock, interpreter = _asked(order)
    return Synced(lock=lock, changed=False) if _equal(order, lock, interpreter) else None


def _asked(order: SyncOrder) -> tuple[Lock, Interpreter]:
    """The lock, and the interpreter that its environment is to have."""
    if not order.lock.exists():
        raise UsageError(f"{order.lock}: there is no such lock", "envlock lock")
    lock = read_lock(order.lock.name, read_text(order.lock))
    if order.python or not lock.python:
        interpreter = find_interpreter(order.python)
    else:
        interpreter = find_version(lock.python, str(order.lock))
    if lock.platform not in {"", str(interpreter.platform)}:
        raise UsageError(
            f"{order.lock} is for {lock.platform}, and this machine is {interpreter.platform}",
            *_here(lock),
        )
    lock = read_lock(order.lock.name, read_text(order.lock), markers=interpreter.markers)
    bare = [package.name for package in lock.packages if not package.hashes]
    if bare:
        raise UsageError(
            f"{order.lock} has no hashes for {', '.join(bare[:5])}: nothing tells that the files"
            " are the ones that were locked",
            "envlock sync requirements.txt",
        )
    return lock, interpreter


def _here(lock: Lock) -> Iterator[str]:
    """The command that made a lock, for this machine."""
    words = shlex.split(own_command(lock.command))
    for option in ("--platform", "-o"):
        if option in words:
            del words[words.index(option) : words.index(option) + 2]
    if words:
        yield shlex.join(words)


def _anew(lock: Lock, remedies: Iterable[str]) -> Iterator[str]:
    """Options of `envlock lock`, which sync has not, as the command that made the lock."""
    for remedy in remedies:
        if not remedy.startswith("--upgrade-package"):
            yield remedy
        elif command := own_command(lock.command):
            yield f"{command} {remedy}"


def _equal(order: SyncOrder, lock: Lock, interpreter: Interpreter) -> bool:
    """Whether the environment is of this Python and holds the pins, and besides at most pip.

    Another patch of the same minor is as good, unless a Python was asked for.
    Nothing of it is run: it may have come with a folder that was cloned.
    """
    python = python_in(order.folder)
    if python is None:
        return False
    try:
        base_program(python)  # else it is gone
    except InterpreterMissing:
        return False
    there = read_layout(python.absolute()).version
    if there is None:
        return False
    length = 2 if order.python is None else 3
    pins = {package.name: package.version for package in lock.packages}
    found = {
        name: version
        for name, version in installed(order.folder).items()
        if name in pins or name != "pip"
    }
    return there.release[:length] == interpreter.version.release[:length] and found == pins
