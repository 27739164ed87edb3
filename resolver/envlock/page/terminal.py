"""`envlock capabilities`: releases by Pythons, a letter a capability."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from envlock.evidence.explain import failure_text, failures
from envlock.evidence.values import LEGACY, PLAIN, RULES, Cell, CellEvidence
from envlock.page.board import Board, Levels, ReleaseRow, boards, both, passing, ways


def capability_text(cells: Sequence[CellEvidence], missing: Sequence[Cell], levels: Levels) -> str:
    """A table for each platform, newest release first, and what its letters mean."""
    tables = (_table(board, levels) for board in boards(cells, missing))
    small = "small: with Keras 2 (tf-keras beside the plain build), which --needs takes\n"
    legacy = any(each.find(LEGACY) for each in cells)
    return "\n\n".join([*tables, _legend(levels, small if legacy else "")])


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
    return ways(evidence.find(RULES), board.legacy(release.version, python), levels)


def _heading(board: Board, levels: Levels) -> str:
    compared, others = board.compared, board.others
    passed = f"the gate passes in {_of(compared, RULES, levels)} cells"
    text = f"{board.platform}, {board.days}: {passed}"
    if compared.sets(PLAIN):
        text += f"\nwith a plain resolve: in {_of(compared, PLAIN, levels)}"
    if others is not None:
        names = " and ".join(others.distributions)
        text += f"\nother builds ({names}): {_of(others, RULES, levels)}"
    return text + "".join(_with_keras_2(board, levels))


def _with_keras_2(board: Board, levels: Levels) -> Iterator[str]:
    """In how many cells every level passes, and in how many of those with Keras 2."""
    cells = board.compared.cells
    found = [(e, board.legacy(e.cell.version, e.cell.python)) for e in cells]
    legacy = [(each, other) for each, other in found if other is not None]
    if not legacy:
        return
    names = tuple(each.name for each in levels.all)
    more = sum(other.passes(names) for _, other in legacy)
    yield f"\nwith Keras 2 beside Keras 3 every level passes: in {more} of {len(legacy)} cells"


def _of(board: Board, name: str, levels: Levels) -> str:
    return f"{passing(board.sets(name), levels.gate)} of {len(board.cells)}"


def _legend(levels: Levels, more: str) -> str:
    letters = ", ".join(f"{letter} {name}" for name, letter in levels.letters.items())
    return (
        f"G the gate ({', '.join(levels.gate)})\n"
        f"{letters}\n{more}"
        "- does not pass, ? not run, none: nothing to install; empty: no wheel"
    )


def capability_data(cells: Sequence[CellEvidence], levels: Levels) -> list[dict[str, Any]]:
    """Every cell with what passed and what failed, as JSON data."""
    return [_data(each, levels) for each in cells]


def _legacy(evidence: CellEvidence, levels: Levels) -> dict[str, Any] | None:
    """What passes with Keras 2, and what is set for it."""
    found = evidence.find(LEGACY)
    if found is None:
        return None
    return {
        "gate": found.passes(levels.gate),
        "capabilities": [each.name for each in levels.all if each.name in found.capabilities],
        "variables": dict(found.variables),
    }


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
        "legacy": _legacy(evidence, levels),
    }
