"""Where what can be fetched or made again is kept, how it is shared, and when it is not used.

A cache is only a saving of time, and what lies in it is believed and run. So a
folder is used only where this user may write to it, owns it, and nobody else
may write to it; otherwise work goes on with a private one that is gone at the
end, and `cache_troubles` says so.

Each file begins with the SHA-256 of all that follows. One that is missing,
damaged, of another format or open to others is a miss, and one that cannot be
written is not an error.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import platformdirs

from envlock.errors import WorkError
from envlock.system.looking import exists, expanded, is_folder, not_expanded
from envlock.system.replacing import owner_of

_Value = TypeVar("_Value")

_VARIABLE = "ENVLOCK_CACHE_DIR"
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_PATIENCE = 1.0  # seconds of waiting that are not worth a word
#: Folder that was to be used → why it is not, in the order in which they were met.
_troubles: dict[Path, str] = {}
_HEAD = 65  # characters: a digest in hexadecimal, and the end of its line


#: The folders of the cache, by their names; `cache_folder` and `kept_folder` make no others.
CACHES = frozenset(
    (
        *(
            "bisect",
            "built",
            "conda",
            "helpers",
            "index",
            "interpreters",
            "matrix",
            "matrix-workers",
        ),
        *("metadata", "pip-tools", "proofs", "solved", "today", "unproved", "uv"),
    )
)
#: Files of the cache itself begin so.
_FILES = "knowledge-"


def cache_root() -> Path | None:
    """Return where the cache is to be, made or not; None where there is no home folder.

    Raises:
        UsageError: as `cache_folder`.
    """
    return _root()


def own_in_cache() -> tuple[Path, ...]:
    """Return what is envlock's in the folder of the cache, which may have anything else in it."""
    root = _root()
    if root is None or not is_folder(root):
        return ()
    return tuple(
        each
        for each in sorted(root.iterdir())
        if not each.is_symlink()
        and ((each.name in CACHES and each.is_dir()) or _is_kept_file(each))
    )


def _is_kept_file(path: Path) -> bool:
    return path.name.startswith(_FILES) and path.suffix == ".json"


def cache_troubles() -> tuple[str, ...]:
    """Return a sentence for the first cache of each kind that could not be used, once."""
    told = tuple(_troubles.values())
    _troubles.clear()
    return told


def cache_folder(*parts: str, programs: bool = False) -> Path:
    """Return a folder of the cache, made where it is missing, private to this user.

    It is one of a temporary cache, for this process, where the cache cannot be
    used. Of a folder for ``programs`` that others could write to until now,
    nothing is kept.

    Raises:
        UsageError: ``ENVLOCK_CACHE_DIR`` has a ``~`` that no shell expanded.
        WorkError: there is no place for a temporary cache either.
    """
    kept = kept_folder(*parts, programs=programs)
    if kept is not None:
        return kept
    folder = _temporary().joinpath(*parts)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise WorkError(f"cannot make the folder {folder}: {error.strerror}") from error
    return folder


def kept_folder(*parts: str, programs: bool = False) -> Path | None:
    """Return a folder of the cache as `cache_folder` does; None where the cache cannot be used.

    Raises:
        UsageError: as `cache_folder`.
    """
    root = _root()
    folder = root or Path(_VARIABLE)
    fault = "there is no home folder" if root is None else _fault_of_root(root)
    for part in parts:
        if fault:
            break
        folder /= part
        fault = _fault(folder, reset=programs)
    if not fault:
        return folder
    if not any(root in (each, *each.parents) for each in _troubles):
        _troubles[folder] = (
            f"the cache {folder} is not used: {fault};"
            f" work goes on without it, and {_VARIABLE}=FOLDER names another"
        )
    return None


def replaced_cache(program: str, folder: Path, variable: str) -> Path | None:
    """Return a cache of envlock's for another program whose own one cannot be used; else None.

    Raises:
        UsageError, WorkError: as `cache_folder`.
    """
    fault = _unwritable(folder, *_inside(folder))
    if not fault:
        return None
    _troubles.setdefault(
        folder,
        f"the cache of {program}, {folder}, is not used: {fault};"
        f" one of envlock's is, and {variable}=FOLDER names another",
    )
    return cache_folder(program)


