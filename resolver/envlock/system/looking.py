"""Looking at paths, which may be too long, lead round in a circle or be out of bounds."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from envlock.errors import UsageError, WorkError

#: Nothing is there.
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})


def is_file(path: Path) -> bool:
    """Whether a file is there; what may not be looked at is not there."""
    return os.path.isfile(path)  # noqa: PTH113  (that of pathlib raises)


def is_folder(path: Path) -> bool:
    """Whether a folder is there; what may not be looked at is not there."""
    return os.path.isdir(path)  # noqa: PTH112  (as above)


def exists(path: Path) -> bool:
    """Whether something is there; what may not be looked at is not there."""
    return os.path.exists(path)  # noqa: PTH110  (as above)


def named(path: Path, option: str = "") -> Path:
    """Return a path that somebody named, which can be asked about from now on.

    Nothing need be there. A folder that is there can be looked into.

    Raises:
        WorkError: it is relative to a folder that is gone.
        UsageError: no file can have this name, or it may not be looked at.
    """
    if not path.is_absolute():
        current_folder()
    shown = f"{option} {path}".lstrip()
    try:
        found = path.stat()
    except ValueError:  # a NUL in it
        raise UsageError(f"{shown!r}: no file can have this name") from None
    except OSError as error:
        if error.errno in _ABSENT:
            return path
        if error.errno == errno.ENAMETOOLONG:
            raise UsageError(f"{_start(shown)}: this name is too long for a file") from None
        if error.errno == errno.ELOOP:
            raise UsageError(f"{shown}: these links lead round in a circle") from None
        raise UsageError(f"{shown}: cannot be looked at: {error.strerror}") from None
    if stat.S_ISDIR(found.st_mode) and not os.access(path, os.R_OK | os.X_OK):
        raise UsageError(f"{shown}: cannot be looked into: {os.strerror(errno.EACCES)}")
    return path


def _start(text: str) -> str:
    first = text.splitlines()[0]
    return first if len(first) <= 60 else f"{first[:60]}..."  # noqa: PLR2004  (enough to know it by)


def current_folder() -> Path:
    """Return the folder that relative paths are relative to.

    Raises:
        WorkError: it was deleted, or may not be looked at.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise WorkError(
            "the current folder is no longer there: it was deleted or moved", "cd ANOTHER"
        ) from None
    except OSError as error:
        raise WorkError(f"the current folder cannot be told: {error.strerror}", "cd ~") from None


def is_here(folder: Path) -> bool:
    """Whether a folder is the current one, whichever of its names is used."""
    try:
        return os.path.samefile(folder, os.curdir)  # noqa: PTH121  (that of pathlib raises)
    except (OSError, ValueError):
        return False


def on_path(name: str, *, admits: Callable[[Path], bool] | None = None) -> Path | None:
    """Return a program of PATH by its name.

    The current folder may be a stranger's, so no entry that means it counts:
    neither a relative one nor one that leads to it. ``admits`` says of a
    folder of PATH whether it is looked into.
    """
    known = (Path(each) for each in os.get_exec_path())
    folders = [
        str(each)
        for each in known
        if each.is_absolute() and not is_here(each) and (admits is None or admits(each))
    ]
    found = shutil.which(name, path=os.pathsep.join(folders)) if folders else None
    # Windows looks in the current folder first, whatever PATH is.
    return Path(found) if found and str(Path(found).parent) in folders else None


def home() -> Path:
    """Return the home of whoever runs this; ``~`` itself where nobody knows it."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("~")


def expand(path: str) -> Path:
    """Return a path with its ``~`` replaced, where somebody knows by what."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  (that of pathlib raises)


_LEFT = re.compile(
    r"=?(?P<start>~[^/\\]*|\$(?:\w+|\{\w+\})|%\w+%)|.*?[/\\](?P<part>~)(?=[/\\]|$)", re.DOTALL
)


def left_by_shell(path: str) -> str:
    """Return what a shell would have replaced in a path: a ``~``, a leading variable; or ""."""
    found = _LEFT.match(path)
    if found is None:
        return ""
    start = found["start"] or "~"
    if start[0] != "~":
        return "" if os.path.lexists(path) else start
    no_user = found["start"] and expanded(path.removeprefix("=")) is None
    return "" if no_user else "~"


def not_expanded(shown: str, *remedies: str, what: str = "~") -> UsageError:
    """Return the refusal of ``what`` the shell left, with what to type in its place."""
    return UsageError(
        f"{shown}: the shell did not replace {what}, and envlock does not either", *remedies
    )


def expanded(path: str) -> str | None:
    """Return a path with its ``~`` replaced, None where it has none that a shell would replace."""
    if not path.startswith("~"):
        return None
    where = str(expand(path))
    return None if where == path else where


def mounted_below(folder: Path) -> Iterator[str]:
    """Yield where file systems are mounted below a folder, also parts of the same one (Linux)."""
    try:
        text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    start = f"{folder}/"
    for line in text.splitlines():
        place = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), line.split(" ")[4])
        if place.startswith(start):
            yield place.removeprefix(start)


def is_mount(folder: Path) -> bool:
    """Whether a folder is a mount point."""
    return os.path.ismount(folder) or any(
        place == folder.name for place in mounted_below(folder.parent)
    )


def shown(path: str) -> str:
    """Return a path as text, also one whose name is not UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
