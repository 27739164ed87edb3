"""`envlock capabilities`: releases by Pythons, a letter a capability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from envlock.evidence.explain import failure_text, failures
from envlock.evidence.values import PLAIN, RULES, Cell, CellEvidence
from envlock.page.board import Board, Release, boards, both
from envlock.page.levels import Levels, code, counted


def capability_text(cells: Sequence[CellEvidence], missing: Sequence[Cell], levels: Levels) -> str:
    """A table for each platform, newest release first, and what its letters mean."""
    tables = (_table(board, levels) for board in boards(cells, missing))
    return "\n\n".join([*tables, _legend(levels)])


def _table(board: Board, levels: Levels) -> str:
    lines = [("TENSORFLOW", *board.pythons)]
    for release in board.releases:
        codes = (_code(board, release, python, levels) for python in board.pythons)
        lines.append((release.label, *codes))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = (
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    return "\n".join([_heading(board, levels), *shown])


def _code(board: Board, release: Release, python: str, levels: Levels) -> str:
    evidence = board.find(release, python)
    if evidence is None:
        return "?" if board.is_missing(release, python) else ""
    return code(evidence.find(RULES), levels)


def _heading(board: Board, levels: Levels) -> str:
    passed = counted(board.sets(RULES), levels.gate)
    text = (
        f"{board.platform}, {board.days}: the gate passes in {passed} of {len(board.cells)} cells"
    )
    if plain := board.sets(PLAIN):
        text += f"; with a plain resolve in {counted(plain, levels.gate)} of {len(plain)}"
    return text


def _legend(levels: Levels) -> str:
    letters = ", ".join(f"{letter} {name}" for name, letter in levels.letters.items())
    return (
        f"G the gate ({', '.join(levels.gate)})\n"
        f"{letters}\n"
        "- does not pass, ? not run, none: nothing to install; empty: no wheel"
    )


def capability_data(cells: Sequence[CellEvidence], levels: Levels) -> list[dict[str, Any]]:
    """Every cell with what passed and what failed, as JSON data."""
    return [_data(each, levels) for each in cells]


def _data(evidence: CellEvidence, levels: Levels) -> dict[str, Any]:
    cell, (proved, plain) = evidence.cell, both(evidence)
    data: dict[str, Any] = {
        "distribution": cell.distribution,
        "version": str(cell.version),
        "python": cell.python,
        "platform": cell.platform,
    }
    if proved is None:
        return {**data, "gate": None, "capabilities": [], "failed": {}, "problem": "not run"}
    return {
        **data,
        "date": str(proved.circumstances.day),
        "gate": proved.passes(levels.gate),
        "capabilities": [each.name for each in levels.all if each.name in proved.capabilities],
        "failed": {each.level: failure_text(each) for each in failures(proved)},
        "problem": proved.problem,
        "plain_gate": None if plain is None else plain.passes(levels.gate),
    }
