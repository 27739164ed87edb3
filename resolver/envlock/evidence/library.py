"""The evidence of a folder: read whole, with every fault told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from msgspec import Struct
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.documents import Malformed, json_value
from envlock.errors import UsageError
from envlock.evidence.documents import read
from envlock.evidence.values import LEGACY, RULES, Cell, CellEvidence, ProvedSet
from envlock.rules.schema import schema_faults, validator_of
from envlock.system import read_text


class Library(Struct, frozen=True, kw_only=True):
    """The cells of a folder, newest release and Python first, and what is wrong with its files."""

    cells: tuple[CellEvidence, ...]
    faults: tuple[str, ...] = ()

    def joined(self, other: Library) -> Library:
        """Return both; where they have the same cell, that of ``other``."""
        known = {each.cell: each for each in (*self.cells, *other.cells)}
        return Library(cells=ordered(known.values()), faults=self.faults + other.faults)


def shipped() -> Traversable:
    """Return the folder of the evidence that ships with envlock."""
    return files("envlock_constraints").joinpath("evidence")


def existing(folder: Path) -> Path:
    """Return a folder of evidence that somebody named.

    Raises:
        UsageError: it is not there.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder", f"envlock matrix run --evidence {folder}")
    return folder


@cache
def shelf(folders: tuple[Path, ...]) -> Mapping[Cell, Traversable]:
    """Return the files of evidence by the cells in their names, unread.

    Those of ``folders`` are taken before what ships, a later folder before an earlier one.

    Raises:
        UsageError: there is no such folder.
    """
    return {
        cell: file
        for place in (shipped(), *map(existing, folders))
        for file in place.iterdir()
        if (cell := Cell.named(file.name)) is not None
    }


def companions(
    distribution: str, version: Version, python: str, folders: tuple[Path, ...]
) -> tuple[NormalizedName, ...]:
    """Return what was installed with a framework release, or else with the newest on record.

    A guess at what it will bring along, on a Python minor and any platform.
    """
    cells = shelf(folders)
    known = [c for c in cells if c.distribution == distribution and c.python == python]
    nearest = max(known, key=lambda cell: (cell.version == version, cell.version), default=None)
    if nearest is None:
        return ()
    found = rules_set(cells[nearest])
    return () if found is None else tuple(found.pins)


def rules_set(file: Traversable) -> ProvedSet | None:
    """Read the set of the rules in a cell's file; None where it has none.

    Raises:
        UsageError: the file is not evidence.
    """
    return read(str(file), _text(file)).find(RULES)


def proved_sets(file: Traversable) -> tuple[ProvedSet, ...]:
    """Read the sets of a cell's file that may become a lock, the one that needs no setting first.

    Raises:
        UsageError: the file is not evidence.
    """
    found = read(str(file), _text(file))
    return tuple(each for each in map(found.find, (RULES, LEGACY)) if each is not None)


def load(folder: Traversable) -> Library:
    """Read the evidence of a folder, which may be missing.

    Raises:
        UsageError: a file is not evidence.
    """
    return Library(cells=ordered(read(name, text) for name, text in _texts(folder)))


def check(folder: Traversable) -> Library:
    """Read the evidence of a folder and hold each file to the schema and to its name."""
    cells: list[CellEvidence] = []
    faults: list[str] = []
    for name, text in _texts(folder):
        wrong, found = _checked(name, text)
        faults.extend(f"{name}: {each}" for each in wrong)
        if found is not None:
            cells.append(found)
    return Library(cells=ordered(cells), faults=tuple(faults))


def ordered(cells: Iterable[CellEvidence]) -> tuple[CellEvidence, ...]:
    """Return cells by platform, newest release and newest Python first."""
    named = sorted(cells, key=lambda each: (each.cell.platform, each.cell.distribution))
    newest = sorted(named, key=lambda each: (each.cell.version, _minor(each)), reverse=True)
    return tuple(sorted(newest, key=lambda each: each.cell.platform))


def _minor(each: CellEvidence) -> tuple[int, ...]:
    return tuple(map(int, each.cell.python.split(".")))


def _texts(folder: Traversable) -> Iterator[tuple[str, str]]:
    if not folder.is_dir():
        return
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".json") and not file.name.startswith("."):
            yield file.name, _text(file)


def _text(file: Traversable) -> str:
    """The text of a file of a folder, or of one that ships in an archive."""
    return read_text(file) if isinstance(file, Path) else file.read_text(encoding="utf-8")


def _checked(name: str, text: str) -> tuple[tuple[str, ...], CellEvidence | None]:
    try:
        document = json_value(text)
    except Malformed as error:
        place = f" (line {error.line})" if error.line else ""
        return (f"not JSON: {error.why}{place}",), None
    wrong = schema_faults(_validator(), document)
    if wrong:
        return wrong, None
    try:
        found = read(name, text)
    except UsageError as error:
        return (error.message.removeprefix(f"{name}: "),), None
    expected = found.cell.filename
    return (() if name == expected else (f"holds the cell of {expected}",)), found


@cache
def _validator() -> Any:  # noqa: ANN401  (jsonschema's)
    return validator_of(schema())


def schema() -> dict[str, Any]:
    """The JSON Schema of a file of evidence."""
    text = files("envlock_constraints").joinpath("evidence-schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
