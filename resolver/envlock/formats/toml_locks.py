"""``pylock.toml``, ``uv.lock`` and ``poetry.lock`` as their packages, only to look into. Pure.

Sources: PEP 751, uv's and Poetry's own files. A lock that is to be installed
is read by `envlock.formats.lockfile`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from envlock import standards
from envlock.documents import read_toml
from envlock.errors import UsageError


class TomlPackage(Struct, frozen=True, kw_only=True):
    """One package of a lock; ``needs`` are names with the versions and markers of their edges."""

    name: NormalizedName
    version: str
    markers: tuple[str, ...]
    needs: tuple[tuple[NormalizedName, str, str], ...]
    released: bool = True


def read_packages(name: str, text: str) -> tuple[SpecifierSet, list[TomlPackage]]:
    """Return the Pythons that a lock is for and its packages; ``name`` is for errors.

    Raises:
        UsageError: it is not TOML, or holds no list of packages.
    """
    tables = read_toml(name, text)
    rows = tables.get("packages", tables.get("package"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{name}: no lock: it has no list of packages")
    packages = [_locked(row, f"{name}: package {number}") for number, row in enumerate(rows, 1)]
    return _pythons(tables), [each for each in packages if each is not None]


def _pythons(tables: Mapping[str, Any]) -> SpecifierSet:
    """The Pythons that a lock is for; Poetry keeps them in its metadata."""
    metadata = tables.get("metadata")
    poetry = metadata.get("python-versions") if isinstance(metadata, dict) else None
    said = tables.get("requires-python") or poetry or ""
    return (standards.specifiers(said) if isinstance(said, str) else None) or SpecifierSet()


def _locked(row: Mapping[str, Any], where: str) -> TomlPackage | None:
    name = row.get("name")
    if not isinstance(name, str):
        raise UsageError(f"{where}: it has no name")
    if row.get("optional") is True:
        return None
    source = row.get("source")
    own = isinstance(source, dict) and bool({"virtual", "editable"} & source.keys())
    own = own or row.get("directory") is not None
    return TomlPackage(
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
