"""`envlock capabilities`, `envlock matrix check` and `envlock matrix report`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path

from msgspec import Struct

from envlock.errors import UsageError
from envlock.evidence import library
from envlock.evidence.judge import Judgement, judge
from envlock.evidence.values import Cell, CellEvidence
from envlock.matrix.missing import missing_cells, missing_series, other_probes
from envlock.page.board import boards
from envlock.page.html import page
from envlock.page.levels import Capability, Levels
from envlock.page.picture import picture
from envlock.probes import PROBES
from envlock.rules import database
from envlock.system import make_folder, refuse_unwritable, write_texts
from envlock.workflow.proving import probe_digest

_PAGE, _PICTURE = "index.html", "matrix.svg"


class Capabilities(Struct, frozen=True, kw_only=True):
    """Cells, and those on record of the same platforms and Pythons that were not run."""

    cells: tuple[CellEvidence, ...]
    missing: tuple[Cell, ...]
    levels: Levels


class Checked(Struct, frozen=True, kw_only=True):
    """Evidence held against the rules and against what is on record."""

    cells: tuple[CellEvidence, ...]
    rules: int
    faults: tuple[str, ...]
    judgement: Judgement
    missing: tuple[Cell, ...]
    series: dict[Cell, tuple[str, ...]]
    probes: dict[Cell, tuple[str, ...]]

    @property
    def wrong(self) -> bool:
        """Whether a file is bad, or evidence and rules do not agree."""
        return bool(self.faults or self.judgement.contradictions or self.judgement.unexplained)


def levels() -> Levels:
    """What the probes try, in their order."""
    return Levels(
        all=tuple(
            Capability(name=each.name, proves=each.proves, gate=each.in_default_gate)
            for probe in PROBES.values()
            for each in probe.levels
        )
    )


def capabilities(
    folders: Sequence[Path], pythons: Collection[str], platform: str | None
) -> Capabilities:
    """Return what was seen to work; the evidence of ``folders`` goes over envlock's own.

    Raises:
        UsageError: a folder is missing or holds other files, or nothing is known.
    """
    found = library.load(library.shipped())
    for folder in folders:
        found = found.joined(library.load(library.existing(folder)))
    every = missing_cells(found.cells)
    cells = tuple(each for each in found.cells if _wanted(each.cell, pythons, platform))
    if not found.cells:
        raise UsageError("there is no evidence yet", "envlock matrix run --evidence evidence")
    if not cells:
        platforms = ", ".join(dict.fromkeys(each.cell.platform for each in found.cells))
        raise UsageError(
            f"there is no evidence for this: what there is, is of {platforms}",
            "envlock capabilities",
        )
    return Capabilities(
        cells=cells,
        missing=tuple(each for each in every if _wanted(each, pythons, platform)),
        levels=levels(),
    )


def check(folder: Path | None, rules: Sequence[Path]) -> Checked:
    """Hold the evidence of a folder, or envlock's own, against rules and releases.

    Raises:
        UsageError: the folder is missing, or rules cannot be read.
    """
    found = library.check(_place(folder))
    known = database.load(rules).rules
    return Checked(
        cells=found.cells,
        rules=len(known),
        faults=found.faults,
        judgement=judge(known, found.cells, levels().gate),
        missing=missing_cells(found.cells),
        series=missing_series(found.cells),
        probes=other_probes(found.cells, probe_digest()),
    )


def report(folder: Path, evidence: Path | None, rules: Sequence[Path]) -> tuple[Path, ...]:
    """Write the page and the picture into a folder; return the files.

    Raises:
        UsageError: the evidence is missing or no evidence.
        WorkError: they cannot be written.
    """
    refuse_unwritable(folder / name for name in (_PAGE, _PICTURE))
    texts = drawn(folder, evidence, rules)
    make_folder(folder)
    write_texts(texts, users=True)
    return tuple(texts)


def drawn(folder: Path, evidence: Path | None, rules: Sequence[Path]) -> dict[Path, str]:
    """Return the page, and a picture of the platform with the most cells.

    Raises:
        UsageError: the evidence is missing or no evidence.
    """
    cells = library.load(_place(evidence)).cells
    if not cells:
        raise UsageError("there is no evidence yet", "envlock matrix run --evidence evidence")
    missing = missing_cells(cells)
    largest = max(boards(cells, missing), key=lambda each: len(each.cells))
    return {
        folder / _PAGE: page(cells, missing, database.load(rules).rules, levels()),
        folder / _PICTURE: picture(largest, levels()),
    }


def _place(folder: Path | None) -> Traversable:
    return library.shipped() if folder is None else library.existing(folder)


def _wanted(cell: Cell, pythons: Collection[str], platform: str | None) -> bool:
    return (not pythons or cell.python in pythons) and platform in (None, cell.platform)
