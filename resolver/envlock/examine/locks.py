"""``pylock.toml``, ``uv.lock`` and ``poetry.lock``, only to look into. Pure.

Such a lock may be for several systems and Pythons at once. What is examined
is the part for one of them: the one that is given, or else the first allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from envlock import standards
from envlock.documents import read_toml
from envlock.errors import UsageError
from envlock.examine.gathered import Gathered, Given, holds, only_minor
from envlock.findings import Examined, Kind

Environment = Mapping[str, str]


class _Locked(Struct, frozen=True, kw_only=True):
    """One package of a lock; ``needs`` are names with the versions and markers of their edges."""

    name: NormalizedName
    version: str
    markers: tuple[str, ...]
    needs: tuple[tuple[NormalizedName, str, str], ...]
    released: bool = True


def examine_lock(path: Path, text: str, given: Given) -> Examined:
    """Examine a lock of pip, uv or Poetry.

    Raises:
        UsageError: it is not TOML, or holds no list of packages.
    """
    tables = read_toml(str(path), text)
    rows = tables.get("packages", tables.get("package"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{path}: no lock: it has no list of packages")
    gathered = Gathered(origin=str(path), given=given, manager="pip", complete=True)
    pythons = _pythons(tables)
    gathered.python = only_minor(pythons)
    environment = _chosen(gathered, pythons)
    packages = [_locked(row, f"{path}: package {number}") for number, row in enumerate(rows, 1)]
    for package in _reached([each for each in packages if each is not None], environment):
        version = standards.version(package.version)
        if version is None:
            gathered.bound(package.name, SpecifierSet(), str(path))
        else:
            gathered.pin(package.name, version, str(path))
    return gathered.examined(Kind.FILE)


def _pythons(tables: Mapping[str, Any]) -> SpecifierSet:
    """The Pythons that a lock is for; Poetry keeps them in its metadata."""
    metadata = tables.get("metadata")
    poetry = metadata.get("python-versions") if isinstance(metadata, dict) else None
    said = tables.get("requires-python") or poetry or ""
    return (standards.specifiers(said) if isinstance(said, str) else None) or SpecifierSet()


def _chosen(gathered: Gathered, pythons: SpecifierSet) -> Environment:
    environments = gathered.given.environments()
    allowed = [each for each in environments if pythons.contains(each["python_full_version"])]
    return (allowed or environments)[0]


def _locked(row: Mapping[str, Any], where: str) -> _Locked | None:
    name = row.get("name")
    if not isinstance(name, str):
        raise UsageError(f"{where}: it has no name")
    if row.get("optional") is True:
        return None
    source = row.get("source")
    own = isinstance(source, dict) and bool({"virtual", "editable"} & source.keys())
    own = own or row.get("directory") is not None
    return _Locked(
        name=canonicalize_name(name),
        version=_text(row.get("version")),
        markers=tuple(_markers(row)),
        needs=tuple(_needs(row)),
        released=not own,
    )


def _markers(row: Mapping[str, Any]) -> Iterator[str]:
    """The conditions of a package, of which one must hold."""
    for key in ("marker", "markers", "resolution-markers"):
        value = row.get(key)
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | dict):
            yield from map(_text, value.values() if isinstance(value, dict) else value)


def _needs(row: Mapping[str, Any]) -> Iterator[tuple[NormalizedName, str, str]]:
    """The edges of a package: lists of tables in uv's locks, tables by name in Poetry's."""
    dependencies = row.get("dependencies")
    if isinstance(dependencies, dict):
        for name, value in dependencies.items():
            for item in value if isinstance(value, list) else [value]:
                told = item if isinstance(item, dict) else {}
                yield canonicalize_name(name), "", _text(told.get("markers"))
        return
    groups = row.get("dev-dependencies")
    development = groups.get("dev") if isinstance(groups, dict) else None
    for item in (*_list(dependencies), *_list(development)):
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            name = canonicalize_name(item["name"])
            yield name, _text(item.get("version")), _text(item.get("marker"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _reached(packages: Sequence[_Locked], environment: Environment) -> list[_Locked]:
    """The packages that are installed in an environment: from those nobody needs, along edges."""
    needed = {name for package in packages for name, _, _ in package.needs}
    by_name: dict[str, list[_Locked]] = {}
    for package in packages:
        if not package.markers or any(_holds(text, environment) for text in package.markers):
            by_name.setdefault(package.name, []).append(package)
    waiting = [each for group in by_name.values() for each in group if each.name not in needed]
    found: dict[tuple[str, str], _Locked] = {}
    while waiting:
        package = waiting.pop()
        if (package.name, package.version) in found:
            continue
        found[package.name, package.version] = package
        for name, version, marker in package.needs:
            if _holds(marker, environment):
                meant = by_name.get(name, [])
                waiting.extend(each for each in meant if version in {"", each.version})
    return [each for each in packages if (each.name, each.version) in found and each.released]


def _holds(marker: str, environment: Environment) -> bool:
    condition = standards.marker(marker) if marker else None
    return condition is None or holds(condition, (environment,)) is not False
