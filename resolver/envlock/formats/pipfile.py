"""``Pipfile`` and ``Pipfile.lock``: tables of names and ranges. Pure.

Source: pipenv's "Pipfile & Pipfile.lock".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from envlock.documents import read_json, read_toml
from envlock.errors import UsageError
from envlock.formats.declarations import By, Declaration, line_of, place
from envlock.formats.faults import shown

#: Keys of a package that are markers by themselves.
_MARKED = ("sys_platform", "platform_system", "platform_machine", "python_version", "os_name")


def of_pipfile(path: Path, text: str) -> Iterator[Declaration]:
    """Yield ``[packages]`` of a Pipfile, and its other categories as groups.

    Raises:
        UsageError: it is not TOML.
    """
    lines, tables = text.splitlines(), read_toml(str(path), text)
    requires = table(tables, "requires")
    for key in ("python_full_version", "python_version"):
        version = requires.get(key)
        if isinstance(version, str) and version[:1].isdigit():
            where = place(path, line_of(lines, key))
            dots = "" if key == "python_full_version" else ".*"
            yield Declaration(where=where, text=f"=={version}{dots}", by=By.PYTHON)
            break
    for category, entries in tables.items():
        if category in {"source", "requires", "scripts", "pipenv"} or not isinstance(entries, dict):
            continue
        group = "" if category == "packages" else category
        for name, value in entries.items():
            where = place(path, line_of(lines, name))
            yield of_pypi(name, value, where, group)


def of_pipfile_lock(path: Path, text: str) -> Iterator[Declaration]:
    """Yield the pins of a Pipfile.lock.

    Raises:
        UsageError: it is no JSON, or no lock of pipenv.
    """
    lines, document = text.splitlines(), read_json(str(path), text)
    if not isinstance(document, dict) or not isinstance(document.get("default"), dict):
        raise UsageError(f"{path}: no lock of pipenv: it has no table default")
    requires = table(table(document, "_meta"), "requires")
    version = requires.get("python_version")
    if isinstance(version, str) and version[:1].isdigit():
        yield Declaration(where=str(path), text=f"=={version}.*", by=By.PYTHON)
    for category, entries in document.items():
        if category == "_meta" or not isinstance(entries, dict):
            continue
        group = "" if category == "default" else category
        for name, value in entries.items():
            where = place(path, line_of(lines, f'"{name}"'))
            yield of_pypi(name, value, where, group)


def of_pypi(name: str, value: object, where: str, group: str) -> Declaration:
    """Return one package as pipenv and pixi write those of an index."""
    table = value if isinstance(value, dict) else {"version": value}
    for key in ("path", "file", "git", "url"):
        if isinstance(at := table.get(key), str):
            return Declaration(where=where, text=_direct(name, key, at, table), optional=group)
    version = table.get("version", "*")
    extras = table.get("extras")
    bracket = f"[{','.join(map(str, extras))}]" if isinstance(extras, list) and extras else ""
    if not isinstance(version, str):
        fault = UsageError(f"{shown(name)}: {shown(str(version))} is not a range of versions")
        return Declaration(where=where, text=name, optional=group, fault=fault)
    ranged = "" if version.strip() in {"", "*"} else version.strip()
    if ranged[:1].isdigit():
        ranged = f"=={ranged}"
    marker = _marker(table)
    line = f"{name}{bracket}{ranged}" + (f" ; {marker}" if marker else "")
    return Declaration(where=where, text=line, optional=group)


def _direct(name: str, key: str, at: str, table: Mapping[str, Any]) -> str:
    if key == "git":
        rev = next((table[k] for k in ("ref", "rev", "tag", "branch") if k in table), "")
        return f"{name} @ git+{at}{f'@{rev}' if rev else ''}"
    if key == "path" or "://" not in at:
        return f"-e {at}" if table.get("editable") is True else at
    return f"{name} @ {at}"


def _marker(table: Mapping[str, Any]) -> str:
    """The conditions of a package: ``markers``, and keys that are called as markers are."""
    parts = [f"({text})"] if isinstance(text := table.get("markers"), str) and text else []
    parts += (f"{key} {value}" for key in _MARKED if isinstance(value := table.get(key), str))
    return " and ".join(parts) if len(parts) > 1 else "".join(parts).strip("()")


def table(tables: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return what stands under a key, where that is a table."""
    value = tables.get(key)
    return value if isinstance(value, dict) else {}
