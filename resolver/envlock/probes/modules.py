"""Which modules a distribution is imported by, told by its files alone.

RECORD says which files it has; where there is none, or the code is elsewhere
(editable), ``top_level.txt`` names its modules. Left out is what is no library:
tests, documentation, examples, private modules, folders of data; and where a
module has the distribution's own name, single files beside it, which are mostly
scripts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from envlock.environment.records import Distribution, recorded
from envlock.system import contents

_MOST = 20  # modules of one distribution
_DEEPEST = 4  # folders of a namespace
_NO_LIBRARY = re.compile(
    r"_.*|(?:unit_?|integration_?)?tests?|testing_.*|docs?|documentation|examples?|samples?|demos?"
    r"|benchmarks?|scripts?|tools?|utils?|bin|build|dist|src|setup|conftest|data|share|include|lib"
)
#: A module in a wheel: ``x.py``, ``x.pyc``, ``x.cpython-311-x86_64-linux-gnu.so``, ``x.pyd``.
_MODULE = re.compile(r"(?P<name>[A-Za-z_]\w*)\.(?:pyc?|pyd|so|[\w-]+\.(?:pyd|so))")
_SHARES = re.compile(rb"declare_namespace|extend_path")
_MARKER = 2_000  # bytes, that a file has at most that only shares its folder with others


class Modules(Struct, frozen=True, kw_only=True):
    """What a distribution is imported by; without any, ``lacking`` says why in a few words."""

    names: tuple[str, ...] = ()
    lacking: str = ""


class _Folder(Struct):
    """What a distribution has in a folder; ``package`` says that it is one by itself."""

    folders: dict[str, _Folder]
    modules: set[str]
    package: bool = False

    @classmethod
    def empty(cls) -> _Folder:
        return cls(folders={}, modules=set())

    def below(self, parts: Iterable[str]) -> _Folder:
        found = self
        for part in parts:
            found = found.folders.setdefault(part, _Folder.empty())
        return found


def modules_of(distribution: Distribution) -> Modules:
    """Return the modules of a distribution that is installed. Nothing of it is run."""
    listed = recorded(distribution)
    if isinstance(listed, str) or distribution.editable:
        names = _named(distribution)
        why = listed if isinstance(listed, str) else "its code is elsewhere"
        return Modules(names=names, lacking="" if names else f"nothing tells its modules: {why}")
    rows = [f"{folder}/{name}" if folder else name for folder, name, _, _ in listed]
    root = _tree(rows)
    names = tuple(dict.fromkeys(_chosen(root, distribution)))[:_MOST]
    return Modules(names=names, lacking="" if names else _why(rows))


def _named(distribution: Distribution) -> tuple[str, ...]:
    """What ``top_level.txt`` names, else the module of the distribution's own name, if there."""
    try:
        lines = contents(distribution.info / "top_level.txt").decode(errors="replace").split()
    except OSError:
        lines = []
    names = [each.replace("/", ".") for each in lines]
    if not names:
        own = distribution.name.replace("-", "_")
        names = [own] if (distribution.site / own / "__init__.py").is_file() else []
    return tuple(each for each in names if _is_public(each))[:_MOST]


def _tree(rows: Iterable[str]) -> _Folder:
    root = _Folder.empty()
    for row in rows:
        *folders, name = row.split("/")
        if ".." in folders or "" in folders or any("." in each for each in folders):
            continue  # outside of site-packages, metadata, or a name that no import has
        match = _MODULE.fullmatch(name)
        if match is None:
            continue
        place = root.below(folders)
        if match["name"] == "__init__":
            place.package = True
        else:
            place.modules.add(match["name"])
    return root


def _chosen(root: _Folder, distribution: Distribution) -> Iterator[str]:
    """The packages at the top, the distribution's own first; then what namespaces hold."""
    own = _plain(distribution.name)
    shared = {name for name in root.folders if _is_shared(root, name, distribution.site)}
    packages = [name for name in root.folders if root.folders[name].package and name not in shared]
    files = [name for name in root.modules if not name.startswith("lib")]
    found = sorted({*packages, *files}, key=lambda each: (_plain(each) != own, each))
    found = [each for each in found if _is_public(each) or _plain(each) == own]
    if found and _plain(found[0]) == own:
        yield found[0]
        yield from (each for each in found[1:] if each in packages)
        return
    yield from found
    first = distribution.name.partition("-")[0]
    for name in sorted(shared):
        if _is_public(name):
            yield from _within(root.folders[name], name, files=_plain(name) == first)


def _within(folder: _Folder, name: str, *, files: bool, depth: int = 1) -> Iterator[str]:
    """The packages that a namespace holds, and with ``files`` its modules."""
    if files:
        yield from (f"{name}.{each}" for each in sorted(folder.modules) if _is_public(each))
    for each, inner in sorted(folder.folders.items()):
        if not _is_public(each):
            continue
        if inner.package:
            yield f"{name}.{each}"
        elif depth < _DEEPEST:
            yield from _within(inner, f"{name}.{each}", files=files, depth=depth + 1)


def _is_shared(root: _Folder, name: str, site: Path) -> bool:
    """Whether several distributions may have a part of a folder, as those of ``google`` do."""
    if not root.folders[name].package:
        return True
    if not root.folders[name].folders:
        return False
    file = site / name / "__init__.py"
    try:
        return file.stat().st_size <= _MARKER and _SHARES.search(contents(file)) is not None
    except OSError:
        return False


def _is_public(name: str) -> bool:
    return name.isidentifier() and not _NO_LIBRARY.fullmatch(name.lower())


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(".", "")


#: What a distribution without modules has, by how its files end or where they are; "" is any.
_KINDS: Mapping[str, str] = {
    r".+-stubs/.+|.+\.pyi": "it has type stubs alone",
    r"(?:\.\./)+(?:bin|Scripts)/.+|.+\.data/scripts/.+": "it has programs alone",
    r"(?![^/]+\.(?:dist|egg)-info/).+": "it has data alone",
    r"": "it has no files and only asks for others",
}


def _why(rows: Iterable[str]) -> str:
    rows = tuple(rows)
    kinds = _KINDS.items()
    return next(
        words for kind, words in kinds if not kind or any(re.fullmatch(kind, r) for r in rows)
    )
