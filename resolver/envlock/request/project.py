"""``pyproject.toml`` → `ParsedFile`: dependencies, extras and groups.

Pure apart from reading. Sources: PEP 621 (``[project]``), PEP 735
(``[dependency-groups]``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envlock import standards
from envlock.model import Requested
from envlock.request.parsed import Faults, ParsedFile, shown
from envlock.request.syntax import is_malformed, parse_requirement
from envlock.request.toml import parse_toml
from envlock.system import read_text

_EXTRAS = "project.optional-dependencies"
_GROUPS = "dependency-groups"


def parse_project(
    path: Path, extras: Collection[str] = (), groups: Collection[str] = ()
) -> ParsedFile:
    """Read a project's dependencies, and those of the extras and groups named.

    An extra that a project asks of itself (``name[extra]``) is replaced by
    what that extra holds. With groups, ``[project]`` may be missing.

    Raises:
        UsageError: the file is not TOML, an extra or group is not there, or
            entries are malformed; told all at once.
    """
    project = _Project(path, read_text(path))
    found = [*project.dependencies(optional=bool(groups))]
    for extra in extras:
        found += project.of_extra(extra)
    for group in groups:
        found += project.of_group(group)
    python = project.requires_python()
    project.faults.finish()
    return ParsedFile(requirements=tuple(found), requires_python=python)


class _Project:
    """A project's tables; what is wrong with them goes into ``faults``."""

    def __init__(self, path: Path, text: str) -> None:
        self.faults = Faults()
        self._path = path
        self._lines = text.splitlines()
        self._tables = parse_toml(text, path)
        self._project = self._table(self._tables, "project")
        self._extras = self._table(self._project, _EXTRAS)
        self._groups = self._table(self._tables, _GROUPS)
        self._name = canonicalize_name(str(self._project.get("name", "")))

    def dependencies(self, *, optional: bool) -> Iterator[Requested]:
        """What ``[project] dependencies`` asks for; a table must be there unless ``optional``."""
        if not self._project and not optional:
            self._no_project()
        dynamic = self._project.get("dynamic")
        if isinstance(dynamic, list) and "dependencies" in dynamic:
            self.faults.add(
                str(self._path),
                "project.dependencies is dynamic: only a build of the project would tell it",
                *self._dynamic_files(),
            )
        yield from self._entries("project.dependencies", self._project.get("dependencies", []))

    def of_extra(self, name: str, above: tuple[str, ...] = ()) -> Iterator[Requested]:
        """What one extra asks for; ``above`` are the extras that asked for it."""
        key = self._find(name, self._extras, "extra", _EXTRAS)
        if key is not None and key not in above:
            yield from self._entries(f"{_EXTRAS}.{key}", self._extras[key], (*above, key))

    def of_group(self, name: str) -> Iterator[Requested]:
        """What one dependency group asks for, its includes followed."""
        from packaging.dependency_groups import (  # noqa: PLC0415  (few files have groups)
            DependencyGroupResolver,
        )

        key = self._find(name, self._groups, "group", _GROUPS)
        if key is None:
            return
        try:
            texts = [str(item) for item in DependencyGroupResolver(self._groups).resolve(key)]
        except ExceptionGroup as errors:
            self._malformed_groups(errors)
            return
        yield from self._entries(f"{_GROUPS}.{key}", texts)

    def requires_python(self) -> SpecifierSet | None:
        """The interpreters that the project says it runs on."""
        text = self._project.get("requires-python")
        if text is None:
            return None
        found = standards.specifiers(text) if isinstance(text, str) else None
        if found is None:
            self.faults.add(
                self._where(str(text)),
                f"project.requires-python: {shown(str(text))} is not a range of versions",
                'write it like ">=3.9,<3.13"',
            )
        return found

    def _entries(self, key: str, value: object, above: tuple[str, ...] = ()) -> Iterator[Requested]:
        if not isinstance(value, list):
            self._mistyped(key, "a list of strings", value)
            return
        for place, item in enumerate(value):
            if not isinstance(item, str):
                self._mistyped(f"{key}[{place}]", "a string", item)
                continue
            with self.faults.collect(self._where(item)):
                requirement = parse_requirement(item)
                if self._name and canonicalize_name(requirement.name) == self._name:
                    yield from self._own(requirement, above)
                else:
                    yield Requested(requirement=requirement, origin=f"{self._path.name} [{key}]")

    def _own(self, requirement: Requirement, above: tuple[str, ...]) -> Iterator[Requested]:
        """What the project asks of itself: the extras, under its marker."""
        for extra in sorted(requirement.extras):
            for item in self.of_extra(extra, above):
                yield _under(requirement.marker, item)

    def _find(self, name: str, table: Mapping[str, Any], kind: str, key: str) -> str | None:
        for known in table:
            if canonicalize_name(known) == canonicalize_name(name):
                return known
        there = ", ".join(sorted(table)) or "none"
        self.faults.add(
            str(self._path), f"there is no {kind} {shown(name)} in {key}", f"there are: {there}"
        )
        return None

    def _malformed_groups(self, errors: ExceptionGroup) -> None:
        for items in self._groups.values():
            for item in items if isinstance(items, list) else ():
                if isinstance(item, str) and is_malformed(item):
                    with self.faults.collect(self._where(item)):
                        parse_requirement(item)
        for error in _leaves(errors):
            if not isinstance(error, InvalidRequirement):
                self.faults.add(str(self._path), f"{_GROUPS}: {error}")

    def _no_project(self) -> None:
        tool = self._tables.get("tool")
        poetry = isinstance(tool, dict) and "poetry" in tool
        self.faults.add(
            str(self._path),
            "there is no [project] table" + (", and Poetry's own is not read" if poetry else ""),
            'write [project] with name, version and dependencies = ["tensorflow"]',
        )

    def _dynamic_files(self) -> tuple[str, ...]:
        """The requirements files that setuptools would read, as remedies."""
        found: object = self._tables
        for key in ("tool", "setuptools", "dynamic", "dependencies", "file"):
            found = found.get(key) if isinstance(found, dict) else None
        files = found if isinstance(found, list) else [found]
        return tuple(f"read its file instead: -r {file}" for file in files if file)

    def _table(self, tables: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = tables.get(key.rpartition(".")[2], {})
        if isinstance(value, dict):
            return value
        self._mistyped(key, "a table", value)
        return {}

    def _mistyped(self, key: str, wanted: str, value: object) -> None:
        self.faults.add(
            str(self._path),
            f"{key}: {wanted} is needed, and {shown(str(value))} is there",
            f"write {key.partition('[')[0]} as {wanted}",
        )

    def _where(self, text: str) -> str:
        """The line a value is on, as far as it can be found again."""
        for number, line in enumerate(self._lines, 1):
            if text in line:
                return f"{self._path}:{number}"
        return str(self._path)


def _under(marker: Marker | None, item: Requested) -> Requested:
    if marker is None:
        return item
    both = Requirement(str(item.requirement))
    both.marker = Marker(f"({marker}) and ({both.marker})") if both.marker else marker
    return Requested(requirement=both, origin=item.origin)


def _leaves(errors: ExceptionGroup) -> Iterator[Exception]:
    for error in errors.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
