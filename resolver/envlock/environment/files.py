"""The files of a site-packages folder against what RECORD says of them.

Folders are listed whole, which is quicker than a question for each file; the
sizes of code are compared, and hashes only where a size leaves it open.

Not entered: bytecode, metadata, tests and C headers, which people remove and
which no import reads; and what lies outside of the folder, such as scripts.
"""

from __future__ import annotations

import hashlib
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from packaging.version import Version

from envlock.environment.records import Distribution, Site, recorded
from envlock.system import contents, opened

_PASSED_OVER = frozenset({"__pycache__", "tests", "include", ".."})
#: What RECORD says of a file: hash, size in bytes, whose it is.
Entry = tuple[str, str, Distribution]
_CODE = (".py", ".so", ".pyd", ".dll", ".dylib")
_MODULES = (".py", ".so", ".pyd")
#: Endings of sources and texts that wheels carry and no import reads.
_SOURCES = (".c", ".cc", ".cpp", ".cu", ".f", ".f90", ".h", ".hpp", ".pxd", ".pxi", ".pyi", ".pyx")
_UNREAD = (*_SOURCES, ".a", ".lib", ".map", ".md", ".orig", ".rst", ".txt", "LICENSE", "py.typed")
#: What programs write beside themselves when they are first used.
_WRITTEN = frozenset({"gen", "gen_py", "lextab.py", "parsetab.py", "yacctab.py"})
#: Top-level folders that belong to nobody, though many wheels hold them by mistake.
_STRAY = frozenset({"benchmarks", "bin", "data", "doc", "docs", "examples", "scripts", "tools"})
_HASHED = 64 * 1024  # bytes: larger files are judged by their size alone
_PIECE = 1 << 20  # bytes that are hashed at a time
_NAMESPACE = re.compile(rb"extend_path|declare_namespace|\A(?:\s++|#[^\n]*+)*+\Z")
_TAG = re.compile(r"\.(?:cpython-|cp)(\d)(\d+)")
Pair = tuple[Distribution, Distribution]


class FileTable(Struct, frozen=True, kw_only=True):
    """The files of all distributions; paths are relative to the folder, with ``/``.

    ``entries`` maps a folder ("" is the folder itself) and a name to the last
    entry, ``twice`` to both where two distributions differ about a file.
    ``folders`` are all that anything is recorded under. ``counts`` are the
    files of each distribution, ``unrecorded`` says why one has none here.
    """

    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)
    twice: dict[tuple[str, str], tuple[Entry, Entry]] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    counts: dict[Distribution, int] = field(default_factory=dict)
    unrecorded: dict[Distribution, str] = field(default_factory=dict)

    def packages(self) -> Mapping[str, Distribution]:
        """Whose each top-level package is."""
        return {
            folder: names["__init__.py"][2]
            for folder, names in self.entries.items()
            if "/" not in folder and "__init__.py" in names
        }


def read_table(site: Site) -> FileTable:
    """Read the RECORDs of a site-packages folder."""
    table = FileTable()
    passed_over: set[str] = set()
    for distribution in site.distributions:
        _enter(distribution, table, passed_over)
    _add_parents(table.folders, (*table.entries, *passed_over))
    return table


def _enter(distribution: Distribution, table: FileTable, passed_over: set[str]) -> None:
    rows = recorded(distribution)
    if isinstance(rows, str):
        table.unrecorded[distribution] = rows
        return
    count = 0
    for folder, name, digest, size in rows:
        names = table.entries.get(folder)
        if names is None:
            if folder in passed_over:
                continue
            if not _is_entered(folder):
                passed_over.add(folder)
                continue
            table.entries[folder] = names = {}
        count += 1
        entry = (digest, size, distribution)
        before = names.setdefault(name, entry)
        if before is not entry:
            names[name] = entry
            if before[:2] != entry[:2]:
                table.twice[folder, name] = (before, entry)
    table.counts[distribution] = count


