"""Files and folders, written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from envlock.errors import WorkError

# Read once: there is no way to read it without setting it, for all threads.
_UMASK = os.umask(0)
os.umask(_UMASK)


def write_texts(texts: Mapping[Path, str], *, lasting: bool = True) -> None:
    """Write several files, all or none as far as a file system can promise.

    Each text is staged beside its target and synced; only when all are safe
    on disk are they renamed. An existing file keeps its permissions, and a
    link to a file stays a link. What need not be ``lasting``, through a power
    cut, is not synced.

    Raises:
        WorkError: a folder is missing or read-only, or the disk is full; then
            no target has changed.
    """
    write_files({path: text.encode() for path, text in texts.items()}, lasting=lasting)


def write_files(contents: Mapping[Path, bytes], *, lasting: bool = True) -> None:
    """Write several files as `write_texts` does, from bytes.

    Raises:
        WorkError: as `write_texts`.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for path, content in contents.items():
            target = path.resolve()
            staged.append((_stage(target, content, lasting=lasting), target))
        for temporary, path in staged:
            temporary.replace(path)
    except OSError as error:
        names = ", ".join(map(str, contents))
        raise WorkError(
            f"cannot write {names}: {error.strerror or error}; nothing was changed"
        ) from error
    finally:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)


def _stage(path: Path, content: bytes, *, lasting: bool) -> Path:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            if lasting:
                os.fsync(stream.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        else:
            temporary.chmod(0o666 & ~_UMASK)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


@contextmanager
def scratch(prefix: str = "envlock-", *, inside: Path | None = None) -> Iterator[Path]:
    """A private folder that is gone when the block ends, however it ends.

    It is made in the system's temporary folder, or ``inside`` another.
    """
    try:
        name = tempfile.mkdtemp(prefix=prefix, dir=inside)
    except OSError as error:
        raise WorkError(f"cannot make a temporary folder: {error.strerror}") from error
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
