"""Which files under a folder are the environment's, and which are somebody's own.

The one definition, for what may be replaced and for what is never deleted. A
file is the environment's when a record names it (RECORD of a wheel, a record
in ``conda-meta``), when the makers of environments write one of its name
there, or when it is bytecode. Of any other in a folder that a package has for
itself nobody can tell: a program wrote it at work, or a person put it there.
All else is somebody's own. Only what is the environment's is ever deleted.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import Any

from msgspec import Struct

from envlock.documents import Malformed, json_value
from envlock.environment.held import CONFIG as PIP_CONFIG
from envlock.environment.held import is_ours
from envlock.environment.journal import OWN
from envlock.environment.layout import files_under
from envlock.environment.records import rows
from envlock.environment.settings import FILE as SETTINGS
from envlock.errors import UsageError
from envlock.index.settings import HELD
from envlock.system import contents, write_texts

MARKER = "envlock.json"
CONFIG = "pyvenv.cfg"
#: What tools make at the top of an environment, whatever is installed.
_TOPS = frozenset(
    {
        *("bin", "lib", "lib64", "include", "share", "etc", "man", "local"),
        *("Scripts", "Lib", "Include", "DLLs", "Library", "Tools"),
        *("conda-meta", "sbin", "libexec", "ssl", "var", "compiler_compat"),
    }
)
#: At the top, what envlock keeps of an environment and what a file system keeps of itself.
_STAY = frozenset({OWN, "lost+found"})
_SITE = r"(?:(?:local/)?lib(?:64)?/(?:python|pypy)[^/]*|lib/python3|Lib)/(?:site|dist)-packages"
_PYTHON = r"(?:pypy|python)w?[\d.]*t?(?:\.exe)?"
#: Folders that packages share, so that one file of a package in them says nothing of the others.
_SHARED = re.compile(
    r"bin|Scripts|sbin|libexec|lib(?:64)?|Lib|[Ii]nclude|share|etc|var|local|local/(?:bin|lib)"
    r"|etc/conda|etc/conda/(?:de)?activate\.d|Library|Library/(?:bin|lib|include|share|etc)"
    rf"|conda-meta|(?:local/)?lib(?:64)?/(?:python|pypy)[^/]*|{_SITE}|(?:.*/)?__pycache__"
)
#: What venv, virtualenv, uv, pip, conda, envlock and systems write, and no record names; all that
#: is in a folder of them too.
_MADE = re.compile(
    rf"pyvenv\.cfg|\.gitignore|CACHEDIR\.TAG|\.lock|{re.escape(MARKER)}|lib64"
    rf"|{re.escape(HELD)}|{_SITE}/{re.escape(SETTINGS)}"
    rf"|\.(?:{re.escape(MARKER)}|pyvenv\.cfg)\.[^/]*|pip-selfcheck\.json|\.project|\.nonadmin"
    r"|conda-meta/(?!pinned$).+|var/cache(?:/.+)?|share/python-wheels|local/(?:bin|lib|include)"
    r"|(?:bin|Scripts)/(?:(?:de)?activate(?:\.[a-z0-9]+)?|[Aa]ctivate\.ps1|activate_this\.py"
    rf"|pydoc\.bat|{_PYTHON}|(?:pip|pydoc|wheel|idle)[\d.]*(?:\.exe)?|python[\d.]*-config"
    r"|easy_install[-\d.]*(?:\.exe)?)|Scripts/[^/]+\.(?:dll|pyd)"
    rf"|{_SITE}/(?:[^/~][^/]*\.(?:dist-info|egg-info|virtualenv)|_virtualenv\.(?:py|pth)"
    r"|distutils-precedence\.pth|easy-install\.pth|README(?:\.txt)?)"
    r"|(?:.*/)?(?:\.DS_Store|Thumbs\.db|desktop\.ini)"
)
_BYTECODE = re.compile(r".+\.(?:pyc|pyo|nbi|nbc)(?:\.\d+)?")
#: What programs write at somebody's command, or write and somebody then changes.
_EITHER = re.compile(
    r"(?:share|etc)/jupyter|conda-meta/pinned"
    r"|bin/(?:(?:pre|post)(?:de)?activate|get_env_details)"
    rf"|{_SITE}/(?:~[^/]*|[^/]+\.(?:egg|egg-link|pth))"
)
#: How the script of an entry point ends, whoever installed it.
_ENTRY = re.compile(rb"\nfrom \S+ import .*\n(?s:.*)sys\.argv\[0\](?s:.*)sys\.exit\(")
_SCRIPT = 4_000  # bytes, that such a script has at most


def mark(folder: Path) -> dict[str, Any]:
    """Return what the marker in a folder says; nothing where there is none, or another file."""
    try:
        said = json_value(contents(folder / MARKER))
    except (OSError, Malformed):
        return {}
    return said if isinstance(said, dict) and "envlock" in said else {}


def built_pins(folder: Path) -> Mapping[str, str] | None:
    """Return the packages that envlock built an environment of, with their versions.

    None where its marker does not say.
    """
    pins = mark(folder).get("packages")
    if not isinstance(pins, dict):
        return None
    return {name: version for name, version in pins.items() if isinstance(version, str)}


def asked_names(folder: Path) -> frozenset[str] | None:
    """Return the packages that were asked for when envlock built an environment, to be imported.

    None where its marker does not say.
    """
    names = mark(folder).get("imports")
    if not isinstance(names, list):
        return None
    return frozenset(each for each in names if isinstance(each, str))


def write_mark(folder: Path, **facts: object) -> None:
    """Mark a folder.

    Raises:
        WorkError: it cannot be written.
    """
    write_texts({folder / MARKER: json.dumps({"envlock": 1, **facts}) + "\n"})


def note_asked(folder: Path, names: Collection[str]) -> None:
    """Have the marker say what was asked for, and all else as it did.

    Raises:
        WorkError: it cannot be written.
    """
    write_mark(folder, **{**mark(folder), "imports": sorted(names)})


class Owner(StrEnum):
    """Whose a file is."""

    ENVIRONMENT = "environment"
    EITHER = "either"
    SOMEBODY = "somebody"


#: A file, folder or link, its path from the root, and whose it is; None for a shared folder.
Entry = tuple[os.DirEntry[str], str, Owner | None]


class Whose(Struct, frozen=True, kw_only=True):
    """Tells whose the files under a root are, the environment that was built as ``prefix``.

    ``files`` are what records name, ``folders`` those that packages have for
    themselves. With ``since`` (nanoseconds) it was being built then: what is
    older, has a name elsewhere too (in the cache of an installer) or starts a
    package's command is the environment's.
    """

    root: Path
    prefix: Path
    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    since: int = 0

    def own_names(self) -> Iterator[str]:
        """Yield the names at the top that are the environment's own."""
        children = sorted(each for each in self.root.iterdir() if each.name not in _STAY)
        others = [each for each in children if each.name not in _TOPS]
        theirs = {
            file.relative_to(self.root).parts[0]
            for file in self.theirs([each.name for each in others])
        }
        for child in children:
            empty = child.is_dir() and not child.is_symlink() and not any(child.iterdir())
            # An empty folder is nobody's, and stays.
            if child.name in _TOPS or not (child.name in theirs or empty):
                yield child.name

    def theirs(self, names: Collection[str] | None = None) -> Iterator[Path]:
        """Yield what may be somebody's under entries of the root, None for all of them."""
        for entry, _, owner in self.entries(names):
            if owner is not Owner.ENVIRONMENT and not entry.is_dir(follow_symlinks=False):
                yield Path(entry.path)

    def entries(self, names: Collection[str] | None = None) -> Iterator[Entry]:
        """Yield all that is under entries of the root but for what envlock keeps there.

        Other file systems that are mounted there are not entered.

        Raises:
            UsageError: something there may not be looked at.
        """
        found = self._walked(names)
        yield from self._while_built(found) if self.since else found

    def _walked(self, names: Collection[str] | None) -> Iterator[Entry]:
        device = self.root.stat().st_dev
        waiting: list[tuple[str, str, Owner | None]] = [(str(self.root), "", None)]
        while waiting:
            path, inside, above = waiting.pop()
            deeper = []
            for entry in entries_of(path):
                if not inside and _is_left_out(entry.name, names):
                    continue
                name = f"{inside}{entry.name}"
                owner = self._owner(entry, name, above)
                yield entry, name, owner
                if entry.is_dir(follow_symlinks=False) and device_of(entry) == device:
                    deeper.append((entry.path, f"{name}/", owner))
            waiting += reversed(deeper)

    def _while_built(self, found: Iterable[Entry]) -> Iterator[Entry]:
        # It takes the whole walk to know whether a file has one of its names elsewhere.
        linked: dict[int, list[Entry]] = {}
        for entry, name, owner in found:
            if owner is Owner.ENVIRONMENT or entry.is_dir(follow_symlinks=False):
                yield entry, name, owner
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:  # gone since
                continue
            if status.st_ctime_ns < self.since or self._starts_command(entry, name):
                yield entry, name, Owner.ENVIRONMENT
            elif status.st_nlink == 1:
                yield entry, name, owner
            else:
                linked.setdefault(status.st_ino, []).append((entry, name, owner))
        for names in linked.values():
            elsewhere = names[0][0].stat(follow_symlinks=False).st_nlink > len(names)
            for entry, name, owner in names:
                yield entry, name, Owner.ENVIRONMENT if elsewhere else owner

    def _owner(self, entry: os.DirEntry[str], name: str, above: Owner | None) -> Owner | None:
        """Whose an entry is; None: a folder that packages and people share."""
        if above is Owner.ENVIRONMENT or name in self.files:
            return Owner.ENVIRONMENT
        folder = entry.is_dir(follow_symlinks=False)
        made = is_made(name) or (name == PIP_CONFIG and is_ours(entry.path))
        if made and not (above and folder):
            return Owner.ENVIRONMENT
        if above is None and (name in self.folders or _EITHER.fullmatch(name)):
            return Owner.EITHER
        if above is None and folder:
            return None if _SHARED.fullmatch(name) else Owner.SOMEBODY
        if above is None and _leads_inside(entry, name):
            return Owner.EITHER
        return above or Owner.SOMEBODY

    def _starts_command(self, entry: os.DirEntry[str], name: str) -> bool:
        """Whether an installer made a file for a command: it starts with the environment."""
        if not name.startswith(("bin/", "Scripts/")) or entry.is_symlink():
            return False
        try:
            script = contents(entry.path, _SCRIPT)
        except OSError:
            return False
        starts = script.startswith(b"#!") and os.fsencode(self.prefix) in script
        return starts and _ENTRY.search(script) is not None


