"""The part of a lock of pip, uv or Poetry that is for one system and Python → `Examined`. Pure.

That is the one that is given, or else the first allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.specifiers import SpecifierSet

from envlock import standards
from envlock.examine.gathered import Gathered, Given, holds, only_minor
from envlock.findings import Examined, Kind
from envlock.formats.toml_locks import Locked, read_packages

Environment = Mapping[str, str]


def examine_lock(path: Path, text: str, given: Given) -> Examined:
    """Examine a lock of pip, uv or Poetry.

    Raises:
        UsageError: it is not TOML, or holds no list of packages.
    """
    pythons, packages = read_packages(str(path), text)
    gathered = Gathered(origin=str(path), given=given, manager="pip", complete=True)
    gathered.python = only_minor(pythons)
    for package in _reached(packages, _chosen(gathered, pythons)):
        version = standards.version(package.version)
        if version is None:
            gathered.bound(package.name, SpecifierSet(), str(path))
        else:
            gathered.pin(package.name, version, str(path))
    return gathered.examined(Kind.FILE)


def _chosen(gathered: Gathered, pythons: SpecifierSet) -> Environment:
    environments = gathered.given.environments()
    allowed = [each for each in environments if pythons.contains(each["python_full_version"])]
    return (allowed or environments)[0]


def _reached(packages: Sequence[Locked], environment: Environment) -> list[Locked]:
    """The packages that are installed in an environment: from those nobody needs, along edges."""
    needed = {name for package in packages for name, _, _ in package.needs}
    by_name: dict[str, list[Locked]] = {}
    for package in packages:
        if not package.markers or any(_holds(text, environment) for text in package.markers):
            by_name.setdefault(package.name, []).append(package)
    waiting = [each for group in by_name.values() for each in group if each.name not in needed]
    found: dict[tuple[str, str], Locked] = {}
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
