"""`envlock capabilities`: releases by Pythons, a letter a capability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from packaging.version import Version

from envlock.evidence.explain import failure_text, failures
from envlock.evidence.values import PLAIN, RULES, Cell, CellEvidence
from envlock.page.levels import Levels, code, counted


def capability_text(cells: Sequence[CellEvidence], missing: Sequence[Cell], levels: Levels) -> str:
    """A table for each platform, newest release first, and what its letters mean."""
    platforms = dict.fromkeys(each.cell.platform for each in cells)
    tables = [
        _table(
            platform,
            [each for each in cells if each.cell.platform == platform],
            [each for each in missing if each.platform == platform],
            levels,
        )
        for platform in platforms
    ]
    return "\n\n".join([*tables, _legend(levels)])


def _table(
    platform: str, cells: Sequence[CellEvidence], missing: Sequence[Cell], levels: Levels
) -> str:
    pythons = sorted({each.python for each in (*missing, *(e.cell for e in cells))}, key=_minor)
    known = {each.cell: code(each.find(RULES), levels) for each in cells}
    texts = {**known, **dict.fromkeys(missing, "?")}
    rows = sorted({(each.version, each.distribution) for each in texts}, reverse=True)
    versions = [version for version, _ in rows]
    labels = {
        row: f"{row[0]} ({row[1]})" if versions.count(row[0]) > 1 else str(row[0]) for row in rows
    }
    lines = [("TENSORFLOW", *pythons)]
    for version, distribution in rows:
        own = {
            cell.python: text
            for cell, text in texts.items()
            if (cell.version, cell.distribution) == (version, distribution)
        }
        lines.append((labels[version, distribution], *(own.get(each, "") for each in pythons)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = (
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    return "\n".join([_heading(platform, cells, levels), *shown])


def _heading(platform: str, cells: Sequence[CellEvidence], levels: Levels) -> str:
    days = sorted(s.circumstances.day for each in cells for s in each.sets)
    when = f"{days[0]}" if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    passed = counted((each.find(RULES) for each in cells), levels.gate)
    text = f"{platform}, {when}: the gate passes in {passed} of {len(cells)} cells"
    plain = [found for each in cells if (found := each.find(PLAIN)) is not None]
    if plain:
        good = counted(plain, levels.gate)
        text += f"; with a plain resolve in {good} of {len(plain)}"
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
    cell, proved = evidence.cell, evidence.find(RULES)
    data: dict[str, Any] = {
        "distribution": cell.distribution,
        "version": str(cell.version),
        "python": cell.python,
        "platform": cell.platform,
    }
    if proved is None:
        return {**data, "gate": None, "capabilities": [], "failed": {}, "problem": "not run"}
    plain = evidence.find(PLAIN)
    return {
        **data,
        "date": str(proved.circumstances.day),
        "gate": proved.passes(levels.gate),
        "capabilities": [each.name for each in levels.all if each.name in proved.capabilities],
        "failed": {each.level: failure_text(each) for each in failures(proved)},
        "problem": proved.problem,
        "plain_gate": None if plain is None else plain.passes(levels.gate),
    }


def _minor(python: str) -> Version:
    return Version(python)
