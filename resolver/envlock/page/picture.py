"""The small picture of the README: what a plain resolve gives, and beside it envlock's locks."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from envlock.evidence.values import PLAIN, RULES
from envlock.page.board import Board, Grade, Levels, passing, state
from envlock.words import visible

_WIDE, _HIGH, _GAP = 34, 15, 2  # of a cell, in pixels
_LABELS, _BETWEEN, _EDGE = 52, 36, 16
_TOP, _BOTTOM = 76, 40
_SIGNS = {
    Grade.FULL: "✓",
    Grade.GATE: "✓",
    Grade.FAIL: "✗",
    Grade.NONE: "∅",
    Grade.OPEN: "",
}
_LEGEND = (
    (Grade.FULL, "passes every level"),
    (Grade.GATE, "passes the gate, lacks a capability"),
    (Grade.FAIL, "fails the gate"),
)
_STYLE = """
text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#1c2226}
.card{fill:#fff;stroke:#dde1e3}.soft{fill:#59636b}.count{font-size:22px;font-weight:700}
.sign{font-size:10px;font-weight:700;text-anchor:middle}.mid{text-anchor:middle}.end{text-anchor:end}
.full{fill:#005a92}.gate{fill:#9fd0f0}.fail{fill:#b84700}.none{fill:#6a6a72}.open{fill:#dde1e3}
.on-full,.on-fail,.on-none{fill:#fff}.on-gate{fill:#06283d}
@media(prefers-color-scheme:dark){text{fill:#e8ecee}.card{fill:#1c2226;stroke:#343d43}
.soft{fill:#a3aeb6}.full{fill:#4fb0ee}.gate{fill:#1f4c6b}.fail{fill:#f08a43}.none{fill:#8b8b95}
.open{fill:#343d43}.on-full,.on-fail,.on-none{fill:#04121c}.on-gate{fill:#d9effd}}
"""


def picture(board: Board, levels: Levels) -> str:
    """Return an SVG of one platform: releases by Pythons, twice."""
    board = board.compared
    grid = len(board.pythons) * _WIDE
    width = _EDGE * 2 + _LABELS + grid * 2 + _BETWEEN
    height = _TOP + len(board.releases) * _HIGH + _BOTTOM
    left, right = _EDGE + _LABELS, _EDGE + _LABELS + grid + _BETWEEN
    plain, own = _count(board, PLAIN, levels), _count(board, RULES, levels)
    text = f"{plain} cells pass with a plain resolve, {own} with envlock's lock"
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="t">',
        f'<title id="t">TensorFlow by Python on {escape(board.platform)}: {escape(text)}</title>',
        f"<style>{_STYLE}</style>",
        f'<rect class="card" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10"/>',
        *_labels(board),
        *_grid(board, levels, PLAIN, left, "a plain resolve"),
        *_grid(board, levels, RULES, right, "envlock's lock"),
        *_legend(height - 16),
        "</svg>\n",
    ]
    return visible("\n".join(parts))


def _count(board: Board, name: str, levels: Levels) -> str:
    sets = board.sets(name)
    return f"{passing(sets, levels.gate)} of {len(sets)}"


def _labels(board: Board) -> Iterator[str]:
    for row, release in enumerate(board.releases):
        y = _TOP + row * _HIGH + 11
        yield f'<text class="end" x="{_EDGE + _LABELS - 8}" y="{y}">{escape(release.label)}</text>'


def _grid(board: Board, levels: Levels, name: str, x: int, title: str) -> Iterator[str]:
    yield (
        f'<text x="{x}" y="40"><tspan class="count">{_count(board, name, levels)}</tspan>'
        f'<tspan class="soft" dx="8">{escape(title)}</tspan></text>'
    )
    for column, python in enumerate(board.pythons):
        middle = x + column * _WIDE + _WIDE // 2
        yield f'<text class="mid soft" x="{middle}" y="{_TOP - 8}">{escape(python)}</text>'
    for row, release in enumerate(board.releases):
        for column, python in enumerate(board.pythons):
            evidence = board.find(release, python)
            if evidence is None and not board.is_missing(release, python):
                continue
            found = state(evidence.find(name) if evidence else None, levels)
            yield _tile(x + column * _WIDE, _TOP + row * _HIGH, found)


def _tile(x: int, y: int, found: Grade) -> str:
    wide, high = _WIDE - _GAP, _HIGH - _GAP
    return (
        f'<rect class="{found}" x="{x}" y="{y}" width="{wide}" height="{high}" rx="3"/>'
        f'<text class="sign on-{found}" x="{x + wide // 2}" y="{y + 10}">{_SIGNS[found]}</text>'
    )


def _legend(y: int) -> Iterator[str]:
    x = _EDGE + _LABELS
    for found, words in _LEGEND:
        yield f'<rect class="{found}" x="{x}" y="{y - 9}" width="14" height="11" rx="2"/>'
        yield f'<text class="soft" x="{x + 20}" y="{y}">{escape(words)}</text>'
        x += 40 + len(words) * 6