def _is_left_out(name: str, names: Collection[str] | None) -> bool:
    return name in _STAY or not (names is None or name in names)


def whose(root: Path, prefix: Path, since: int = 0) -> Whose:
    """Read the records of an environment whose files are under ``root``."""
    files: set[str] = set()
    for site in _sites(root):
        files |= _of_site(site, site.relative_to(root).as_posix())
    files.update(files_under(root))
    folders = {_own_folder(each) for each in {name.rpartition("/")[0] for name in files}}
    return Whose(
        root=root,
        prefix=prefix,
        files=frozenset(files),
        folders=frozenset(folders - {""}),
        since=since,
    )


def is_made(name: str) -> bool:
    """Whether tools make a file of this name in every environment, or it is in such a folder."""
    parent, _, last = name.rpartition("/")
    if parent.endswith("__pycache__") and _BYTECODE.fullmatch(last):
        return True
    if _MADE.fullmatch(name):
        return True
    head, found, _ = name.partition("-info/")  # the folder with the records of a package
    return bool(found and _MADE.fullmatch(f"{head}-info"))


def entries_of(folder: str) -> list[os.DirEntry[str]]:
    """Return what is in a folder, by its names.

    Raises:
        UsageError: it may not be looked into.
    """
    try:
        with os.scandir(folder) as listing:
            return sorted(listing, key=attrgetter("name"))
    except FileNotFoundError:  # gone since
        return []
    except OSError as error:
        path = os.fsencode(folder).decode("utf-8", "backslashreplace")
        raise UsageError(
            f"{path}: cannot be read: {error.strerror}; so nobody can tell what would be"
            " deleted with it"
        ) from None


