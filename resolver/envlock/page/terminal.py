"""`envlock capabilities`: releases by Pythons, a letter a capability."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from envlock.evidence.explain import failure_text, failures
from envlock.evidence.values import PLAIN, RULES, Cell, CellEvidence
from envlock.page.board import Board, Levels, ReleaseRow, boards, both, code, passing


def capability_text(cells: Sequence[CellEvidence], missing: Sequence[Cell], levels: Levels) -> str:
    """A table for each platform, newest release first, and what its letters mean."""
    tables = (_table(board, levels) for board in boards(cells, missing))
    return "\n\n".join([*tables, _legend(levels)])


def _table(board: Board, levels: Levels) -> str:
    lines = [("RELEASE", *board.pythons), *_rows(board, levels)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = (
        " ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    return "\n".join([_heading(board, levels), *shown])


def _rows(board: Board, levels: Levels) -> Iterator[tuple[str, ...]]:
    """A row a release; builds of one release that do the same, as far as they ran, share it."""
    for version, builds in groupby(board.releases, key=lambda release: release.version):
        rows = {
            build.label: [_code(board, build, python, levels) for python in board.pythons]
            for build in builds
        }
        said = [_shared(filter(None, column)) for column in zip(*rows.values(), strict=True)]
        if None not in said:
            yield (str(version), *(code or "" for code in said))
        else:
            yield from ((label, *codes) for label, codes in rows.items())


def _shared(codes: Iterable[str]) -> str | None:
    """The one code of several builds, where they differ in nothing but what was not run."""
    kinds = set(codes)
    if len({*map(len, kinds)}) > 1:
        return None
    signs = [{*column} - {"?"} for column in zip(*kinds, strict=True)]
    if any(len(each) > 1 for each in signs):
        return None
    return "".join(next(iter(each), "?") for each in signs)


def _code(board: Board, release: ReleaseRow, python: str, levels: Levels) -> str:
    evidence = board.find(release, python)
    if evidence is None:
        return "?" if board.is_missing(release, python) else ""
    return code(evidence.find(RULES), levels)


def _heading(board: Board, levels: Levels) -> str:
    compared, others = board.compared, board.others
    passed = f"the gate passes in {_of(compared, RULES, levels)} cells"
    text = f"{board.platform}, {board.days}: {passed}"
    if compared.sets(PLAIN):
        text += f"\nwith a plain resolve: in {_of(compared, PLAIN, levels)}"
    if others is not None:
        names = " and ".join(others.distributions)
        text += f"\nother builds ({names}): {_of(others, RULES, levels)}"
    return text


def _of(board: Board, name: str, levels: Levels) -> str:
    return f"{passing(board.sets(name), levels.gate)} of {len(board.cells)}"


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
        return {
            **data,
            "gate": None,
            "capabilities": [],
            "failed": {},
            "untried": [],
            "problem": "not run",
        }
    return {
        **data,
        "date": str(proved.circumstances.day),
        "gate": proved.passes(levels.gate),
        "capabilities": [each.name for each in levels.all if each.name in proved.capabilities],
        "failed": {each.level: failure_text(each) for each in failures(proved)},
        "untried": [*proved.untried(each.name for each in levels.all)],
        "problem": proved.problem,
        "plain_gate": None if plain is None else plain.passes(levels.gate),
    }
