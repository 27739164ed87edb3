"""`envlock sync`: an environment becomes equal to a lock, or stays what it was."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from envlock.environment.create import sync
from envlock.environment.description import Interpreter
from envlock.environment.inspect import installed
from envlock.environment.interpreters import find_interpreter, python_in
from envlock.environment.place import fresh_environment, made_by_envlock
from envlock.environment.recovery import recover
from envlock.errors import InstallFailure, InterpreterMissing, UsageError
from envlock.model import IndexSettings, Lock
from envlock.progress import Progress
from envlock.system import read_text
from envlock.workflow.lock import requirements_text
from envlock.write import read_lock


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
    """A lock that an environment is equal to, and whether anything had to change for it."""

    lock: Lock
    changed: bool


def sync_environment(order: SyncOrder, progress: Progress) -> Synced:
    """Make the environment equal to the lock file, by building it anew unless it is already.

    Installing into what is there would be quicker and could not be undone.
    Whatever fails, the folder is as it was before.

    Raises:
        UsageError: the lock has no hashes, or the folder holds something that
            is not envlock's.
        WorkError: an interpreter is missing, or the installer failed.
    """
    if not order.lock.exists():
        raise UsageError(f"{order.lock}: there is no such lock", "envlock lock")
    lock = read_lock(order.lock.name, read_text(order.lock))
    interpreter = find_interpreter(order.python or lock.python or None)
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
    recover(order.folder, progress, wait=True)
    ours = order.force or made_by_envlock(order.folder)
    if ours and _equal(order, lock, interpreter):
        return Synced(lock=lock, changed=False)
    with (
        fresh_environment(order.folder, progress, force=order.force) as place,
        progress.phase(f"install {len(lock.packages)} packages"),
    ):
        python = place.venv(interpreter)
        try:
            sync(python, requirements_text(lock), order.settings, progress)
        except InstallFailure as error:
            raise InstallFailure(error.message, *_anew(lock, error.remedies)) from None
    return Synced(lock=lock, changed=True)


def _here(lock: Lock) -> Iterator[str]:
    """The command that made a lock, for this machine."""
    words = shlex.split(lock.command)
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
        elif lock.command:
            yield f"{lock.command} {remedy}"


def _equal(order: SyncOrder, lock: Lock, interpreter: Interpreter) -> bool:
    """Whether the environment is of this Python and holds the pins, and besides at most pip.

    Another patch of the same minor is as good, unless a Python was asked for.
    """
    if python_in(order.folder) is None:
        return False
    try:
        there = find_interpreter(str(order.folder)).version
    except InterpreterMissing:
        return False
    length = 2 if order.python is None else 3
    pins = {package.name: package.version for package in lock.packages}
    found = {
        name: version
        for name, version in installed(order.folder).items()
        if name in pins or name != "pip"
    }
    return there.release[:length] == interpreter.version.release[:length] and found == pins