def _is_entered(folder: str) -> bool:
    parts = folder.split("/")
    return (
        _PASSED_OVER.isdisjoint(parts)
        and not parts[0].endswith(".dist-info")
        and not (folder.startswith("/") or ":" in parts[0])
    )


def _add_parents(found: set[str], folders: Iterable[str]) -> None:
    for folder in folders:
        parent = folder
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]


class FileState(Struct, frozen=True, kw_only=True):
    """What differs from RECORD; paths are relative to the folder, with ``/``.

    ``changed`` files are with their size in bytes. ``left`` holds modules that
    no RECORD lists, by the distribution they are among, each with the module
    it hides or "". ``shared`` are files that two distributions brought in two
    versions, each with the one it is of now, or None. ``counts`` and
    ``unrecorded`` are those of `FileTable`; ``packages`` tells whose a top-level
    package is, ``unlisted`` which folders may not be read.
    """

    missing: Mapping[Distribution, Sequence[str]] = field(default_factory=dict)
    changed: Mapping[Distribution, Mapping[str, int]] = field(default_factory=dict)
    left: Mapping[Distribution, Sequence[tuple[str, str]]] = field(default_factory=dict)
    shared: Mapping[Pair, Mapping[str, Distribution | None]] = field(default_factory=dict)
    counts: Mapping[Distribution, int] = field(default_factory=dict)
    packages: Mapping[str, Distribution] = field(default_factory=dict)
    unrecorded: Mapping[Distribution, str] = field(default_factory=dict)
    unlisted: Sequence[str] = ()


def examine_files(site: Site, python: Version | None, loose: Collection[Distribution]) -> FileState:
    """Compare a site-packages folder with the RECORDs in it.

    Of ``loose`` distributions only what is missing is told: conda rewrites
    paths inside files, and removes its own leftovers.
    """
    survey = _Survey(site, python, loose)
    table = survey.table
    for folder, entries in table.entries.items():
        survey.look(folder, entries)
    if survey.changed:
        survey.look_closer()
    # Without all RECORDs, a file that none lists may be somebody's.
    complete = all(each.editable for each in table.unrecorded)
    return FileState(
        missing=survey.missing,
        changed=survey.changed,
        left={
            owner: told
            for owner, left in survey.left.items()
            if (told := [each for each in left if each[1] or complete])
        },
        shared=survey.shared_files(),
        counts=table.counts,
        packages=table.packages(),
        unrecorded=table.unrecorded,
        unlisted=survey.unlisted,
    )


