"""``pyproject.toml``: what a project asks for, in PEP 621's, PEP 735's or Poetry's words. Pure.

Sources: PEP 621 (``[project]``), PEP 735 (``[dependency-groups]``), Poetry's
documentation, "Dependency specification".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from packaging.dependency_groups import DependencyGroupResolver
from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envlock import standards
from envlock.documents import read_toml
from envlock.errors import UsageError
from envlock.formats.faults import Faults, shown
from envlock.formats.pep508 import is_malformed, meaning, parse_requirement

_EXTRAS = "project.optional-dependencies"
_GROUPS = "dependency-groups"


class Entry(Struct, frozen=True, kw_only=True):
    """One entry of a list or table: its text and what it asks for, or its fault.

    With both, something beside the requirement is wrong.
    """

    key: str
    where: str
    text: str
    requirement: Requirement | None = None
    fault: UsageError | None = None


class Project:
    """A project's tables; what is wrong with them goes into ``faults``. ``parse`` reads a need.

    Raises:
        UsageError: it is not TOML, with the line.
    """

    def __init__(
        self,
        path: Path,
        text: str,
        parse: Callable[[str], Requirement] = parse_requirement,
    ) -> None:
        self._parse = parse
        self.faults = Faults()
        self._path = path
        self._lines = text.splitlines()
        self._tables = read_toml(str(path), text)
        self._project = self._table(self._tables, "project")
        self._extras = self._table(self._project, _EXTRAS)
        self._groups = self._table(self._tables, _GROUPS)
        self._poetry = self._below("tool", "poetry")
        self._name = canonicalize_name(str(self._project.get("name", "")))

    @property
    def asks(self) -> bool:
        """Whether it is a project at all, PEP 621's, Poetry's or pixi's, or has groups."""
        return bool(self._project or self._poetry or self._groups or self.pixi)

    @property
    def poetry(self) -> Mapping[str, Any]:
        """The tables of Poetry."""
        return self._poetry

    @property
    def pixi(self) -> Mapping[str, Any]:
        """The tables of pixi."""
        return self._below("tool", "pixi")

    def optional(self) -> Iterator[Entry]:
        """What every extra and group asks for beside the project itself."""
        for name in self._extras:
            yield from self.of_extra(name)
        for name in self._groups:
            yield from self.of_group(name)

    def dependencies(self, *, optional: bool) -> Iterator[Entry]:
        """What ``[project] dependencies`` or Poetry's ask for; if ``optional``, maybe nothing."""
        dynamic = self._project.get("dynamic")
        is_dynamic = isinstance(dynamic, list) and "dependencies" in dynamic
        if self._poetry and (is_dynamic or not self._project):
            yield from (each for each in self._of_poetry() if each.text != "python")
            return
        if not self._project and not optional:
            self._no_project()
        if is_dynamic:
            self.faults.add(
                str(self._path),
                "project.dependencies is dynamic: only a build of the project would tell it",
                *self._dynamic_files(),
            )
        yield from self._entries("project.dependencies", self._project.get("dependencies", []))

    @property
    def extras(self) -> tuple[str, ...]:
        """The names of the extras, as they are written."""
        return tuple(self._extras)

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the dependency groups, as they are written."""
        return tuple(self._groups)

    def of_extra(self, name: str, above: tuple[str, ...] = ()) -> Iterator[Entry]:
        """What one extra asks for; ``above`` are the extras that asked for it."""
        key = self._find(name, self._extras, "extra", _EXTRAS)
        if key is not None and key not in above:
            yield from self._entries(f"{_EXTRAS}.{key}", self._extras[key], (*above, key))

    def of_group(self, name: str) -> Iterator[Entry]:
        """What one dependency group asks for, its includes followed."""
        key = self._find(name, self._groups, "group", _GROUPS)
        if key is None:
            return
        try:
            texts = [str(item) for item in DependencyGroupResolver(self._groups).resolve(key)]
        except ExceptionGroup as errors:
            self._malformed_groups(errors)
            return
        yield from self._entries(f"{_GROUPS}.{key}", texts)

    def _of_poetry(self) -> Iterator[Entry]:
        """What ``[tool.poetry.dependencies]`` asks for, the Python among it."""
        for name, value in self._below("tool", "poetry", "dependencies").items():
            for item in value if isinstance(value, list) else [value]:
                table = item if isinstance(item, dict) else {"version": item}
                if table.get("optional") is not True:
                    yield self._poetry_entry(name, table)

    def _poetry_entry(self, name: str, table: Mapping[str, Any]) -> Entry:
        entry = Entry(key="tool.poetry.dependencies", where=self._where(name), text=name)
        version = str(table.get("version", "*"))
        specifier = _range(version)
        requirement = standards.requirement(canonicalize_name(name))
        if requirement is None or specifier is None:
            unread = UsageError(f"{name}: {shown(version)} is not a range of versions")
            return replace(entry, fault=unread)
        requirement.specifier = specifier
        condition = _condition(table)
        requirement.marker = standards.marker(condition) if condition else None
        lost = condition and requirement.marker is None
        fault = UsageError(f"{shown(condition)} is not a marker") if lost else None
        return replace(entry, requirement=requirement, fault=fault)

    def requires_python(self) -> SpecifierSet | None:
        """The interpreters that the project says it runs on."""
        text = self._project.get("requires-python")
        if text is None:
            own = (each.requirement for each in self._of_poetry() if each.text == "python")
            wanted = next(own, None)
            return wanted.specifier if wanted is not None and str(wanted.specifier) else None
        found = standards.specifiers(text) if isinstance(text, str) else None
        if found is None:
            self.faults.add(
                self._where(str(text)),
                f"project.requires-python: {shown(str(text))} is not a range of versions",
                'write it like ">=3.9,<3.13"',
            )
        return found

    def _entries(self, key: str, value: object, above: tuple[str, ...] = ()) -> Iterator[Entry]:
        if not isinstance(value, list):
            self._mistyped(key, "a list of strings", value)
            return
        for place, item in enumerate(value):
            if not isinstance(item, str):
                self._mistyped(f"{key}[{place}]", "a string", item)
                continue
            entry = Entry(key=key, where=self._where(item), text=item)
            try:
                requirement = self._parse(item)
            except UsageError as fault:
                yield replace(entry, fault=fault)
                continue
            if self._name and canonicalize_name(requirement.name) == self._name:
                yield from self._own(requirement, above)
            else:
                yield replace(entry, requirement=requirement)

    def _own(self, requirement: Requirement, above: tuple[str, ...]) -> Iterator[Entry]:
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
        self.faults.add(
            str(self._path),
            "there is no [project] table",
            'write [project] with name, version and dependencies = ["tensorflow"]',
        )

    def _dynamic_files(self) -> tuple[str, ...]:
        """The requirements files that setuptools would read, as remedies."""
        found = self._below("tool", "setuptools", "dynamic", "dependencies").get("file")
        files = found if isinstance(found, list) else [found]
        return tuple(f"read its file instead: -r {file}" for file in files if file)

    def _table(self, tables: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = tables.get(key.rpartition(".")[2], {})
        if isinstance(value, dict):
            return value
        self._mistyped(key, "a table", value)
        return {}

    def _below(self, *keys: str) -> Mapping[str, Any]:
        """What a table of a tool's holds; nothing where there is none."""
        found: object = self._tables
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

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


