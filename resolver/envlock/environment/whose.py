"""What in an environment is its own, and what its user put there.

Names and places that environments have, and files that a package's record
names, are the environment's. So is bytecode, and what an installer linked
from its cache (the file has another name there). The rest may be somebody's
work, and is never deleted.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from envlock.environment.conda import conda_packages, files_of
from envlock.environment.footprint import files_of as recorded_files
from envlock.environment.inspect import site_folders
from envlock.environment.journal import OWN
from envlock.environment.records import read_site
from envlock.system import opened

MARKER = "envlock.json"
CONFIG = "pyvenv.cfg"
#: What tools make at the top of an environment, whatever is installed.
_NAMES = frozenset(
    {
        *("bin", "lib", "lib64", "include", "share", "etc", "man", "local"),
        *("Scripts", "Lib", "Include", "DLLs", "Library", "Tools"),
        *("conda-meta", "sbin", "libexec", "ssl", "var", "compiler_compat"),
        *(CONFIG, MARKER, ".gitignore", "CACHEDIR.TAG", ".lock"),
    }
)
#: How the names of files begin that are written whole and then renamed.
_STAGED = (f".{MARKER}.", f".{CONFIG}.")
_PROGRAM = re.compile(
    r"(python|pip|pydoc|wheel|idle)[\d.-]*t?w?(\.exe|\.bat)?|(de)?activate(_this)?(\.\w+)?",
    re.IGNORECASE,
)
_SITE_FILES = frozenset({"_virtualenv.py", "_virtualenv.pth", "distutils-precedence.pth"})
_SHEBANG = 400  # bytes at the start of a script that name its interpreter


class Whose(Struct, frozen=True, kw_only=True):
    """Tells whose the files under a root are, the environment that was built as ``prefix``.

    Files older than ``since`` (nanoseconds) are the environment's.
    """

    root: Path
    prefix: Path
    recorded: frozenset[str]
    since: int = 0

    def own_names(self) -> Iterator[str]:
        """Yield the names at the top that are the environment's own."""
        for child in sorted(self.root.iterdir()):
            if child.name != OWN and self._is_own(child):
                yield child.name

    def _is_own(self, child: Path) -> bool:
        name = child.name
        if name in _NAMES or name.startswith(_STAGED):
            return True
        if child.is_symlink() or not child.is_dir():
            return not self._is_theirs(child, name)
        # An empty folder is nobody's, and stays.
        return any(child.iterdir()) and next(self.theirs(child), None) is None

    def theirs(self, top: Path) -> Iterator[Path]:
        """Yield the files under an entry of the root that may be the user's."""
        if top.is_symlink() or not top.is_dir():
            if self._is_theirs(top, top.relative_to(self.root).as_posix()):
                yield top
            return
        cut = len(str(self.root)) + 1
        for parent, folders, files in os.walk(top):
            folders[:] = [each for each in folders if each != "__pycache__"]
            inside = parent[cut:].replace(os.sep, "/")
            for name in (*files, *(each for each in folders if _is_link(parent, each))):
                path = Path(parent, name)
                if self._is_theirs(path, f"{inside}/{name}"):
                    yield path

    def _is_theirs(self, path: Path, name: str) -> bool:
        if name in self.recorded or is_made_by_tools(name):
            return False
        try:
            status = path.lstat()
        except OSError:
            return False
        if status.st_ctime_ns < self.since:
            return False
        if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
            return False
        return not self._is_script(path, name)

    def _is_script(self, path: Path, name: str) -> bool:
        """Whether an installer made a file for a command: it names the environment's Python."""
        if not name.startswith(("bin/", "Scripts/")):
            return False
        try:
            with opened(path) as stream:
                start = stream.read(_SHEBANG)
        except OSError:
            return False
        return start.startswith(b"#!") and os.fsencode(self.prefix) in start


def whose(root: Path, prefix: Path, since: int = 0) -> Whose:
    """Read the records of an environment whose files are under ``root``."""
    recorded = {
        file
        for site in site_folders(root)
        for distribution in read_site(site).distributions
        for file in recorded_files(distribution, root)
    }
    for package in conda_packages(root).values():
        recorded |= files_of(package)
    return Whose(root=root, prefix=prefix, recorded=frozenset(recorded), since=since)


def _is_link(parent: str, name: str) -> bool:
    return os.path.islink(os.path.join(parent, name))  # noqa: PTH114, PTH118  (100,000 files)


def is_made_by_tools(name: str) -> bool:
    """Whether tools make a file of this name in every environment."""
    parts = name.split("/")
    last = parts[-1]
    return bool(
        name in _NAMES
        or last.endswith(".pyc")
        or parts[0] == "conda-meta"
        or any(each.endswith((".dist-info", ".egg-info")) for each in parts[:-1])
        or (parts[0] in {"bin", "Scripts"} and _PROGRAM.fullmatch(last))
        or (parts[-2:-1] == ["site-packages"] and last in _SITE_FILES)
        or name.startswith(_STAGED)
    )