def device_of(entry: os.DirEntry[str]) -> int | None:
    """Return on which file system an entry is; None when it is gone since."""
    try:
        return entry.stat(follow_symlinks=False).st_dev
    except OSError:
        return None


def _leads_inside(entry: os.DirEntry[str], name: str) -> bool:
    """Whether this is a link to another place of the environment, or to a Python."""
    if not entry.is_symlink():
        return False
    try:
        target = os.readlink(entry.path)  # noqa: PTH115  (as text)
    except OSError:
        return False
    within = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    return bool(re.fullmatch(_PYTHON, posixpath.basename(target))) or not (
        within.startswith(("..", "/"))
    )


def _sites(root: Path) -> Iterable[Path]:
    """The folders of packages, each once: lib64 is often a link to lib."""
    patterns = ("lib*/*/*-packages", "local/lib/*/*-packages", "Lib/*-packages")
    found = {site.resolve(): site for each in patterns for site in sorted(root.glob(each))[::-1]}
    return found.values()


def _of_site(site: Path, inside: str) -> set[str]:
    """What the records in a site-packages folder name, as paths from the root."""
    found: set[str] = set()
    for entry in entries_of(str(site)):
        if not entry.name.endswith(("-info", ".egg")):
            continue
        info = Path(entry.path)
        here = f"{inside}/{entry.name}"
        for folder, name, _, _ in rows(_text(info / "RECORD")):
            path = f"{inside}/{folder}/{name}" if folder else f"{inside}/{name}"
            found.add(path if ".." not in folder else posixpath.normpath(path))
        for line in _text(info / "installed-files.txt").splitlines():
            found.add(posixpath.normpath(f"{here}/{line}"))
        if entry.name.endswith(".egg-info"):
            for line in _text(info / "top_level.txt").splitlines():
                # What is in such a folder is nowhere named.
                found |= {f"{inside}/{line}/__init__.py", f"{inside}/{line}.py"}
    return found


def _text(file: Path) -> str:
    try:
        return contents(file).decode("utf-8", "surrogateescape").replace("\\", "/")
    except OSError:
        return ""


def _own_folder(folder: str) -> str:
    """Return the outermost of a folder and those around it that is not shared, "" for none."""
    parts = folder.split("/")
    for length in range(1, len(parts) + 1):
        if not _SHARED.fullmatch("/".join(parts[:length])):
            return "/".join(parts[:length])
    return ""
