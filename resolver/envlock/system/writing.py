"""Files and folders, written whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from envlock.errors import WorkError
from envlock.system.disks import FULL, cannot_write, disk_full, temporary_folder
from envlock.system.landed import landed, landing, taken_back
from envlock.system.outputs import target_of
from envlock.system.replacing import Replacement


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
    `envlock.system.landed`).

    Raises:
        WorkError: a folder is missing or read-only, a file cannot be replaced,
            or the disk is full; the message says that nothing was changed, or
            which file is which.
    """
    files: list[Replacement] = []
    at = next(iter(contents), Path())
    before = landed()
    try:
        for at, content in contents.items():
            files.append(Replacement(target_of(at), content, lasting=lasting))
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


def _undone(files: Sequence[Replacement]) -> list[Replacement]:
    """Take back what was written; return the files that would not be."""
    left: list[Replacement] = []
    for file in reversed(files):
        try:
            file.undo()
        except OSError:
            left.append(file)
    return left


def _half_written(at: Path, error: BaseException, left: Sequence[Replacement]) -> str:
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


def make_folder(path: Path) -> None:
    """Make a folder and its parents; an existing one is fine.

    Raises:
        WorkError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkError(f"cannot make the folder {path}: {error.strerror}") from error
