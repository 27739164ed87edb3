"""A folder that is no environment: the files of a project in it, read as one. Nothing is run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.errors import UsageError
from envlock.examine.files import examine_path
from envlock.examine.gathered import Given
from envlock.findings import Examined
from envlock.formats.registry import FileFormat, named
from envlock.request.folder import asking_file
from envlock.rules.frameworks import framework
from envlock.system.looking import is_file, is_folder
from envlock.targets.interpreters import python_in
from envlock.words import counted

_CODE = frozenset({FileFormat.CODE, FileFormat.NOTEBOOK})
#: Folders that hold what a project was made into, or what somebody else wrote.
_LEFT_OUT = frozenset(
    {
        *("node_modules", "site-packages", "build", "dist", "__pycache__", "venv", "env"),
        *("virtualenv", "vendor", "third_party", "egg-info", "wandb", "mlruns"),
    }
)
_MOST_FILES = 2000
_DEEPEST = 8
_LARGEST = 5_000_000  # bytes of one file: a notebook with pictures in it may have more
_PYTHONS = (".python-version", "runtime.txt")


class Project(Struct, frozen=True, kw_only=True):
    """What is examined in place of a folder, and what its other files say beside that.

    ``files`` are those that are judged: what asks for packages, or the
    environment that is there, and the code.
    """

    files: tuple[str, ...]
    notes: tuple[str, ...]


def is_project(path: Path) -> bool:
    """Tell whether a folder holds files to read, and is no environment itself."""
    if not is_folder(path) or python_in(path) is not None:
        return False
    if is_file(path / "pyvenv.cfg") or is_folder(path / "conda-meta"):
        return False
    return next(_files(path), None) is not None


def project_in(folder: Path) -> Project:
    """Return the files of a folder that say what it wants and what its code uses.

    Raises:
        UsageError: the file that asks for packages cannot be read.
    """
    found = list(_files(folder))
    inside = folder / ".venv"
    request = asking_file(folder, conda=None, more=False)
    first = inside if python_in(inside) is not None else request
    code = [path for path, kind in found if kind in _CODE]
    wanted = [path for path, kind in found if kind not in _CODE]
    said = dict(_said(wanted))
    files = [*([first] if first is not None else []), *code]
    if not files:
        files = wanted
    head = f"{folder}: read {counted(len(found), 'file')}, {len(code)} of them code"
    notes = [head, *_pythons(folder), *_apart(said)]
    return Project(files=tuple(map(str, files)), notes=tuple(notes))


def _files(folder: Path) -> Iterator[tuple[Path, FileFormat]]:
    """The files of a project by their names, those near its root first; links are not followed."""
    count = 0
    for root, folders, names in os.walk(folder):
        here = Path(root)
        depth = len(here.relative_to(folder).parts)
        folders[:] = sorted(
            each
            for each in folders
            if depth < _DEEPEST
            and each not in _LEFT_OUT
            and not each.startswith(".")
            and not is_file(here / each / "pyvenv.cfg")
        )
        for name in sorted(names):
            kind = named(Path(name))
            if kind is None or kind in {FileFormat.MODEL, FileFormat.LOG}:
                continue
            path = here / name
            if path.is_symlink() or not is_file(path) or path.stat().st_size > _LARGEST:
                continue
            if (count := count + 1) > _MOST_FILES:
                return
            yield path, kind


def _said(files: list[Path]) -> Iterator[tuple[Path, Examined]]:
    for path in files:
        try:
            found = examine_path(path, Given())
        except UsageError:  # a text file that is something else
            continue
        if not found.text:
            yield path, found


def _pythons(folder: Path) -> Iterator[str]:
    for name in _PYTHONS:
        path = folder / name
        if is_file(path) and not path.is_symlink() and path.stat().st_size < _LARGEST:
            text = path.read_text(encoding="utf-8", errors="replace").strip()
            yield f"{path}: Python {text.partition(chr(10))[0][:40].removeprefix('python-')}"


def _apart(said: dict[Path, Examined]) -> Iterator[str]:
    """The packages that two files name in versions that are not the same, what decides first."""
    versions: dict[NormalizedName, dict[Version, list[str]]] = {}
    for path, found in said.items():
        for name, version in found.packages.items():
            versions.setdefault(name, {}).setdefault(version, []).append(str(path))
    decisive = framework().decisive
    for name in sorted(versions, key=lambda each: (each not in decisive, each)):
        if len(versions[name]) > 1:
            told = "; ".join(f"{v} in {', '.join(p)}" for v, p in sorted(versions[name].items()))
            yield f"{name} is asked for in several versions: {told}"


def with_projects(what: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Return what was named with the files of each project in its place, notes, and the folder.

    Raises:
        UsageError: the file that asks for packages in one cannot be read.
    """
    files: list[str] = []
    notes: list[str] = []
    folder = ""
    for each in what:
        if each == "-" or "\0" in each or not is_project(Path(each)):
            files.append(each)
            continue
        found = project_in(Path(each))
        files += found.files
        notes += found.notes
        folder = folder or each
    return tuple(files), tuple(notes), folder
