"""Who may change an environment: one envlock at a time, once no installer is at work there.

The locks lie in the environment itself, so that they hold for every user,
home and container that shares it.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from getpass import getuser
from pathlib import Path
from typing import Any

from envlock.documents import Malformed, json_value
from envlock.environment.journal import home
from envlock.errors import WorkError
from envlock.locks import Busy, NoLocks, held, sign, signature
from envlock.progress import Progress
from envlock.system.looking import is_folder
from envlock.system.replacing import owner_of
from envlock.trees import make_missing, remove_folders, remove_locks

#: Seconds that somebody else is waited for.
PATIENCE = 600.0
_LOCK = "lock"
_AT_WORK = "at-work"


@contextmanager
def alone(folder: Path, progress: Progress, timeout: float | None = None) -> Iterator[None]:
    """Be the only one that changes an environment, and no installer is left at work in it.

    The folder is made where it is missing, and is gone again when nothing
    came to lie in it. For whom is waited is told at once.

    Raises:
        Busy: another one is still at it after ``timeout`` seconds.
        WorkError: what envlock keeps there may not be written, or the folder
            or the lock cannot be made.
    """
    timeout = PATIENCE if timeout is None else timeout
    own = home(folder)
    made: list[Path] = []
    if fault := closed(folder):
        raise fault
    with ExitStack() as stack:
        stack.callback(remove_folders, made)
        descriptor = _exclusive(folder, stack, made, progress, timeout)
        made[:0] = _made_before(own / _LOCK)
        sign(descriptor, json.dumps({**_myself(), "made": [*map(str, made)]}))
        _wait_for_installers(folder, progress, timeout)
        stack.callback(_release, own, descriptor)
        yield


def closed(folder: Path) -> WorkError | None:
    """Return why this user may change nothing in an environment that is there, and the way out."""
    own = home(folder)
    if own.is_symlink():
        return WorkError(f"{own} is a link, and envlock follows none there", f"rm {_quoted(own)}")
    if os.path.lexists(own) and not is_folder(own):
        return WorkError(
            f"{own} is a file, where envlock keeps what it knows of an environment",
            f"mv {_quoted(own)} OTHER",
        )
    try:
        inside = [each for each in own.iterdir() if is_folder(each) and not each.is_symlink()]
    except OSError:
        inside = []
    places = (each for each in (folder, own, *sorted(inside)) if is_folder(each))
    refused = (each for each in places if not os.access(each, os.W_OK | os.X_OK))
    return next((_may_not(each, folder if each == folder else own) for each in refused), None)


def _may_not(place: Path, whole: Path) -> WorkError:
    status = place.stat()
    if hasattr(os, "statvfs") and os.statvfs(place).f_flag & os.ST_RDONLY:
        return WorkError(f"{place} is on a file system that may only be read")
    if status.st_uid == getattr(os, "geteuid", lambda: status.st_uid)():
        way = f"chmod -R u+rwX {_quoted(whole)}"
        return WorkError(f"{place} is yours, and is let be read alone", way)
    return WorkError(
        f"{place} belongs to {owner_of(status)}, and you may not write there",
        f"sudo chown -R $(id -u) {_quoted(whole)}",
    )


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _exclusive(
    folder: Path, stack: ExitStack, made: list[Path], progress: Progress, timeout: float
) -> int | None:
    path = home(folder) / _LOCK

    def waiting() -> None:
        if timeout > 0:
            progress.note(f"{folder}: waiting for {_holder(path)}, which is at work there")

    while True:
        made += make_missing(path.parent)
        try:
            return stack.enter_context(held(path, timeout, waiting))
        except FileNotFoundError:  # who had the lock has removed the folder
            continue
        except NoLocks:
            progress.note(
                f"{folder}: the file system has no locks, so nothing keeps two envlocks"
                " from changing this environment at once"
            )
            return None
        except Busy:
            after = f" after {timeout:.0f} s" if timeout > 0 else ""
            raise Busy(
                f"{folder}: {_holder(path)} is still at work there{after}",
                "wait until it is done, and try again",
            ) from None


def _wait_for_installers(folder: Path, progress: Progress, timeout: float) -> None:
    def waiting() -> None:
        progress.note(
            f"{folder}: waiting for an installer that an envlock which is gone left at work there"
        )

    # Whoever only looks waits for an installer too: it ends by itself.
    timeout = timeout or PATIENCE
    with suppress(NoLocks):
        try:
            with held(home(folder) / _AT_WORK, timeout, waiting):
                pass
        except Busy:
            raise Busy(
                f"{folder}: an installer that an envlock which is gone had started is still"
                f" at work there after {timeout:.0f} s",
                "end it, and try again",
            ) from None


@contextmanager
def at_work(prefix: Path) -> Iterator[int | None]:
    """Give what an installer is to inherit, so that one that outlives envlock is waited for.

    None where nobody holds the environment, as with scratch ones.
    """
    own = home(prefix)
    with ExitStack() as stack:
        descriptor = None
        if own.is_dir():
            with suppress(NoLocks):
                descriptor = stack.enter_context(held(own / _AT_WORK, PATIENCE))
        yield descriptor


def _release(own: Path, descriptor: int | None) -> None:
    with suppress(WorkError, OSError), ExitStack() as stack:
        with suppress(NoLocks):  # an installer that could not be ended keeps its lock
            stack.enter_context(held(own / _AT_WORK, 0))
        if remove_locks(own, (_AT_WORK, _LOCK)):
            return
    sign(descriptor, "")


def _myself() -> dict[str, object]:
    verb = next((word for word in sys.argv[1:2] if word.isalpha()), "")
    try:
        user = getuser()
    except (OSError, KeyError, ImportError):  # an id without a name, as in containers
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return {
        "command": f"envlock {verb}".strip(),
        "process": os.getpid(),
        "user": user,
        "host": platform.node(),
    }


def _signed(path: Path) -> dict[str, Any]:
    try:
        said = json_value(signature(path))
    except Malformed:
        return {}
    return said if isinstance(said, dict) else {}


def _holder(path: Path) -> str:
    said = _signed(path)
    command, process, user, host = (
        str(said.get(key, "")) for key in ("command", "process", "user", "host")
    )
    if not (process.isdigit() and all(each.isprintable() for each in (command, user, host))):
        return "another envlock"
    return f"`{command}` (process {process} of {user} on {host})"


def _made_before(path: Path) -> list[Path]:
    """The folders that a killed envlock made for the environment; empty ones are nobody's."""
    made = _signed(path).get("made")
    if not isinstance(made, list):
        return []
    parents = {path.parent, *path.parent.parents}
    return [each for each in map(Path, map(str, made)) if each in parents]
