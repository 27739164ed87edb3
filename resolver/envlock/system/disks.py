"""A disk that is full: how programs say so, which it is, and how much room there is."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from envlock.errors import DiskFull, WorkError

#: ENOSPC and EDQUOT as Linux, macOS and Windows, Python, Rust, HDF5 and pip word them.
_SAID = (
    r"No space left on device|[Dd]isk quota exceeded|not enough space on the disk"
    r"|\bENOSPC\b|\bEDQUOT\b|\[Errno (?:28|122|69)\]|\(os error (?:28|122|69|112)\)"
    r"|[Ee]rrno = (?:28|122)\b"
)
_PATH = r"(?<![\w./-])(/[^\s'\"`:;,()]+)"
_READ = 100_000  # characters of an output that are looked at: the end, where the failure is
_AMPLE = 10**9  # bytes: with more free than this, a disk is not the one that is full
_FULL = 64 * 1024  # bytes: with less than this free, what fails, fails for it
#: What the system answers.
FULL = {errno.ENOSPC, errno.EDQUOT}


def says_full(text: str) -> bool:
    """Whether a program says that a disk or a quota is full."""
    return re.search(_SAID, text[-_READ:]) is not None


def is_full(folder: Path) -> bool:
    """Whether the disk of a folder has no room, or no place for one more file."""
    try:
        free = shutil.disk_usage(_existing(folder)).free
    except OSError:
        return False
    return free < _FULL or _files_left(folder) == 0


def disk_full(what: str, *places: Path, said: str = "") -> DiskFull:
    """Return the error for work that a full disk ended; ``what`` was being done.

    The disk is the fullest of the ``places``, of those that a program ``said``
    that it wrote to, and of the temporary folder; where all of them have room,
    what was said is told: another place, or a quota.
    """
    temporary = temporary_folder()
    named = [Path(found) for found in re.findall(_PATH, said[-_READ:])]
    known = dict.fromkeys(_existing(each) for each in (*named, *places, temporary))
    fullest = _lasting(min(known, key=_room))
    with suppress(OSError):
        if shutil.disk_usage(fullest).free > _AMPLE:
            line = next((each.strip() for each in said.splitlines() if says_full(each)), "")
            return DiskFull(f"a disk or a quota is full: {what}: {line}", "make room there")
    remedies = [f"make room in {fullest}"]
    with suppress(OSError):
        if fullest.stat().st_dev == temporary.stat().st_dev:
            remedies.append("TMPDIR=/a/folder/with/room")
    return DiskFull(f"the disk is full: {what}: {room_words(fullest)}", *remedies)


def refuse_full(program: str, said: str, *places: Path) -> None:
    """Raise what `disk_full` makes when a program that failed says that a disk is full.

    Raises:
        DiskFull: it says so.
    """
    if says_full(said):
        raise disk_full(f"{program} could not go on", *places, said=said)


def temporary_folder() -> Path:
    """Where temporary files go: where the user wants them, though nothing fits there any more."""
    with suppress(OSError):  # no folder at all lets itself be written to
        found = Path(tempfile.gettempdir())
        wanted = Path(os.environ.get("TMPDIR") or found)
        return wanted if wanted.is_dir() and is_full(wanted) else found
    return Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108  (only told)


def room_words(folder: Path) -> str:
    """Say how much room the disk of a folder has: "/tmp has 0 kB of 4.1 MB free"."""
    there = _lasting(folder)
    try:
        usage = shutil.disk_usage(there)
    except OSError:
        return str(there)
    if _files_left(there) == 0:
        return f"{there} has no place for another file (inodes)"
    return f"{there} has {size_words(usage.free)} of {size_words(usage.total)} free"


def room_in(folder: Path) -> tuple[int, int]:
    """Return the device that a folder is or would be on, and how many bytes are free there.

    Raises:
        OSError: the system does not say.
    """
    there = _existing(folder)
    return there.stat().st_dev, shutil.disk_usage(there).free


def size_words(size: int) -> str:
    """Return a number of bytes as people read it: "12 kB", "4.1 MB", "1.9 GB"."""
    for unit, name in ((10**9, "GB"), (10**6, "MB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{-(-size // 1000)} kB"


def cannot_write(what: str, error: OSError, folder: Path, wanted: int) -> WorkError:
    """Return the error for what could not be written into a folder, and left nothing changed.

    Of a full disk it says how much was ``wanted``, in bytes, and how much is free.
    """
    said = str(error.strerror or error)
    if error.errno not in FULL:
        return WorkError(f"cannot write {what}: {said}; nothing was changed")
    room = f"{size_words(wanted)} wanted, and {room_words(folder)}"
    return DiskFull(
        f"cannot write {what}: {said} ({room}); nothing was changed",
        f"make room in {_lasting(folder)}",
    )


def _room(folder: Path) -> tuple[bool, float]:
    """What sorts the fullest disk first."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return (True, 1.0)
    return (_files_left(folder) != 0 and usage.free >= _FULL, usage.free)


def _files_left(folder: Path) -> int | None:
    """How many more files a disk takes; None where it does not say."""
    if not hasattr(os, "statvfs"):
        return None
    try:
        found = os.statvfs(_existing(folder))
    except OSError:
        return None
    return found.f_favail if found.f_files else None


def _lasting(path: Path) -> Path:
    """The folder to name: where a disk is mounted, and none that is gone in a moment."""
    there = _existing(path)
    for each in (there, *there.parents):
        if each.name.startswith("envlock-") and each.parent == temporary_folder():
            return each.parent
        if each.is_mount():
            return there if each == Path(each.anchor) else each
    return there


def _existing(path: Path) -> Path:
    """A folder, or the nearest above it that is there."""
    with suppress(OSError):  # the current folder is gone
        path = path.absolute()
    for each in (path, *path.parents):
        with suppress(OSError, ValueError):
            if each.is_dir():
                return each
    return Path(path.anchor or ".")