@contextmanager
def exclusive(
    path: Path, *, timeout: float = 600, tell: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold a lock file, so that several envlocks do one thing once.

    ``tell`` gets a sentence when somebody else holds it and is waited for.

    Raises:
        WorkError: somebody else holds it for longer than ``timeout`` seconds,
            or it cannot be made or locked here.
    """
    import filelock  # noqa: PLC0415  (30 ms that --help does not need)

    lock = filelock.FileLock(path)
    try:
        try:
            lock.acquire(timeout=min(timeout, _PATIENCE))
        except filelock.Timeout:
            if timeout <= _PATIENCE:
                raise
            if tell is not None:
                tell(f"waiting for another envlock, which holds {path} (up to {timeout:.0f} s)")
            lock.acquire(timeout=timeout - _PATIENCE)
    except filelock.Timeout:
        raise WorkError(f"another envlock holds {path} for more than {timeout:.0f} s") from None
    except (OSError, NotImplementedError) as error:
        why = getattr(error, "strerror", None) or error
        raise WorkError(f"cannot lock {path}: {why}") from error
    try:
        yield
    finally:
        lock.release()


def folder_of_variable(name: str) -> Path | None:
    """Return the folder that a variable names, absolute; None where it names none.

    Raises:
        UsageError: it begins with a ``~``, which no shell expanded.
    """
    chosen = os.environ.get(name)
    if not chosen:
        return None
    if chosen.startswith("~"):
        raise not_expanded(f"{name}={chosen}", f"export {name}={expanded(chosen) or 'FOLDER'}")
    with suppress(OSError):  # the current folder is gone
        return Path(chosen).absolute()
    return Path(chosen)


def _root() -> Path | None:
    """Where the cache is to be: what the variable says, or where this system has caches."""
    chosen = folder_of_variable(_VARIABLE)
    if chosen is not None:
        return chosen
    usual = Path(platformdirs.user_cache_dir("envlock"))
    return usual if usual.is_absolute() else None


def _fault_of_root(root: Path) -> str:
    """Why a cache cannot be used; the usual one is taken back from others when it is ours.

    One that the user named may be shared on purpose, and stays as it is.
    """
    if os.name == "posix" and not os.environ.get(_VARIABLE):
        return _fault(root)
    with suppress(OSError):
        if os.name == "posix" and root.stat().st_mode & _OTHERS:
            return f"others may write to it (chmod go-w {root})"
    return _fault(root)


def _fault(folder: Path, *, reset: bool = False) -> str:
    """Why a folder cannot be used, or "" when it is there, ours and private; missing, it is made.

    One of ours that others may write to is closed to them; with ``reset``,
    what is in it goes.
    """
    if above := _not_to_be_made(folder):
        return above
    try:
        _make_private(folder)
        found = folder.stat()
        if os.name == "posix" and found.st_uid != os.geteuid():
            return f"it belongs to {owner_of(found)}"
        if os.name == "posix" and found.st_mode & _OTHERS:
            folder.chmod(0o700)
            if reset:
                shutil.rmtree(folder)
                _make_private(folder)
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    return _unwritable(folder)


def _make_private(folder: Path) -> None:
    """Make a folder and those above it for this user alone, whatever the umask."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        try:
            each.mkdir(mode=0o700)
        except FileExistsError:  # another envlock was quicker
            continue
        each.chmod(0o700)
    if not folder.is_dir():
        raise NotADirectoryError(20, "it is a file")


def _not_to_be_made(folder: Path) -> str:
    """Why root is to make no folder there: it would be in the way of the user whose home it is."""
    if os.name != "posix" or os.geteuid() != 0:
        return ""
    with suppress(OSError):
        above = next(each for each in (folder, *folder.parents) if each.exists())
        found = above.stat()
        if found.st_uid != 0 and not found.st_mode & stat.S_ISVTX:
            return f"{above} belongs to {owner_of(found)}, and this is root"
    return ""


def _unwritable(folder: Path, *inside: Path) -> str:
    """Why nothing can be kept in a folder that may not be there yet, and those inside, or ""."""
    if fault := _not_to_be_made(folder):
        return fault
    try:
        above = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    if not is_folder(above):
        return f"{above} is {'a link that leads nowhere' if not exists(above) else 'a file'}"
    for each in (above, *inside):
        if not os.access(each, os.R_OK | os.W_OK | os.X_OK):
            return f"{each} cannot be written to"
    return ""


def _inside(folder: Path) -> tuple[Path, ...]:
    """The folders in a folder, as far as it lets itself be read."""
    try:
        with os.scandir(folder) as found:
            return tuple(Path(each.path) for each in found if each.is_dir())
    except OSError:
        return ()


@cache
def _temporary() -> Path:
    try:
        folder = Path(tempfile.mkdtemp(prefix="envlock-cache-"))
    except OSError as error:
        raise WorkError(f"cannot make a temporary folder: {error.strerror or error}") from error
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def load_kept(file: Path) -> bytes | None:
    """Return the content of a file as `keep` wrote it, or None."""
    try:
        with file.open("rb") as stream:
            if not _is_ours(os.fstat(stream.fileno())):
                return None
            whole = stream.read()
    except OSError:
        return None
    content = whole[_HEAD:]
    return content if whole[:_HEAD] == _head(content) else None


class _Aged(msgspec.Struct, frozen=True, kw_only=True):
    """A value as JSON, and when it was found."""

    at: float
    value: msgspec.Raw


def load_recent(file: Path | None, kind: type[_Value], seconds: float) -> _Value | None:
    """Return what `keep_recent` wrote of a kind, where that is not older; else None."""
    content = None if file is None else load_kept(file)
    if content is None:
        return None
    try:
        found = msgspec.json.decode(content, type=_Aged)
        value = msgspec.json.decode(found.value, type=kind)
    except msgspec.MsgspecError:
        return None
    return value if 0 <= time.time() - found.at <= seconds else None


def keep_recent(file: Path, value: object) -> None:
    """Write a value that is believed for a time only, as `keep` does."""
    aged = _Aged(at=time.time(), value=msgspec.Raw(msgspec.json.encode(value)))
    keep({file: msgspec.json.encode(aged)})


def keep(contents: Mapping[Path, bytes]) -> None:
    """Write files of the cache, each whole or not at all, if the disk lets us."""
    for file, content in contents.items():
        with suppress(OSError):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
            temporary = Path(name)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(_head(content))
                    stream.write(content)
                temporary.replace(file)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise


def remembered(name: str, sources: Mapping[str, bytes], make: Callable[[], Any]) -> Any:  # noqa: ANN401  (JSON)
    """Return what ``make`` returns, made once for the same sources and kept as JSON.

    A value that JSON would change, and a cache that cannot be read or
    written, cost the time of ``make`` and nothing else. ``name`` may begin
    with the folder of the cache that it is in.
    """
    digest = hashlib.sha256()
    for key, content in sorted(sources.items()):
        digest.update(f"{key}\0{len(content)}\0".encode() + content)
    *folders, short = name.split("/")
    place = kept_folder(*folders)
    if place is None:
        return make()
    file = place / f"{short}.json"
    with suppress(ValueError, TypeError, KeyError):
        kept = msgspec.json.decode(load_kept(file) or b"")
        if kept["of"] == digest.hexdigest():
            return kept["value"]
    value = make()
    with suppress(ValueError, TypeError):
        text = json.dumps({"of": digest.hexdigest(), "value": value})
        if json.loads(text)["value"] == value:
            keep({file: text.encode()})
    return value


def _head(content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}\n".encode()


def _is_ours(found: os.stat_result) -> bool:
    """Whether nobody else could write a file: what it says is believed."""
    return os.name != "posix" or (found.st_uid == os.geteuid() and not found.st_mode & 0o022)
