"""More and less asked for in a file, as an edit: comments, order and line ends stay. Pure.

A line that asks for a package already takes the new requirement; a requirement
of a package that nothing asks for is added at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, MutableSequence
from typing import Any

import tomlkit
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from envlock import standards
from envlock.errors import UsageError
from envlock.formats.edit import Lines
from envlock.formats.registry import FileFormat
from envlock.model import Selection, SelectionKind

#: Given the text, where in it, what is added and what goes, the new text and what was not found.
_Edit = Callable[
    [str, Selection | None, Mapping[NormalizedName, str], frozenset[NormalizedName]],
    tuple[str, frozenset[NormalizedName]],
]
_TABLES = {
    SelectionKind.EXTRA: ("project", "optional-dependencies"),
    SelectionKind.GROUP: ("dependency-groups",),
}


def more(
    kind: FileFormat, text: str, asked: Iterable[Requirement], choice: Selection | None = None
) -> str:
    """Return a file that asks for packages too, for everybody or one extra or group.

    Raises:
        UsageError: envlock does not edit files of this kind, or it has no extras.
    """
    wanted = {canonicalize_name(each.name): str(each) for each in asked}
    edited, _ = _editor(kind, choice)(text, choice, wanted, frozenset())
    return edited


def less(kind: FileFormat, text: str, names: Iterable[str], choice: Selection | None = None) -> str:
    """Return a file that asks for packages no longer.

    Raises:
        UsageError: it does not ask for one of them, or is not edited.
    """
    gone = frozenset(map(canonicalize_name, names))
    edited, missing = _editor(kind, choice)(text, choice, {}, gone)
    if missing:
        where = f"the {choice} of it" if choice else "it"
        raise UsageError(f"{where} does not ask for {', '.join(sorted(missing))}", "envlock tree")
    return edited


def _editor(kind: FileFormat, choice: Selection | None) -> _Edit:
    editor = _EDITORS.get(kind)
    if editor is None:
        raise UsageError("envlock does not edit a file of this kind", "edit it, then envlock sync")
    if choice is not None and kind is not FileFormat.PYPROJECT:
        raise UsageError(f"{choice}: only a pyproject.toml has extras and groups")
    return editor


def _in_lines(
    text: str,
    _choice: Selection | None,
    wanted: Mapping[NormalizedName, str],
    gone: frozenset[NormalizedName],
) -> tuple[str, frozenset[NormalizedName]]:
    lines = Lines(text, conda=False)
    for name, line in wanted.items():
        lines.ask(name, line)
    missing = frozenset(name for name in gone if not lines.drop(name))
    return lines.text, missing


def _in_project(
    text: str,
    choice: Selection | None,
    wanted: Mapping[NormalizedName, str],
    gone: frozenset[NormalizedName],
) -> tuple[str, frozenset[NormalizedName]]:
    document = tomlkit.parse(text)
    table: MutableMapping[str, Any] = document
    keys = ("project",) if choice is None else _TABLES[choice.kind]
    for key in keys:
        table = table.setdefault(key, tomlkit.table())
    entry = "dependencies" if choice is None else _own_name(table, choice)
    found: MutableSequence[Any] = table.setdefault(entry, tomlkit.array())
    _ask(found, wanted)
    missing = frozenset(name for name in gone if not _drop(found, name))
    return tomlkit.dumps(document), missing


def _own_name(table: Mapping[str, Any], choice: Selection) -> str:
    """An extra or group as the file spells it."""
    return next((each for each in table if canonicalize_name(each) == choice.name), choice.name)


def _name_of(item: object) -> str | None:
    requirement = standards.requirement(item) if isinstance(item, str) else None
    return None if requirement is None else canonicalize_name(requirement.name)


def _ask(found: MutableSequence[Any], wanted: Mapping[NormalizedName, str]) -> None:
    for name, line in wanted.items():
        place = next((n for n, item in enumerate(found) if _name_of(item) == name), None)
        if place is None:
            found.append(line)
        else:
            found[place] = line


def _drop(found: MutableSequence[Any], name: NormalizedName) -> bool:
    places = [place for place, item in enumerate(found) if _name_of(item) == name]
    for place in reversed(places):
        del found[place]
    return bool(places)


_EDITORS: Mapping[FileFormat, _Edit] = {
    FileFormat.REQUIREMENTS: _in_lines,
    FileFormat.FREEZE: _in_lines,
    FileFormat.PYPROJECT: _in_project,
}
