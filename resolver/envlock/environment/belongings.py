"""What is in a folder: the files that an environment has, and those that are somebody's own.

A file is the environment's when a record names it (RECORD of a wheel, a record
in ``conda-meta``), when it lies in a folder that such a record names, or when
it is one that the makers of environments write. Everything else was put there
by somebody, and is nowhere else.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from envlock.errors import UsageError
from envlock.system import contents as read_contents

_SITE = r"(?:lib(?:64)?/(?:python|pypy)[^/]*|local/lib/python[^/]*|Lib)/(?:site|dist)-packages"
_PYTHON = r"(?:pypy|python)w?[\d.]*t?(?:\.exe)?"
#: Folders that packages share, so that one file of a package in them says nothing of the others.
_SHARED = re.compile(
    r"bin|Scripts|sbin|libexec|lib(?:64)?|Lib|[Ii]nclude|share|etc|var|local|local/(?:bin|lib)"
    r"|etc/conda|etc/conda/(?:de)?activate\.d|Library|Library/(?:bin|lib|include|share|etc)"
    r"|lib(?:64)?/(?:python|pypy)[^/]*|local/lib/python[^/]*|" + _SITE
)
#: What venv, virtualenv, uv, pip, conda, Jupyter and envlock write, and no record names.
_MADE = re.compile(
    r"pyvenv\.cfg|\.gitignore|CACHEDIR\.TAG|\.lock|envlock\.json|\.envlock[^/]*|lost\+found"
    r"|pip-selfcheck\.json|\.project|\.nonadmin|conda-meta|(?:share|etc)/jupyter|var/cache"
    r"|\.DS_Store|Thumbs\.db"
    r"|(?:bin|Scripts)/(?:(?:de)?activate(?:\.[a-z0-9]+)?|Activate\.ps1|activate_this\.py"
    rf"|pydoc\.bat|{_PYTHON}|pip[\d.]*(?:\.exe)?|easy_install[-\d.]*(?:\.exe)?"
    r"|wheel[\d.]*(?:\.exe)?|[^/]+\.(?:dll|pyd))"
    rf"|{_SITE}/(?:~[^/]*|[^/]+\.(?:dist-info|egg-info|egg-link|egg|pth)|_virtualenv\.py|README"
    r"(?:\.txt)?)"
)
#: A repository has these, as a folder or as the file that leads to one.
_REPOSITORIES = frozenset(
    {".git", ".hg", ".svn", ".bzr", "_darcs", ".fossil", ".fslckout", "_FOSSIL_", ".jj", ".pijul"}
)
_ENOUGH = 100_000  # files, after which it is only said that there are more
_NAMED = 3
_MOST = 1 << 27  # bytes of one record


class Contents(Struct, kw_only=True):
    """What was found below a folder.

    ``own`` is how many files no environment has, ``named`` the first of them,
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
        noun = "file" if self.own == 1 else "files"
        return f"{counted(self.own)} {noun} that no environment has: {', '.join(self.named)}{more}"


def counted(number: int) -> str:
    """A number of files as it is told."""
    return f"more than {_ENOUGH:,}" if number > _ENOUGH else f"{number:,}"


