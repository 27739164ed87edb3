"""Whether files can be written, asked before the minutes of work that make their content."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Iterable
from pathlib import Path

from envlock.errors import UsageError
from envlock.system.beside import make_beside
from envlock.system.disks import FULL, cannot_write
from envlock.system.replacing import lost_by_replacing, may_be_written

_BLOCK = 4096  # bytes: what the smallest file takes of a disk

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def target_of(path: Path) -> Path:
    """Return the file that a path leads to through links; the last one need not be there.

    Raises:
        OSError: the links go round in a circle.
    """
    try:
        return path.resolve()
    except RuntimeError:  # what Python raises for it
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None


def refuse_irregular(paths: Iterable[Path]) -> None:
    """Make sure that files to write are regular ones, or not there yet; none is opened.

    Raises:
        UsageError: one is a folder, a pipe, a socket, a device, or no name of a file.
    """
    for path in paths:
        try:
            mode = target_of(path).stat().st_mode
        except (FileNotFoundError, PermissionError):
            continue
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise UsageError(f"{path}: cannot be written: {why}") from None
        for matches, kind in _KINDS:
            if matches(mode):
                raise UsageError(f"{path}: is {kind}, and a file is to be written there")


def refuse_unwritable(paths: Iterable[Path]) -> tuple[str, ...]:
    """Try whether each file can be written, and change nothing.

    Returns sentences about what will be lost when files are replaced that
    cannot be written in place; () where everything is kept.

    Raises:
        UsageError: as `refuse_irregular`.
        WorkError: a file or its folder does not let itself be written, or the
            disk is full.
    """
    told: list[str] = []
    for path in dict.fromkeys(paths):
        refuse_irregular((path,))
        try:
            target = target_of(path)
            if path.parent.is_dir() and not target.parent.is_dir():  # where a link leads
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            lost = _tried(target)
        except OSError as error:
            fixed = error.errno == errno.EPERM and _is_immutable(path)
            failure = cannot_write(str(path), error, path.parent, _BLOCK)
            if fixed:
                failure.remedies = (f"chattr -ia {shlex.quote(str(path))}",)
            raise failure from error
        told += (f"{path} will be replaced, and lose {each}" for each in lost)
    return tuple(told)


def _tried(path: Path) -> tuple[str, ...]:
    """What a file loses when it is written; raises what the system says where it cannot be."""
    folder = next(each for each in path.parents if each.is_dir())
    refused = _folder_refuses(folder)
    if path.exists() and may_be_written(path):
        if refused is not None and refused.errno in FULL:
            raise refused
        return ()
    if refused is not None:
        raise refused
    if not path.exists():
        return ()
    if _is_immutable(path) or _held_by_others(path, folder):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))
    return lost_by_replacing(path)


def _held_by_others(path: Path, folder: Path) -> bool:
    """Whether a folder lets only others replace a file (the sticky bit, as /tmp has it)."""
    if os.name == "nt":
        return False
    place = folder.stat()
    own = {0, path.lstat().st_uid, place.st_uid}
    return bool(place.st_mode & stat.S_ISVTX) and os.geteuid() not in own


def _folder_refuses(folder: Path) -> OSError | None:
    """Why no file can be made in a folder, or None."""
    try:
        handle, name = make_beside(folder, "", b"")
        try:
            os.write(handle, b"\0" * _BLOCK)
        finally:
            os.close(handle)
            name.unlink()
    except OSError as error:
        return error
    return None


def _is_immutable(path: Path) -> bool:
    """Whether not even the owner may write: another refusal than that of the mode."""
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError as error:
        return error.errno == errno.EPERM
    return False
