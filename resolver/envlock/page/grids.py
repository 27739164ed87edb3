"""The tables of the page as HTML: what can be seen without a script."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from envlock.evidence.explain import failures
from envlock.evidence.values import CellEvidence, ProvedSet
from envlock.page.board import Board, Release, both, h5py_series
from envlock.page.data import PageData
from envlock.page.levels import Levels, State, absent, lost, state

_SIGNS = {State.FULL: "✓", State.FAIL: "✗", State.NONE: "∅", State.OPEN: "·"}


def python_grid(board: Board, data: PageData, *, named: bool = False) -> str:
    """Releases by Pythons: envlock's lock and, beside it, what a plain resolve gives.

    Cells are called TensorFlow, or ``named`` by their distribution.
    """
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in board.pythons)
    rows = "".join(
        f"<tr>{_row_head(release.label, '')}"
        f"{''.join(_cells(board, release, data, named=named))}</tr>\n"
        for release in board.releases
    )
    what = ", ".join(board.distributions) if named else "TensorFlow"
    label = escape(f"{what} releases by Python versions on {board.platform}")
    kind = ' class="builds"' if named else ""
    return (
        f'<table role="grid"{kind} aria-label="{label}">\n'
        f'<thead><tr><th scope="col" class="corner">TensorFlow</th>{head}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody></table>"
    )


def _cells(board: Board, release: Release, data: PageData, *, named: bool) -> Iterator[str]:
    for python in board.pythons:
        evidence = board.find(release, python)
        if evidence is not None:
            yield f"<td>{_tile(evidence, data, named=named)}</td>"
        elif board.is_missing(release, python):
            yield '<td><span class="tile open" title="not run yet">·</span></td>'
        else:
            yield '<td class="void"></td>'


def _tile(evidence: CellEvidence, data: PageData, *, named: bool) -> str:
    cell, levels = evidence.cell, data.levels
    own, plain = both(evidence)
    what = cell.distribution if named else "TensorFlow"
    place = f"{what} {cell.version}, Python {cell.python}"
    label = f"{place}: envlock's lock {in_words(own, levels)}"
    halves = _half(own, levels, "own", _long_sign(own, levels))
    numbers = [_number(evidence, own, data, "set")]
    if plain is not None:
        label += f"; a plain resolve {in_words(plain, levels)}"
        halves += _half(plain, levels, "plain", _sign(plain, levels))
        numbers.append(_number(evidence, plain, data, "plain"))
    return _button("tile pair" if plain else "tile", label, " ".join(filter(None, numbers)), halves)


def h5py_grid(board: Board, data: PageData) -> str:
    """Releases, each on its newest Python, by the h5py minors that were put beside them."""
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in board.series)
    rows = "".join(
        f"<tr>{_row_head(str(evidence.cell.version), evidence.cell.python)}"
        f"{''.join(_pair(evidence, sets.get(each), each, data) for each in board.series)}</tr>\n"
        for evidence, sets in board.pairs
    )
    label = escape(f"TensorFlow releases by h5py releases on {board.platform}")
    return (
        f'<table role="grid" class="narrow" aria-label="{label}">\n'
        f'<thead><tr><th scope="col" class="corner">TensorFlow<small>Python</small></th>'
        f"{head}</tr></thead>\n<tbody>\n{rows}</tbody></table>"
    )


def _pair(evidence: CellEvidence, proved: ProvedSet | None, series: str, data: PageData) -> str:
    if proved is None:
        return '<td class="void"></td>'
    cell, levels = evidence.cell, data.levels
    label = f"TensorFlow {cell.version} with h5py {series} on Python {cell.python}: "
    label += in_words(proved, levels)
    kinds = "tile"
    if data.is_refused(cell, proved):
        kinds += " against"
        label += "; refused by a rule or by metadata"
    if series == h5py_series(evidence):
        kinds += " chosen"
        label += "; in envlock's lock"
    half = _half(proved, levels, "own", _sign(proved, levels))
    return f"<td>{_button(kinds, label, _number(evidence, proved, data, 'set'), half)}</td>"


def _button(kinds: str, label: str, numbers: str, halves: str) -> str:
    return (
        f'<button type="button" class="{kinds}" tabindex="-1" {numbers} '
        f'aria-label="{escape(label)}">{halves}</button>'
    )


def _half(proved: ProvedSet | None, levels: Levels, kind: str, sign: str) -> str:
    return f'<span class="{kind} {state(proved, levels)}">{escape(sign)}</span>'


def _number(evidence: CellEvidence, proved: ProvedSet | None, data: PageData, key: str) -> str:
    if proved is None:
        return ""
    return f'data-{key}="{data.numbers[evidence.cell, proved.name]}"'


def _row_head(label: str, small: str) -> str:
    extra = f"<small>{escape(small)}</small>" if small else ""
    return f'<th scope="row">{escape(label)}{extra}</th>'


def _sign(proved: ProvedSet | None, levels: Levels) -> str:
    """A sign; for a set that passes the gate, how many capabilities failed."""
    found = state(proved, levels)
    if found is State.GATE and proved is not None:
        return f"\N{MINUS SIGN}{len(lost(proved, levels))}"
    return _SIGNS[found]


def _long_sign(proved: ProvedSet | None, levels: Levels) -> str:
    """A sign where there is room for a word."""
    sign = _sign(proved, levels)
    match state(proved, levels):
        case State.FULL:
            return f"{sign} all"
        case State.GATE:
            return f"✓ {sign}"
        case State.FAIL if proved is not None:
            return f"{sign} {_first_bad(proved, levels)}"
        case _:
            return sign


def in_words(proved: ProvedSet | None, levels: Levels) -> str:
    """Say how a set stands."""
    match state(proved, levels):
        case State.FULL if proved is not None:
            return f"passes every level{_without(proved, levels)}"
        case State.GATE if proved is not None:
            lacks = ", ".join(lost(proved, levels))
            return f"passes the gate, lacks {lacks}{_without(proved, levels)}"
        case State.FAIL if proved is not None:
            return f"fails at {_first_bad(proved, levels)}"
        case State.NONE:
            return "cannot be made"
        case _:
            return "was not run"


def _without(proved: ProvedSet, levels: Levels) -> str:
    names = absent(proved, levels)
    return f", has no {', '.join(names)}" if names else ""


def _first_bad(proved: ProvedSet, levels: Levels) -> str:
    failed = [each.level for each in failures(proved) if each.level in levels.gate]
    untried = (each for each in levels.gate if each not in proved.capabilities)
    return next(iter(failed), next(untried, ""))