def shown(path: str) -> str:
    """A path as text, also one whose name is not UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def contents(folder: Path, *, environment: bool) -> Contents:
    """Look at everything below a folder; where it is no ``environment``, all is somebody's own.

    Raises:
        UsageError: something there may not be looked at.
    """
    recorded = _recorded(folder) if environment else frozenset()
    found = Contents(mounts=[shown(each) for each in _mounted_below(folder)])
    device = folder.stat().st_dev
    # Folders still to be looked at: path, path from the folder, whether all in it is recorded.
    waiting = [(str(folder), "", None if environment else False)]
    while waiting and found.own <= _ENOUGH:
        path, inside, owned = waiting.pop()
        deeper = []
        for entry in _entries(path):
            name = f"{inside}/{entry.name}".lstrip("/")
            if entry.name in _REPOSITORIES:
                found.repositories.append(shown(name))
            its = owned if owned is not None else _is_owned(entry, name, recorded)
            if entry.is_dir(follow_symlinks=False):
                if entry.stat(follow_symlinks=False).st_dev != device:
                    found.mounts.append(shown(name))
                else:
                    deeper.append((entry.path, name, its))
                continue
            found.files += 1
            if not its:
                found.own += 1
                if len(found.named) < _NAMED:
                    found.named.append(shown(name))
        waiting += reversed(deeper)
    return found


def _entries(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as listing:
            return sorted(listing, key=lambda each: each.name)
    except OSError as error:
        raise UsageError(
            f"{shown(path)}: cannot be read: {error.strerror}; so nobody can tell what would be"
            " deleted with it"
        ) from None


def _is_owned(entry: os.DirEntry[str], name: str, recorded: frozenset[str]) -> bool | None:
    """Whether an entry is the environment's; None: a folder that is shared with others."""
    if name in recorded or entry.name == "__pycache__" or _MADE.fullmatch(name):
        return True
    if entry.is_symlink():
        return _leads_inside(entry.path, name)
    if entry.is_dir(follow_symlinks=False) and _SHARED.fullmatch(name):
        return None
    return False


def _leads_inside(path: str, name: str) -> bool:
    """Whether a link leads to another place of the environment, or to a Python."""
    with suppress(OSError):
        target = os.readlink(path)  # noqa: PTH115  (as text)
        within = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        return bool(re.fullmatch(_PYTHON, posixpath.basename(target))) or not (
            within.startswith(("..", "/"))
        )
    return False


def _recorded(folder: Path) -> frozenset[str]:
    """What records name, up to the first name below a folder that packages share."""
    found: set[str] = set()
    for pattern in ("lib*/*/*-packages", "local/lib/*/*-packages", "Lib/*-packages"):
        for site in folder.glob(pattern):
            inside = site.relative_to(folder).as_posix()
            found.update(_cut(posixpath.join(inside, name)) for name in _of_site(site))
    for record in folder.glob("conda-meta/*.json"):
        with suppress(OSError, ValueError, TypeError, KeyError):
            found.update(
                _cut(str(name)) for name in json.loads(read_contents(record, _MOST))["files"]
            )
    return frozenset(found)


def _of_site(site: Path) -> set[str]:
    """The first names below a site-packages folder, and what its records put elsewhere."""
    found: set[str] = set()
    for file in (*site.glob("*-info/RECORD"), *site.glob("*-info/installed-files.txt")):
        for line in _lines(file):
            path = line.rsplit(",", 2)[0].strip('"') if file.name == "RECORD" else line[3:]
            found.add(path if path.startswith("..") else path.partition("/")[0])
    for file in site.glob("*.egg-info/top_level.txt"):
        for line in _lines(file):
            found |= {line, f"{line}.py"}
    return found


def _lines(file: Path) -> list[str]:
    try:
        text = read_contents(file, _MOST).decode(errors="surrogateescape")
    except OSError:
        return []
    return text.replace("\\", "/").splitlines()


def _cut(path: str) -> str:
    parts = posixpath.normpath(path).split("/")
    for length in range(1, len(parts)):
        if not _SHARED.fullmatch("/".join(parts[:length])):
            return "/".join(parts[:length])
    return "/".join(parts)


def _mounted_below(folder: Path) -> Iterator[str]:
    """Where file systems are mounted below a folder, also parts of the same one (Linux)."""
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
        place == folder.name for place in _mounted_below(folder.parent)
    )


def is_empty(folder: Path) -> bool:
    """Whether nothing is there but what a file system, or a start that was stopped, leaves."""
    return all(
        name in {"lost+found", ".envlock"} or name.startswith(".envlock.json.")
        for name in (each.name for each in _entries(str(folder)))
    )
