"""A folder that is no environment: the files of a project in it, read as one. Nothing is run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.config import PYTHON_VERSION
from envlock.errors import UsageError
from envlock.examine.files import examine_path
from envlock.examine.gathered import Given
from envlock.findings import Examined
from envlock.formats.faults import safe
from envlock.formats.reading import read_lenient
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
_PYTHONS = (PYTHON_VERSION, "runtime.txt")


class ProjectFiles(Struct, frozen=True, kw_only=True):
    """What is examined in place of a folder, and what its other files say beside that.

    ``files`` are those that are judged: what asks for packages, or the
    environment that is there, and the code; ``read`` what was examined of them.
    """

    files: tuple[str, ...]
    read: Mapping[str, Examined]
    notes: tuple[str, ...]


def is_project(path: Path) -> bool:
    """Tell whether a folder holds files to read, and is no environment itself."""
    if not is_folder(path) or python_in(path) is not None:
        return False
    if is_file(path / "pyvenv.cfg") or is_folder(path / "conda-meta"):
        return False
    return next(_files(path), None) is not None


def project_in(folder: Path, given: Given) -> ProjectFiles:
    """Return the files of a folder that say what it wants and what its code uses.

    Raises:
        UsageError: the file that asks for packages cannot be read.
    """
    found = list(_files(folder))
    inside = folder / ".venv"
    request = asking_file(folder, conda=None, more=False)
    first = inside if python_in(inside) is not None else request
    read, unread = _read([path for path, _ in found], given)
    code = [path for path, kind in found if kind in _CODE and path in read]
    said = {path: read[path] for path, kind in found if kind not in _CODE and path in read}
    files = [*([first] if first is not None else []), *code] or [*said]
    head = f"{folder}: read {counted(len(read), 'file')}, {len(code)} of them code"
    return ProjectFiles(
        files=tuple(map(str, files)),
        read={str(path): read[path] for path in files if path in read},
        notes=(head, *unread, *_pythons(folder), *_apart(said)),
    )


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


def _read(files: Iterable[Path], given: Given) -> tuple[dict[Path, Examined], list[str]]:
    """What files say, and a note on each that cannot be read; a log is no part of a project."""
    read: dict[Path, Examined] = {}
    unread: list[str] = []
    for path in files:
        try:
            found = examine_path(path, given)
        except UsageError as error:
            first = error.message.partition("\n")[0]
            unread.append(first if first.startswith(str(path)) else f"{path}: {first}")
        else:
            if found.uses or not found.text:
                read[path] = found
    return read, unread


def _pythons(folder: Path) -> Iterator[str]:
    for name in _PYTHONS:
        path = folder / name
        if is_file(path) and not path.is_symlink() and path.stat().st_size < _LARGEST:
            lines = read_lenient(path)[0].split()
            if lines:
                yield f"{path}: Python {safe(lines[0]).removeprefix('python-')}"


def _apart(said: Mapping[Path, Examined]) -> Iterator[str]:
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


def with_projects(what: Sequence[str], given: Given) -> tuple[ProjectFiles, str]:
    """Return what was named with the files of each project in its place, and the first folder.

    Raises:
        UsageError: the file that asks for packages in one cannot be read.
    """
    files: list[str] = []
    read: dict[str, Examined] = {}
    notes: list[str] = []
    folder = ""
    for each in what:
        if each == "-" or "\0" in each or not is_project(Path(each)):
            files.append(each)
            continue
        found = project_in(Path(each), given)
        files += found.files
        read |= found.read
        notes += found.notes
        folder = folder or each
    return ProjectFiles(files=tuple(files), read=read, notes=tuple(notes)), folder
