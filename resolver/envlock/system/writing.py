"""Files and folders, written whole or not at all.

That files can be written is asked before the minutes of work that make their
content. What of the user's this run has changed is noted before the first byte
is changed until what was done is known to be taken back, so that whoever
interrupts it is told nothing untrue; files of caches and scratch folders are
not the user's.
"""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from envlock.errors import UsageError, WorkError
from envlock.system.disks import FULL, cannot_write, disk_full, temporary_folder
from envlock.system.replacing import FileReplacement, lost_by_replacing, make_beside, may_be_written

_landed: dict[Path, None] = {}
_BLOCK = 4096  # bytes: what the smallest file takes of a disk
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def landing(paths: Iterable[Path]) -> None:
    """Say that files or environments are going to be changed."""
    _landed.update(dict.fromkeys(paths))


def landed() -> tuple[Path, ...]:
    """Return what was changed, or may have been, in the order in which it was."""
    return tuple(_landed)


def taken_back(before: Iterable[Path] = ()) -> None:
    """Say that nothing but what had landed ``before`` is changed any more."""
    kept = [*before]
    _landed.clear()
    landing(kept)


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


def write_texts(texts: Mapping[Path, str], *, lasting: bool = True, users: bool = False) -> None:
    """Write several texts as `write_files` does.

    Raises:
        WorkError: as `write_files`.
    """
    write_files({path: text.encode() for path, text in texts.items()}, lasting=lasting, users=users)


def write_files(
    contents: Mapping[Path, bytes], *, lasting: bool = True, users: bool = False
) -> None:
    """Write several files, all or none as far as a file system can promise.

    All are staged and synced beside their targets, with a copy of what they
    write over; only then does one after the other take its new bytes, and
    whatever goes wrong gives those before it their old ones again. A file
    keeps all that it is (see `envlock.system.replacing`), and a link to a file
    stays a link. What need not be ``lasting``, through a power cut, is not
    synced. Of what is the ``users`` is known that it was changed (see
    `landed`).

    Raises:
        WorkError: a folder is missing or read-only, a file cannot be replaced,
            or the disk is full; the message says that nothing was changed, or
            which file is which.
    """
    files: list[FileReplacement] = []
    at = next(iter(contents), Path())
    before = landed()
    try:
        for at, content in contents.items():
            files.append(FileReplacement(target_of(at), content, lasting=lasting))
            files[-1].stage()
        if users:
            landing(contents)
        for path, file in zip(contents, files, strict=True):
            at = path
            file.apply()
    except BaseException as error:
        left = _undone(files)
        for file in files:
            file.clear(keep_old=file in left)
        if left:
            raise WorkError(_half_written(at, error, left)) from error
        taken_back(before)
        if isinstance(error, OSError):
            wanted = sum(map(len, contents.values()))
            raise cannot_write(str(at), error, at.parent, wanted) from error
        raise
    for file in files:
        file.clear()


def _undone(files: Sequence[FileReplacement]) -> list[FileReplacement]:
    """Take back what was written; return the files that would not be."""
    left: list[FileReplacement] = []
    for file in reversed(files):
        try:
            file.undo()
        except OSError:
            left.append(file)
    return left


def _half_written(at: Path, error: BaseException, left: Sequence[FileReplacement]) -> str:
    """Say which files are new when those before the one that failed stay so."""
    why = error.strerror or error if isinstance(error, OSError) else type(error).__name__
    lines = [f"cannot write {at}: {why}; and not all that was written could be taken back:"]
    for file in left:
        old = f"; what it was is in {file.before}" if file.before else ", and was not there before"
        lines.append(f"  {file.path} is written anew, wholly or in part{old}")
    return "\n".join((*lines, "  every other file is as it was"))


@contextmanager
def scratch(prefix: str = "envlock-", *, inside: Path | None = None) -> Iterator[Path]:
    """A private folder that is gone when the block ends, however it ends.

    It is made in the system's temporary folder, or ``inside`` another.
    """
    try:
        name = tempfile.mkdtemp(prefix=prefix, dir=inside)
    except OSError as error:
        place = temporary_folder() if inside is None else inside
        if error.errno in FULL:
            raise disk_full("no temporary folder could be made", place) from error
        raise WorkError(
            f"cannot make a temporary folder, which what is run needs: {error.strerror or error}",
            "TMPDIR=/a/folder/that/can/be/written/to",
        ) from error
    try:
        yield Path(name)
    finally:
        remove_tree(Path(name))


def remove_tree(path: Path) -> None:
    """Remove a folder and everything in it; a missing one is fine."""
    shutil.rmtree(path, ignore_errors=True)


def move(source: Path, target: Path) -> None:
    """Rename a file or folder within one file system.

    Raises:
        WorkError: the rename is refused.
    """
    try:
        source.rename(target)
    except OSError as error:
        raise WorkError(f"cannot move {source} to {target}: {error.strerror}") from error


def append_text(path: Path, text: str) -> None:
    """Add a text to the end of a file that others add to as well.

    Raises:
        WorkError: it cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        raise WorkError(f"cannot write {path}: {error}") from error


def make_folder(path: Path) -> None:
    """Make a folder and its parents; an existing one is fine.

    Raises:
        WorkError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkError(f"cannot make the folder {path}: {error.strerror}") from error
