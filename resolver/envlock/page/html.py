"""The page: one file without a request to anywhere. Everything from evidence is escaped."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files

from envlock.evidence.values import PLAIN, RULES, Cell, CellEvidence, ProvedSet
from envlock.model import Rule
from envlock.page.board import Board, boards
from envlock.page.data import PageData
from envlock.page.grids import h5py_grid, python_grid
from envlock.page.levels import Levels, passing
from envlock.visible import visible, visible_json


def page(
    cells: Sequence[CellEvidence], missing: Sequence[Cell], rules: Sequence[Rule], levels: Levels
) -> str:
    """Return the whole page, the same for the same evidence and rules."""
    data = PageData(rules=rules, levels=levels)
    for each in cells:
        data.add(each)
    shown = boards(cells, missing)
    style, script = _asset("page.css"), _asset("page.js")
    return _filled(
        _asset("page.html"),
        {
            "policy": _policy(style, script),
            "style": style,
            "chips": _chips(levels),
            "boards": visible("".join(_section(board, data) for board in shown)) or _NOTHING,
            "data": _json(data),
            "script": script,
        },
    )


_NOTHING = "<p>Nothing has been run yet.</p>"


def _section(board: Board, data: PageData) -> str:
    gate = data.levels.gate
    own, plain = board.compared.sets(RULES), board.compared.sets(PLAIN)
    numbers = _number("own", "envlock's lock", passing(own, gate), own)
    if plain:
        numbers += _number("plain", "a plain resolve", passing(plain, gate), plain)
    pairs = ""
    if board.pairs:
        pairs = _filled(_asset("pairs.html"), {"grid": h5py_grid(board, data)})
    builds, others = "", board.others
    if others is not None:
        values = {
            "names": " and ".join(f"<code>{escape(each)}</code>" for each in others.distributions),
            "number": f"{passing(others.sets(RULES), gate)} of {len(others.cells)}",
            "grid": python_grid(others, data, named=True),
        }
        builds = _filled(_asset("builds.html"), values)
    return _filled(
        _asset("board.html"),
        {
            "platform": escape(board.platform),
            "days": escape(board.days),
            "numbers": numbers,
            "grid": python_grid(board.main, data),
            "pairs": pairs,
            "builds": builds,
        },
    )


def _number(kind: str, label: str, good: int, sets: Sequence[ProvedSet]) -> str:
    total = len(sets)
    return (
        f'<div class="number {kind}" data-kind="{kind}"><p class="label">{label}</p>'
        f'<p class="count"><b>{good}</b> of {total}</p>'
        f'<svg class="bar" viewBox="0 0 {max(total, 1)} 1" preserveAspectRatio="none" '
        f'aria-hidden="true"><rect width="{good}" height="1"/></svg></div>'
    )


def _chips(levels: Levels) -> str:
    proves = {each.name: each.proves for each in levels.all}
    return "".join(
        f'<button type="button" class="chip" aria-pressed="false" data-level="{escape(name)}" '
        f'title="{escape(proves[name])}">{escape(name)}</button>'
        for name in levels.others
    )


def _policy(style: str, script: str) -> str:
    """What the page may do: its own style and script, by their digests, and nothing else."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _json(data: PageData) -> str:
    """The data as JSON that can stand in a script element."""
    text = json.dumps(data.document(), ensure_ascii=False, separators=(",", ":"))
    return visible_json(text.replace("<", "\\u003c"))


def _asset(name: str) -> str:
    return files("envlock.page").joinpath("assets", name).read_text(encoding="utf-8")


def _filled(template: str, values: dict[str, str]) -> str:
    """The template with ``{{name}}`` replaced; what is put in is not looked at again."""
    first, *rest = template.split("{{")
    parts = [first]
    for each in rest:
        name, _, text = each.partition("}}")
        parts += [values[name], text]
    return "".join(parts)
