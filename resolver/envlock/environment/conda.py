"""What conda wrote down about a prefix, in ``conda-meta``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name

from envlock.documents import Malformed, json_value
from envlock.system import contents


class CondaPackage(Struct, frozen=True, kw_only=True):
    """A package that conda installed; ``record`` is its file in ``conda-meta``."""

    name: NormalizedName
    version: str
    record: Path


def conda_packages(prefix: Path) -> Mapping[NormalizedName, CondaPackage]:
    """Return what conda installed into a prefix, by the names of its records.

    A record is ``name-version-build.json``. Without ``conda-meta`` there are none.
    """
    try:
        files = sorted(os.listdir(prefix / "conda-meta"))  # noqa: PTH208  (names alone)
    except OSError:
        return {}
    found = {}
    for file in files:
        parts = file.removesuffix(".json").rsplit("-", 2)
        if file.endswith(".json") and len(parts) == 3:  # noqa: PLR2004  (name, version, build)
            name = canonicalize_name(parts[0])
            found[name] = CondaPackage(
                name=name, version=parts[1], record=prefix / "conda-meta" / file
            )
    return found


def records_of(prefix: Path) -> frozenset[str]:
    """Return the names of a prefix's records: ``name-version-build``."""
    try:
        files = os.listdir(prefix / "conda-meta")  # noqa: PTH208  (names alone)
    except OSError:
        return frozenset()
    return frozenset(each.removesuffix(".json") for each in files if each.endswith(".json"))


def files_of(package: CondaPackage) -> frozenset[str]:
    """Return the paths that a package put under its prefix; none when its record is broken."""
    return frozenset(_listed(package.record))


def files_under(prefix: Path) -> Iterator[str]:
    """Yield the paths that all records of a prefix name."""
    for record in sorted((prefix / "conda-meta").glob("*.json")):
        yield from _listed(record)


def _listed(record: Path) -> Iterator[str]:
    listed = _json(record).get("files")
    return map(str, listed) if isinstance(listed, list) else iter(())


def variables_of(prefix: Path) -> Mapping[str, str]:
    """Return the variables that ``conda env config vars set`` gave a prefix."""
    said = _json(prefix / "conda-meta" / "state").get("env_vars")
    return {str(name): str(value) for name, value in said.items()} if isinstance(said, dict) else {}


def _json(file: Path) -> dict[str, object]:
    try:
        data = json_value(contents(file))
    except (OSError, Malformed):
        return {}
    return data if isinstance(data, dict) else {}
