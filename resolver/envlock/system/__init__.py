"""The only module that starts a process or writes a file.

Everything here either succeeds or raises an `EnvlockError` that says what was
attempted; nothing is left half-written.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from envlock.errors import UsageError, WorkError
from envlock.system.processes import Completed as Completed
from envlock.system.processes import beside as beside
from envlock.system.processes import run as run

WINDOWS = sys.platform == "win32"

# Read once: there is no way to read it without setting it, for all threads.
_UMASK = os.umask(0)
os.umask(_UMASK)


def read_text(path: Path) -> str:
    """The text of a user's file, decoded as UTF-8 (a byte order mark is dropped).

    Raises:
        UsageError: it is missing, a folder, unreadable or not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UsageError(f"{path}: is a folder, not a file") from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: not UTF-8 text (byte {error.start} is 0x{error.object[error.start]:02x})",
            f"save {path} as UTF-8",
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None


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


def cache_folder() -> Path:
    """Where envlock keeps what can be fetched again; ``ENVLOCK_CACHE_DIR`` moves it."""
    chosen = os.environ.get("ENVLOCK_CACHE_DIR")
    if chosen:
        return Path(chosen)
    import platformdirs  # noqa: PLC0415  (10 ms that --help does not need)

    return Path(platformdirs.user_cache_dir("envlock"))


def remembered(name: str, sources: Mapping[str, bytes], make: Callable[[], Any]) -> Any:  # noqa: ANN401  (JSON)
    """Return what ``make`` returns, made once for the same sources and kept as JSON.

    A value that JSON would change, and a cache that cannot be read or
    written, cost the time of ``make`` and nothing else.
    """
    digest = hashlib.sha256()
    for key, content in sorted(sources.items()):
        digest.update(f"{key}\0{len(content)}\0".encode() + content)
    file = cache_folder() / f"{name}.json"
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept = msgspec.json.decode(file.read_bytes())
        if kept["of"] == digest.hexdigest():
            return kept["value"]
    value = make()
    with suppress(ValueError, TypeError, WorkError):
        text = json.dumps({"of": digest.hexdigest(), "value": value})
        if json.loads(text)["value"] == value:
            make_folder(file.parent)
            write_texts({file: text})
    return value


@contextmanager
def exclusive(path: Path, *, timeout: float = 600) -> Iterator[None]:
    """Hold a lock file, so that several envlocks do one thing once.

    Raises:
        WorkError: somebody else holds it for longer than ``timeout`` seconds.
    """
    import filelock  # noqa: PLC0415  (30 ms that --help does not need)

    try:
        with filelock.FileLock(path, timeout=timeout):
            yield
    except filelock.Timeout:
        raise WorkError(f"another envlock holds {path} for more than {timeout:.0f} s") from None
