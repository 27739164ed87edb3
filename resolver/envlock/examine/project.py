"""``pyproject.toml`` → what a project asks for, in PEP 621 or Poetry's words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.errors import UsageError
from envlock.examine.gathered import Gathered, Given, only_minor
from envlock.examine.requirement_lines import RequirementLines
from envlock.findings import Examined, Kind
from envlock.request.hints import plainly
from envlock.request.parsed import shown
from envlock.request.toml import parse_toml


def examine_project(path: Path, text: str, given: Given) -> Examined:
    """Examine a project's dependencies; its extras and groups are left aside.

    Raises:
        UsageError: it is not TOML, or has no dependencies in it.
    """
    tables = parse_toml(text, path)
    gathered = Gathered(origin=str(path), given=given, manager="pip")
    project, poetry = _table(tables, "project"), _table(tables, "tool", "poetry")
    if not project and not poetry:
        raise UsageError(
            f"{path}: neither [project] nor [tool.poetry] is in it, so it asks for no packages"
        )
    pythons = project.get("requires-python")
    if isinstance(pythons, str):
        gathered.python = _minor(pythons)
    reader = RequirementLines(gathered=gathered)
    lines = text.splitlines()
    for item in _strings(project.get("dependencies")):
        reader.line(item, _where(path, lines, item))
    for name, value in _table(poetry, "dependencies").items():
        _poetry(gathered, name, value, _where(path, lines, name))
    return gathered.examined(Kind.FILE)


def _table(tables: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        value = tables.get(key)
        if not isinstance(value, dict):
            return {}
        tables = value
    return tables


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))


def _minor(text: str) -> Version | None:
    pythons = standards.specifiers(text)
    return None if pythons is None else only_minor(pythons)


def _poetry(gathered: Gathered, name: str, value: object, where: str) -> None:
    """One entry of ``[tool.poetry.dependencies]``: a version, a table, or a list of tables."""
    for item in value if isinstance(value, list) else [value]:
        table = item if isinstance(item, dict) else {"version": item}
        if table.get("optional") is True:
            continue
        version = str(table.get("version", "*"))
        specifier = _specifier(version)
        if specifier is None:
            gathered.note(where, f"{name}: {shown(version)} is not a range of versions")
        elif canonicalize_name(name) == "python":
            gathered.python = only_minor(specifier)
        else:
            marker = _marker(table, where, gathered)
            gathered.bound(canonicalize_name(name), specifier, where, marker)


def _specifier(text: str) -> SpecifierSet | None:
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
        meant = plainly(f"name{written}")
        requirement = standards.requirement(meant[0] if meant else f"name{written}")
        if requirement is None:
            return None
        together &= requirement.specifier
    return together


def _marker(table: Mapping[str, Any], where: str, gathered: Gathered) -> Marker | None:
    parts = [f"({table['markers']})"] if isinstance(table.get("markers"), str) else []
    if isinstance(table.get("platform"), str):
        parts.append(f"sys_platform == '{table['platform']}'")
    pythons = _specifier(str(table.get("python", "*")))
    parts += (f"python_version {each.operator} '{each.version}'" for each in pythons or ())
    found = standards.marker(" and ".join(parts)) if parts else None
    if parts and found is None:
        gathered.note(where, f"{shown(' and '.join(parts))} is not a marker")
    return found


def _where(path: Path, lines: list[str], text: str) -> str:
    for number, line in enumerate(lines, 1):
        if text in line:
            return f"{path}:{number}"
    return str(path)
