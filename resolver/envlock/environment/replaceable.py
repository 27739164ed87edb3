"""What may be replaced by an environment: another environment, and nothing else.

Pure judgement over what is read. No option widens it: ``--force`` is for the
environments of other tools.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from envlock.environment.whose import Owner, Whose, device_of, entries_of, whose
from envlock.errors import UsageError
from envlock.system import contents
from envlock.system.looking import is_file, is_folder, is_mount, mounted_below, shown
from envlock.words import counted

if sys.platform != "win32":
    import pwd

#: A repository has these, as a folder or as the file that leads to one.
_REPOSITORIES = frozenset(
    {".git", ".hg", ".svn", ".bzr", "_darcs", ".fossil", ".fslckout", "_FOSSIL_", ".jj", ".pijul"}
    | {"CVS", "RCS", "SCCS", "_MTN"}
)
_ENOUGH = 100_000  # files, after which it is only said that there are more
_NAMED = 3
#: A folder's name with what an environment that steps aside, or is tried, has behind it.
_LONGEST = 230
_MADE = re.compile(r"(?m)^\s*(uv|virtualenv|version|version_info)\s*=\s*(\S+)")
_PROGRAMS = ("bin/python", "bin/python3", "Scripts/python.exe")
_OTHER = "--env OTHER"
_LOST = ", and its Python is gone"


class Inventory(Struct, kw_only=True):
    """What was found below a folder.

    ``own`` is how many files are somebody's own, ``named`` the first of them,
    ``repositories`` and ``mounts`` are folders below it, all as paths from it.
    """

    files: int = 0
    own: int = 0
    named: list[str] = []
    repositories: list[str] = []
    mounts: list[str] = []

    def words(self) -> str:
        """How many files no environment has, and which."""
        more = ", ..." if self.own > len(self.named) else ""
        return f"{files(self.own)} that no environment has: {', '.join(self.named)}{more}"


def files(number: int) -> str:
    """A number of files as it is told."""
    return f"more than {_ENOUGH:,} files" if number > _ENOUGH else counted(number, "file")


def inventory(folder: Path, *, environment: bool) -> Inventory:
    """Look at everything below a folder; where it is no ``environment``, all is somebody's own.

    Raises:
        UsageError: something there may not be looked at.
    """
    found = Inventory(mounts=[shown(each) for each in mounted_below(folder)])
    device = folder.stat().st_dev
    tells = whose(folder, folder) if environment else Whose(root=folder, prefix=folder)
    for entry, name, owner in tells.entries():
        if entry.name in _REPOSITORIES:
            found.repositories.append(shown(name))
        if entry.is_dir(follow_symlinks=False):
            if device_of(entry) not in {device, None}:
                found.mounts.append(shown(name))
            continue
        found.files += 1
        if owner is Owner.SOMEBODY or not environment:
            found.own += 1
            if len(found.named) < _NAMED:
                found.named.append(shown(name))
        if found.own > _ENOUGH:
            break
    return found


def is_empty(folder: Path) -> bool:
    """Whether nothing is there but what a file system, or a start that was stopped, leaves."""
    return all(
        name in {"lost+found", ".envlock"} or name.startswith(".envlock.json.")
        for name in (each.name for each in entries_of(str(folder)))
    )


class Occupant(Struct, frozen=True, kw_only=True):
    """The environment that is replaced: which tool made it, and how many files go with it."""

    maker: str
    files: int = 0

    def __str__(self) -> str:
        return f"an environment that {self.maker} made"


def occupant(
    folder: Path, *, ours: bool, force: bool, needed: Iterable[Path] = ()
) -> Occupant | None:
    """Return what an environment in a folder would replace, None for nothing.

    Links are followed first. ``ours`` says that envlock made what is there,
    ``force`` lets the environment of another tool be replaced; ``needed`` are
    files that the command reads or writes.

    Raises:
        UsageError: an environment there would delete something that is no
            environment, or one that was not to be replaced.
    """
    folder = settled(folder, needed)
    if not is_folder(folder) or is_empty(folder):
        return None
    maker = "envlock" if ours else made_by(folder)
    found = inventory(folder, environment=maker is not None)
    if maker is None:
        what = "a mount point" if is_mount(folder) else "a folder"
        has = found.words() if found.own else "folders in it, and is no environment"
        raise _left(folder, f"{what} with {has}")
    if _is_base(folder):
        raise _left(folder, "the base of conda, with its other environments or its packages")
    if found.mounts:
        raise _left(folder, f"an environment with another file system mounted in {found.mounts[0]}")
    if found.repositories:
        raise _left(folder, f"an environment with a repository in it: {found.repositories[0]}")
    if found.own and not ours:  # of one of envlock's own they stay, or are kept
        out = f"move what is yours out of {shlex.quote(shown(str(folder)))}"
        raise _left(folder, f"an environment with {found.words()}", out)
    if not ours and not force:
        there = maker == "conda" or any(is_file(folder / each) for each in _PROGRAMS)
        lost = "" if there else _LOST
        raise _left(
            folder,
            f"an environment that envlock did not make{lost}",
            f"--force  # deletes {shown(str(folder))}: {files(found.files)}",
        )
    return Occupant(maker=maker, files=found.files)


def settled(folder: Path, needed: Iterable[Path] = ()) -> Path:
    """Return a folder with its links followed, after a look at where it is.

    Raises:
        UsageError: no environment may be there, whatever is in it.
    """
    folder = _followed(folder)
    path = shown(str(folder))
    if folder == Path(folder.anchor):
        raise UsageError(f"{path} is the root of the file system, not a place for one", _OTHER)
    if len(os.fsencode(folder.name)) > _LONGEST:
        raise UsageError(f"{path}: this name is too long for the folder of an environment", _OTHER)
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"{path}: uv makes no environment in a folder whose name is not UTF-8", _OTHER
        ) from None
    if folder.exists():
        _refuse_above(folder)
    _refuse_needed(folder, needed)
    return folder


def _followed(folder: Path) -> Path:
    """Return a folder, or the place for one, with its links followed."""
    why = "its links lead round in a circle"
    try:
        there = folder.resolve()
        above = [each for each in (there, *there.parents) if os.path.lexists(each)][:1]
        if not any(each.is_symlink() for each in above):  # what is left of links in a circle
            why = "" if all(each.is_dir() for each in above) else "is a file, not a folder"
    except RuntimeError:
        pass
    except OSError as error:
        why = f"cannot be looked at: {error.strerror}"
    if not why:
        return there
    if why.startswith("is"):
        raise UsageError(f"{shown(str(above[0]))} {why}", _OTHER)
    raise UsageError(f"{shown(str(folder))}: {why}", _OTHER)


def _refuse_needed(folder: Path, needed: Iterable[Path]) -> None:
    for each in needed:
        there = each.resolve()
        if folder == there:
            raise UsageError(f"{shown(str(each))} is a file of this command, not a folder", _OTHER)
        if folder in there.parents:
            raise UsageError(
                f"{shown(str(each))} is read or written by this command and lies in"
                f" {shown(str(folder))}, where the environment is to be",
                _OTHER,
            )


def _refuse_above(folder: Path) -> None:
    """Refuse a folder that is, or has in it, what must not go whatever it is."""
    path = shown(str(folder))
    for what, other in _kept():
        if folder == other:
            raise UsageError(f"{path} is {what}; an environment would replace it", _free(folder))
        if folder in other.parents:
            raise UsageError(
                f"{path} contains {what}; an environment would replace it", _free(folder)
            )


def _kept() -> Iterator[tuple[str, Path]]:
    # A current folder that is gone has no path, and no home need be there.
    for what, find in (
        ("the current folder", os.getcwd),
        ("your home", lambda: os.path.expanduser("~")),  # noqa: PTH111  (as text)
        ("your home", _home_on_record),
        ("what envlock itself runs from", lambda: sys.prefix),
        ("the Python that envlock runs with", lambda: sys.base_prefix),
    ):
        try:
            yield what, Path(find()).resolve()
        except (OSError, KeyError, RuntimeError, ImportError):
            continue


def _home_on_record() -> str:
    return pwd.getpwuid(os.getuid()).pw_dir


def _free(folder: Path) -> str:
    """An option that names a place in the current folder, where it is not in the one refused."""
    return "--env .venv" if folder.name != ".venv" else _OTHER


def made_by(folder: Path) -> str | None:
    """Return which tool made an environment, None where a folder is none.

    A virtual environment has a ``pyvenv.cfg`` and a Python below it, also one
    whose own Python is gone; a conda prefix has records in ``conda-meta``.
    """
    records = folder / "conda-meta"
    if is_folder(records) and any(
        name == "history" or name.endswith(".json") for name in _names(records)
    ):
        return "conda"
    if not any(os.path.lexists(folder / each) for each in _PROGRAMS):
        return None
    try:
        text = contents(folder / "pyvenv.cfg").decode(errors="replace")
    except OSError:
        return None
    said = {key for key, _ in _MADE.findall(text)}
    return next((each for each in ("uv", "virtualenv") if each in said), "python -m venv")


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  (names alone)
    except OSError:
        return []


def _is_base(folder: Path) -> bool:
    return is_folder(folder / "conda-meta") and any(
        is_folder(folder / each) for each in ("envs", "pkgs")
    )


def _left(folder: Path, what: str, *ways: str) -> UsageError:
    return UsageError(f"{shown(str(folder))} is {what}; it is left as it is", _OTHER, *ways)