def _under(marker: Marker | None, entry: Entry) -> Entry:
    if marker is None or entry.requirement is None:
        return entry
    both = Requirement(str(entry.requirement))
    both.marker = Marker(f"({marker}) and ({both.marker})") if both.marker else marker
    return replace(entry, requirement=both)


def _range(text: str) -> SpecifierSet | None:
    """A range in Poetry's words as PEP 440 has it; alternatives are any version."""
    if "|" in text:
        return SpecifierSet()
    together = SpecifierSet()
    for part in (each.strip() for each in text.split(",")):
        if part in {"", "*"}:
            continue
        if part[0] not in "0123456789^~<>=!":
            return None
        written = f"=={part}" if part[0].isdigit() else part
        meant = meaning(f"name{written}")
        requirement = standards.requirement(meant[0] if meant else f"name{written}")
        if requirement is None:
            return None
        together &= requirement.specifier
    return together


def _condition(table: Mapping[str, Any]) -> str:
    """The marker that the keys of an entry of Poetry's stand for, or ""."""
    parts = [f"({table['markers']})"] if isinstance(table.get("markers"), str) else []
    if isinstance(table.get("platform"), str):
        parts.append(f"sys_platform == '{table['platform']}'")
    pythons = _range(str(table.get("python", "*")))
    parts += (f"python_version {each.operator} '{each.version}'" for each in pythons or ())
    return " and ".join(parts)


def _leaves(errors: ExceptionGroup) -> Iterator[Exception]:
    for error in errors.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
