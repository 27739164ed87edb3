"""Which file of a folder says what is wanted, where nobody types it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from envlock.documents import read_toml
from envlock.formats.declarations import DECLARED, By, declarations
from envlock.formats.registry import is_lock, meant
from envlock.system import read_text
from envlock.system.looking import is_file

_PROJECT = "pyproject.toml"
_OLDER = ("Pipfile", "setup.cfg", "setup.py")
_ENVIRONMENTS = ("environment.yml", "environment.yaml")


def asking_file(folder: Path, *, conda: bool | None, more: bool) -> Path | None:
    """Return the file that asks for packages: a project, requirements or an environment.

    An environment file counts before the others where conda is to install,
    and not at all where it is not; ``conda`` is None where nobody says.
    ``more`` says that extras or groups are asked for besides. A lock, whoever
    made it, asks for nothing.

    Raises:
        UsageError: a file cannot be read.
    """
    names = [_PROJECT, "requirements.in", *_ENVIRONMENTS, "requirements.txt", *_OLDER]
    if conda:
        names.sort(key=lambda name: name not in _ENVIRONMENTS)
    elif conda is False:
        names = [name for name in names if name not in _ENVIRONMENTS]
    for name in names:
        path = folder / name
        if is_file(path) and _is_asking(path, more=more):
            return path
    return None


def _is_asking(path: Path, *, more: bool) -> bool:
    if path.name == _PROJECT:
        return _asks(path, more=more)
    return _declares(path) if path.name in _OLDER else _is_request(path)


def _declares(path: Path) -> bool:
    """Whether a file of setuptools or pipenv asks for a package, whatever it is."""
    text = read_text(path)
    found = meant(path, text)
    return (
        found is not None
        and found in DECLARED
        and any(
            each.text and each.by is By.PIP and not each.optional
            for each in declarations(found, path, text)
        )
    )


def _asks(path: Path, *, more: bool) -> bool:
    """Whether a project asks for packages in words that are read."""
    tables = read_toml(str(path), read_text(path))
    project = _table(tables, "project")
    dynamic = project.get("dynamic")
    listed = isinstance(dynamic, list) and "dependencies" in dynamic
    poetry = _table(_table(_table(tables, "tool"), "poetry"), "dependencies")
    own = bool(project.get("dependencies")) or bool(poetry.keys() - {"python"})
    return own or listed or (more and bool(tables))


def _table(tables: dict[str, Any], key: str) -> dict[str, Any]:
    found = tables.get(key)
    return found if isinstance(found, dict) else {}


def _is_request(path: Path) -> bool:
    text = read_text(path)
    return bool(text.strip()) and not is_lock(path, text)
