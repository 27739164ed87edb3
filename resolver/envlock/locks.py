"""Locks that processes hold on a file, across users, homes and containers that share the folder.

The file is the lock: whoever removes it while it is held takes the lock
along, and those who waited for it find out and take the new one.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from envlock.errors import WorkError

if sys.platform != "win32":
    import fcntl

#: What a system says of a file system that has no locks.
_WITHOUT = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
_PAUSE = 0.05  # seconds between two looks at a lock that is held


class Busy(WorkError):
    """Somebody else holds a lock for longer than was to be waited."""


class NoLocks(WorkError):
    """The file system has no locks."""


@contextmanager
def held(
    path: Path, timeout: float, waiting: Callable[[], None] = lambda: None
) -> Iterator[int | None]:
    """Hold a lock file, made where it is missing, and give its descriptor.

    Programs that inherit the descriptor hold the lock too, until they end.
    ``waiting`` is called once when somebody else holds it. On Windows, where
    descriptors are not handed on, None is given.

    Raises:
        Busy: it is held for longer than ``timeout`` seconds.
        FileNotFoundError: its folder is gone.
        NoLocks: the file system has none.
        WorkError: it cannot be opened.
    """
    if sys.platform == "win32":
        with _held_on_windows(path, timeout, waiting):
            yield None
        return
    descriptor = _acquire(path, timeout, waiting)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(path: Path, timeout: float, waiting: Callable[[], None]) -> int:
    end = time.monotonic() + timeout
    told = False
    while True:
        descriptor = _open(path)
        free = taken = False
        try:
            free = _take(descriptor)
            taken = free and _is_at(descriptor, path)
        finally:
            if not taken:
                os.close(descriptor)
        if taken:
            return descriptor
        if free:  # whoever had it has removed the file
            continue
        if time.monotonic() >= end:
            raise Busy(f"{path} is held by another program")
        if not told:
            told = True
            waiting()
        time.sleep(_PAUSE)


def _open(path: Path) -> int:
    # Never behind a link: the file is written into.
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666)
    except FileNotFoundError:
        raise
    except OSError as error:
        # A lock of another user may be one that can only be read; that is enough to hold it.
        try:
            descriptor = os.open(path, os.O_RDONLY | flags)
        except OSError:
            raise WorkError(f"cannot open {path}: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise WorkError(f"cannot lock {path}: it is not a regular file")
    return descriptor


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _WITHOUT:
            raise NoLocks(f"the file system has no locks: {error.strerror}") from None
        raise WorkError(f"cannot lock a file: {error.strerror}") from error
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether a file is still the one with this name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


@contextmanager
def _held_on_windows(path: Path, timeout: float, waiting: Callable[[], None]) -> Iterator[None]:
    import filelock  # noqa: PLC0415  (30 ms that --help does not need)

    lock = filelock.FileLock(path)
    try:
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            if timeout > 0:
                waiting()
            lock.acquire(timeout=timeout)
    except filelock.Timeout:
        raise Busy(f"{path} is held by another program") from None
    except OSError as error:
        raise WorkError(f"cannot lock {path}: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def sign(descriptor: int | None, text: str) -> None:
    """Write into a lock who holds it; one that can only be read stays as it is."""
    if descriptor is None:
        return
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)


def signature(path: Path) -> str:
    """Return what the holder of a lock wrote into it."""
    try:
        return path.read_bytes()[:10_000].decode(errors="replace")
    except OSError:
        return ""
