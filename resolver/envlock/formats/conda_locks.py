"""What locks of conda's packages list, of any version of their formats: names and versions. Pure.

For a look into a lock, not for an install: pixi's formats 1 to 7, conda-lock's
and rattler's before them, micromamba's. What no address or key tells of a
package (a source in a folder, a revision of git) has no version.

Source: rattler_lock's parsers and its test data, one file for each version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from envlock import standards
from envlock.documents import Malformed, yaml_values
from envlock.errors import UsageError
from envlock.formats.archives import told_by
from envlock.formats.faults import safe
from envlock.formats.pep508 import release_at

#: The environment that is meant where none is named.
DEFAULT = "default"


class ListedPackage(Struct, frozen=True, kw_only=True):
    """A package of a lock; ``version`` is "" where nothing tells it."""

    name: str
    version: str
    pip: bool


class CondaListing(Struct, frozen=True, kw_only=True):
    """The packages of one environment by subdir, and the names of all environments."""

    environments: tuple[str, ...]
    chosen: str
    packages: Mapping[str, tuple[ListedPackage, ...]]


def listing(name: str, text: str, environment: str | None = None) -> CondaListing:
    """Return what a lock lists for an environment: the one that is named, else the default.

    Where the default has no packages, the first that has some is taken.

    Raises:
        UsageError: it is no such lock, or has no such environment.
    """
    try:
        documents = yaml_values(text)
    except Malformed as error:
        place = f"{name}:{error.line}" if error.line else name
        raise UsageError(f"{place}: not YAML: {safe(error.why)}") from None
    root = documents[0] if documents and isinstance(documents[0], dict) else {}
    if isinstance(root.get("environments"), dict):
        return _of_environments(name, root, environment)
    if isinstance(root.get("package"), list):
        return _of_packages(root["package"])
    if "lockVersion" in root and isinstance(root.get("packages"), dict):
        return _of_micromamba(root)
    raise UsageError(f"{name}: no lock: neither environments nor packages are in it")


def _of_environments(name: str, root: Mapping[str, Any], wanted: str | None) -> CondaListing:
    listed = {str(each): _listed(own) for each, own in root["environments"].items()}
    names = sorted(listed, key=lambda each: (not any(listed[each].values()), each != DEFAULT))
    chosen = wanted or next(iter(names), "")
    if chosen not in listed and (names or wanted):
        raise UsageError(
            f"{name} has no environment {chosen}; it has {', '.join(names) or 'none'}",
            *(f"-E {each}" for each in names[:1]),
        )
    bodies = dict(_bodies(root.get("packages")))
    packages = {
        subdir: tuple(_entry(each, bodies) for each in entries)
        for subdir, entries in listed.get(chosen, {}).items()
    }
    return CondaListing(environments=tuple(listed), chosen=chosen, packages=packages)


def _listed(environment: object) -> dict[str, list[Mapping[str, Any]]]:
    """The entries of an environment by subdir."""
    found = environment.get("packages") if isinstance(environment, dict) else None
    by_subdir = found.items() if isinstance(found, dict) else ()
    return {str(subdir): [*_maps(entries)] for subdir, entries in by_subdir}


def _bodies(packages: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What is told of each package, by the place that environments name."""
    for each in _maps(packages):
        places = [each.get(key) for key in ("conda", "pypi", "conda_source", "url", "path")]
        yield from ((str(place), each) for place in places if place)


def _entry(entry: Mapping[str, Any], bodies: Mapping[str, Mapping[str, Any]]) -> ListedPackage:
    kind, place = next(((str(key), str(value)) for key, value in entry.items()), ("", ""))
    return _package(kind == "pypi", place, bodies.get(place, {}))


def _package(pip: bool, place: str, body: Mapping[str, Any]) -> ListedPackage:  # noqa: FBT001
    """A package by what its body says, else by its address."""
    name, version = str(body.get("name") or ""), str(body.get("version") or "")
    if pip:
        told_name, told_version = release_at(place)
        name, version = name or str(told_name or ""), version or str(told_version or "")
    else:
        told = told_by(place)
        # A source is NAME[HASH] @ PLACE.
        name = name or told.name or place.partition(" @ ")[0].partition("[")[0]
        version = version or told.version
    own = name or place.rstrip("/").rpartition("/")[2] or "?"
    return ListedPackage(name=own, version=version, pip=pip)


def _of_packages(packages: Sequence[Any]) -> CondaListing:
    """The packages of a lock that has one environment, whatever category they are of."""
    found: dict[str, list[ListedPackage]] = {}
    for each in _maps(packages):
        by = str(each.get("manager") or each.get("kind") or "conda")
        listed = _package(by in {"pip", "pypi"}, str(each.get("url") or ""), each)
        found.setdefault(str(each.get("platform") or ""), []).append(listed)
    return _of_one(found)


def _of_micromamba(root: Mapping[str, Any]) -> CondaListing:
    """The packages of micromamba's lock in JSON, which is for one platform: file name → package."""
    listed = [
        _package(key == "pipPackages", str(each.get("url") or file), each)
        for key in ("packages", "pipPackages")
        for file, each in _named(root.get(key))
    ]
    return _of_one({str(root.get("platform") or ""): listed})


def _of_one(packages: Mapping[str, Sequence[ListedPackage]]) -> CondaListing:
    """The listing of a lock without named environments."""
    return CondaListing(
        environments=(DEFAULT,),
        chosen=DEFAULT,
        packages={subdir: tuple(each) for subdir, each in packages.items()},
    )


def _maps(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        standards.refuse_crowd("the lock", len(value))
        yield from (each for each in value if isinstance(each, dict))


def _named(value: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, dict):
        standards.refuse_crowd("the lock", len(value))
        yield from ((str(key), each) for key, each in value.items() if isinstance(each, dict))