class _Survey:
    """What RECORD says, and what is seen of it on disk."""

    def __init__(self, site: Site, python: Version | None, loose: Collection[Distribution]) -> None:
        self.root = f"{site.path}{os.sep}"
        self.tag = None if python is None else (str(python.major), str(python.minor))
        self.loose = loose
        self.table = read_table(site)
        self.unlisted: list[str] = []
        self.missing: dict[Distribution, list[str]] = {}
        self.changed: dict[Distribution, dict[str, int]] = {}
        self.left: dict[Distribution, list[tuple[str, str]]] = {}

    def look(self, folder: str, entries: Mapping[str, Entry]) -> None:
        """Compare one folder with its entries."""
        base = f"{self.root}{folder}/" if folder else self.root
        try:
            there = set(os.listdir(base))  # noqa: PTH208  (names alone, and quickly)
        except (FileNotFoundError, NotADirectoryError):
            there = set()
        except OSError:
            self.unlisted.append(folder)
            return
        for name, (_, size, owner) in entries.items():
            on_disk = None
            if name not in there:
                if name.endswith(_UNREAD):
                    continue
            elif name.endswith(_CODE):
                on_disk = _size(base + name)
            else:
                on_disk = size
            if on_disk is None:
                self.missing.setdefault(owner, []).append(_join(folder, name))
            elif (
                on_disk != size
                and size
                and not (owner in self.loose or (folder, name) in self.table.twice)
            ):
                self.changed.setdefault(owner, {})[_join(folder, name)] = int(on_disk)
        for name in sorted(there.difference(entries)):
            self._look_at_extra(folder, name, entries)

    def _look_at_extra(self, folder: str, name: str, entries: Mapping[str, Entry]) -> None:
        """Note a module that no RECORD lists, and the one of the same name that it hides.

        A package is found before an extension, and that before a source file.
        """
        path = _join(folder, name)
        if name in _WRITTEN or name.startswith((".", "~")) or path in self.table.folders:
            return
        stem = name.partition(".")[0]
        if name.endswith(_MODULES):
            if not (name.endswith(".py") or self._is_extension(name)):
                return
            source = f"{stem}.py"
            hidden = source if source != name and source in entries else ""
        elif "." not in name and Path(self.root, path, "__init__.py").is_file():
            alike = (each for each in entries if each.endswith(_MODULES))
            hidden = next((each for each in alike if each.partition(".")[0] == stem), "")
        else:
            return
        if folder or hidden:
            beside = entries.get(hidden) or entries.get("__init__.py") or _first(entries)
            if beside[2] not in self.loose:
                self.left.setdefault(beside[2], []).append((path, _join(folder, hidden)))

    def _is_extension(self, name: str) -> bool:
        """Whether this Python would import it: no plain library, and not of another Python."""
        tag = _TAG.search(name)
        return not name.startswith("lib") and (tag is None or tag.groups() == self.tag)

    def look_closer(self) -> None:
        """Hash the small sources of distributions in which a size is wrong."""
        for folder, entries in self.table.entries.items():
            for name, (digest, size, owner) in entries.items():
                known = self.changed.get(owner)
                if known is None or not name.endswith(".py"):
                    continue
                path = _join(folder, name)
                if path in known or (folder, name) in self.table.twice:
                    continue
                if size.isdigit() and int(size) <= _HASHED and self._is(path, digest) is False:
                    known[path] = int(size)

    def shared_files(self) -> Mapping[Pair, Mapping[str, Distribution | None]]:
        """The code that two distributions brought, and whose each file is now."""
        found: dict[Pair, dict[str, Distribution | None]] = {}
        for (folder, name), (one, other) in self.table.twice.items():
            path = _join(folder, name)
            stray = folder.partition("/")[0] in _STRAY
            if stray or not name.endswith(_CODE) or self._is_namespace(path):
                continue
            found.setdefault((one[2], other[2]), {})[path] = self._owner(path, one, other)
        return found

    def _owner(self, path: str, one: Entry, other: Entry) -> Distribution | None:
        size = _size(self.root + path)
        fitting = [each for each in (one, other) if each[1] == size]
        if len(fitting) > 1 and int(size or 0) <= _HASHED:
            fitting = [each for each in fitting if self._is(path, each[0])]
        return fitting[0][2] if len(fitting) == 1 else None

    def _is(self, path: str, digest: str) -> bool | None:
        return is_as_recorded(Path(self.root, path), digest)

    def _is_namespace(self, path: str) -> bool:
        if not path.endswith("__init__.py"):
            return False
        try:
            return _NAMESPACE.search(contents(Path(self.root, path))) is not None
        except OSError:
            return False


def is_as_recorded(file: Path, digest: str) -> bool | None:
    """Whether a file has the hash that RECORD says; None when that cannot be told."""
    algorithm, _, expected = digest.partition("=")
    try:
        made = hashlib.new(algorithm)
        with opened(file) as stream:
            while part := stream.read(_PIECE):
                made.update(part)
        found = made.digest()
    except (OSError, ValueError, TypeError):  # an algorithm that nobody has, or of any length
        return None
    return urlsafe_b64encode(found).rstrip(b"=").decode() == expected.rstrip("=")


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder and name else name


def _first(entries: Mapping[str, Entry]) -> Entry:
    return next(iter(entries.values()))


def _size(path: str) -> str | None:
    """Return a size as RECORD writes it."""
    try:
        return str(os.stat(path).st_size)  # noqa: PTH116  (a Path for each file takes longer)
    except OSError:
        return None
