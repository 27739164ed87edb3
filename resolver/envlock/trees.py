"""Trees of files: linked copies, exact restoring, lines that are on disk once written.

What changes of environments need beside `envlock.system`; the two, and
`envlock.locks`, are the only modules that write files.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from filecmp import cmp
from pathlib import Path

from envlock.errors import WorkError

#: Tells whether a file may share its data with its copy (a hard link).
Shared = Callable[[Path], bool]


def append_line(path: Path, line: str) -> None:
    """Add a line to a file; it is on disk when this returns, and the name of a new file too.

    A line that a power cut left unfinished stays a line of its own.

    Raises:
        WorkError: the disk is full or read-only.
    """
    try:
        with path.open("a+b") as stream:
            new = not stream.tell()
            torn = not new and _last_byte(path) != b"\n"
            stream.write((b"\n" if torn else b"") + line.encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        if new:
            sync_folders(path.parent)
    except OSError as error:
        raise WorkError(f"cannot write {path}: {error.strerror or error}") from error


def sync_folders(*folders: Path) -> None:
    """Have on disk what was made, renamed or removed in folders, as far as a system can."""
    for folder in folders:
        with suppress(OSError):  # Windows opens no folder
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read()


def copy_tree(source: Path, target: Path, shared: Shared, *, without: str = "") -> None:
    """Copy a file, link or folder with its times and permissions.

    Files that may be ``shared`` are hard links where the file system has
    them. The entry ``without`` of a folder is left out.

    Raises:
        WorkError: something cannot be read, or the disk is full.
    """
    try:
        _copy(source, target, shared, without)
    except OSError as error:
        raise WorkError(f"cannot copy {source} to {target}: {error.strerror or error}") from error


def _copy(source: Path, target: Path, shared: Shared, without: str = "") -> None:
    if source.is_symlink() or not source.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy_file(source, target, shared)
        return
    target.mkdir(parents=True, exist_ok=True)
    for child in sorted(source.iterdir()):
        if child.name != without:
            _copy(child, target / child.name, shared)


def _copy_file(source: Path, target: Path, shared: Shared) -> None:
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    if shared(source):
        try:
            os.link(source, target)
        except OSError:  # another file system, or one without links
            pass
        else:
            return
    shutil.copy2(source, target)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder; a missing one is fine.

    Raises:
        WorkError: the system refuses.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise WorkError(f"cannot remove {path}: {error.strerror or error}") from error


def move_file(source: Path, target: Path) -> None:
    """Move something within a file system, into a folder that is made; what is there stays.

    Raises:
        WorkError: it cannot be moved.
    """
    number = 0
    place = target
    while os.path.lexists(place):
        number += 1
        place = target.with_name(f"{target.name}.{number}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        source.rename(place)
    except OSError as error:
        raise WorkError(f"cannot move {source} to {place}: {error.strerror or error}") from error


def remove_empty(path: Path, up_to: Path) -> None:
    """Remove a folder, and those around it below ``up_to``, as long as they are empty."""
    while path != up_to and up_to in path.parents:
        try:
            path.rmdir()
        except OSError:
            return
        path = path.parent


def clear(saved: Path, target: Path, ours: Shared) -> None:
    """Remove what is in ``target`` and differs from ``saved``; a missing ``saved`` is empty.

    A file that ``saved`` lacks is removed only where it is ``ours``.

    Raises:
        WorkError: the system refuses.
    """
    if not os.path.lexists(target):
        return
    if _is_folder(target) and (_is_folder(saved) or not os.path.lexists(saved)):
        for child in sorted(target.iterdir()):
            clear(saved / child.name, child, ours)
        if not _is_folder(saved):
            remove_folders([target])
    elif os.path.lexists(saved):
        if not _same(saved, target):
            remove(target)
    elif ours(target):
        remove(target)


def fill(saved: Path, target: Path) -> None:
    """Put back what ``target`` lacks of ``saved``; what is there already is as it should be.

    Raises:
        WorkError: the disk is full, or the system refuses.
    """
    try:
        _fill(saved, target)
    except OSError as error:
        raise WorkError(f"cannot restore {target}: {error.strerror or error}") from error


def _fill(saved: Path, target: Path) -> None:
    if _is_folder(saved):
        target.mkdir(parents=True, exist_ok=True)
        for child in sorted(saved.iterdir()):
            _fill(child, target / child.name)
    elif os.path.lexists(saved) and not os.path.lexists(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        # Renamed when complete: a stop in between leaves nothing that looks whole.
        half = target.with_name(f"{target.name}.envlock-half")
        half.unlink(missing_ok=True)
        _copy_file(saved, half, lambda _: True)
        half.replace(target)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _same(one: Path, other: Path) -> bool:
    if not os.path.lexists(one) or _is_folder(one) or _is_folder(other):
        return False
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    if one.samefile(other):
        return True
    return one.stat().st_mode == other.stat().st_mode and cmp(one, other, shallow=False)


def make_missing(path: Path) -> list[Path]:
    """Make a folder and its parents, and return those that were missing, outermost first.

    Raises:
        WorkError: one cannot be made; then none of them is there.
    """
    missing = [path, *path.parents]
    missing = missing[: next((n for n, each in enumerate(missing) if os.path.lexists(each)), None)]
    made: list[Path] = []
    for each in reversed(missing):
        try:
            each.mkdir()
        except FileExistsError:
            if each.is_dir():  # somebody else was quicker
                continue
            remove_folders(made)
            raise WorkError(f"cannot make the folder {each}: a file is there") from None
        except OSError as error:
            remove_folders(made)
            raise WorkError(f"cannot make the folder {each}: {error.strerror or error}") from error
        made.append(each)
    return made


def remove_folders(paths: Iterable[Path]) -> None:
    """Remove those of some folders that are empty, the last first."""
    for each in reversed([*paths]):
        with suppress(OSError):
            each.rmdir()


def remove_links(folder: Path) -> None:
    """Remove the links of a folder in which there are to be none, and not what they lead to."""
    with suppress(OSError):
        for each in folder.iterdir():
            if each.is_symlink():
                each.unlink()


def remove_locks(folder: Path, names: Sequence[str]) -> bool:
    """Remove lock files, and the folder that they are in, when there is nothing else in it."""
    try:
        if {each.name for each in folder.iterdir()} <= set(names):
            for name in names:
                (folder / name).unlink(missing_ok=True)
            folder.rmdir()
    except OSError:
        pass
    return not folder.exists()


def disk_usage(folder: Path) -> int:
    """Return the bytes on disk under a folder; a file with several links counts once."""
    seen: dict[tuple[int, int], int] = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.lstat(os.path.join(parent, name))  # noqa: PTH118  (100,000 files)
            except OSError:
                continue  # removed by whoever works there
            blocks = getattr(status, "st_blocks", None)
            size = status.st_size if blocks is None else blocks * 512
            seen[status.st_dev, status.st_ino] = size
    return sum(seen.values())
