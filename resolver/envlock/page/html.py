"""The page: one file without a request to anywhere. Everything from evidence is escaped."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

from msgspec import Struct, field
from packaging.version import Version

from envlock.evidence.explain import explain, failure_text, failures, is_refused
from envlock.evidence.values import LEGACY, PLAIN, RULES, Cell, CellEvidence, ProvedSet
from envlock.model import Rule, RuleId
from envlock.outcomes import Crashed, Failed, Outcome, Passed, Skipped
from envlock.page.beside import section
from envlock.page.board import (
    Board,
    Grade,
    Levels,
    ReleaseRow,
    absent,
    boards,
    both,
    h5py_series,
    lost,
    passing,
    state,
)
from envlock.page.templates import asset, filled
from envlock.words import visible, visible_json


def page(
    cells: Sequence[CellEvidence],
    missing: Sequence[Cell],
    rules: Sequence[Rule],
    levels: Levels,
    companions: Sequence[CellEvidence] = (),
) -> str:
    """Return the whole page, the same for the same evidence and rules."""
    data = PageData(rules=rules, levels=levels)
    for each in cells:
        data.add(each)
    shown = boards(cells, missing)
    style, script = asset("page.css"), asset("page.js")
    return filled(
        asset("page.html"),
        {
            "policy": _policy(style, script),
            "style": style,
            "chips": _chips(levels),
            "boards": visible(
                "".join((*(_section(board, data) for board in shown), section(companions)))
            )
            or _NOTHING,
            "data": _json(data),
            "script": script,
        },
    )


_NOTHING = "<p>Nothing has been run yet.</p>"


def _legacy(board: Board, data: PageData) -> str:
    """The cells with Keras 2 beside Keras 3, where some were run."""
    cells = [(each, found) for each in board.cells if (found := each.find(LEGACY))]
    if not cells:
        return ""
    names = tuple(each.name for each in data.levels.all)
    settings = sorted({f"{n}={v}" for _, found in cells for n, v in found.variables.items()})
    versions = list(dict.fromkeys(each.cell.version for each, _ in cells))
    pythons = sorted({each.cell.python for each, _ in cells}, key=Version)
    there = {(each.cell.version, each.cell.python): pair for pair in cells for each in pair[:1]}
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in pythons)
    rows = "".join(
        f"<tr>{_row_head(str(version), '')}"
        f"{''.join(_keras_2(there.get((version, each)), data) for each in pythons)}</tr>\n"
        for version in versions
    )
    grid = (
        '<table role="grid" class="builds" aria-label="TensorFlow releases with Keras 2">\n'
        f'<thead><tr><th scope="col" class="corner">TensorFlow</th>{head}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody></table>"
    )
    number = f"{sum(found.passes(names) for _, found in cells)} of {len(cells)}"
    told = " and ".join(f"<code>{escape(each)}</code>" for each in settings)
    values = {"grid": grid, "number": number, "settings": told}
    return filled(asset("legacy.html"), values)


def _keras_2(pair: tuple[CellEvidence, ProvedSet] | None, data: PageData) -> str:
    if pair is None:
        return '<td class="void"></td>'
    evidence, found = pair
    cell, levels = evidence.cell, data.levels
    label = f"TensorFlow {cell.version} with Keras 2, Python {cell.python}: "
    label += in_words(found, levels)
    half = _half(found, levels, "own", _long_sign(found, levels))
    return f"<td>{_button('tile', label, _numbered(evidence, found, data, 'set'), half)}</td>"


def _section(board: Board, data: PageData) -> str:
    gate = data.levels.gate
    own, plain = board.compared.sets(RULES), board.compared.sets(PLAIN)
    numbers = _number("own", "envlock's lock", passing(own, gate), own)
    if plain:
        numbers += _number("plain", "a plain resolve", passing(plain, gate), plain)
    pairs = ""
    if board.pairs:
        pairs = filled(asset("pairs.html"), {"grid": h5py_grid(board, data)})
    builds, others = "", board.others
    if others is not None:
        values = {
            "names": " and ".join(f"<code>{escape(each)}</code>" for each in others.distributions),
            "number": f"{passing(others.sets(RULES), gate)} of {len(others.cells)}",
            "grid": python_grid(others, data, named=True),
        }
        builds = filled(asset("builds.html"), values)
    return filled(
        asset("board.html"),
        {
            "platform": escape(board.platform),
            "days": escape(board.days),
            "numbers": numbers,
            "grid": python_grid(board.main, data),
            "pairs": pairs,
            "builds": _legacy(board, data) + builds,
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


_LONGEST = 400  # characters of a message

#: Requirements that mean the same between double quotes in every shell.
_PLAIN = re.compile(r"[\w.,=<>~*\[\]-]+", re.ASCII)


class HtmlTable(Struct):
    """Values by number, each once."""

    values: list[str] = field(default_factory=list)
    _known: dict[str, int] = field(default_factory=dict)

    def add(self, value: str) -> int:
        """Return the number of a value."""
        if value not in self._known:
            self._known[value] = len(self.values)
            self.values.append(value)
        return self._known[value]


class PageData(Struct):
    """What the page's script is given, built set by set."""

    rules: Sequence[Rule]
    levels: Levels
    texts: HtmlTable = field(default_factory=HtmlTable)
    pins: HtmlTable = field(default_factory=HtmlTable)
    told: HtmlTable = field(default_factory=HtmlTable)
    cells: list[dict[str, Any]] = field(default_factory=list)
    numbers: dict[tuple[Cell, str], int] = field(default_factory=dict)
    _sets: list[dict[str, Any]] = field(default_factory=list)

    def add(self, evidence: CellEvidence) -> None:
        """Add a cell with all of its sets."""
        cell = evidence.cell
        self.cells.append(
            {
                "release": str(cell.version),
                "build": cell.distribution,
                "python": cell.python,
                "platform": cell.platform,
                "key": cell.filename.removesuffix(".json"),
            }
        )
        for proved in evidence.sets:
            self.numbers[cell, proved.name] = len(self._sets)
            self._sets.append(self._set(cell, proved))

    def document(self) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        known = {rule.id: rule for rule in self.rules}
        return {
            "levels": [
                {"name": each.name, "proves": each.proves, "gate": each.gate}
                for each in self.levels.all
            ],
            "texts": self.texts.values,
            "pins": self.pins.values,
            "rules": [_rule(name, known.get(RuleId(name))) for name in self.told.values],
            "cells": self.cells,
            "sets": self._sets,
        }

    def is_refused(self, cell: Cell, proved: ProvedSet) -> bool:
        """Whether envlock makes no such lock."""
        return proved.name != PLAIN and is_refused(self.rules, cell, proved)

    def _set(self, cell: Cell, proved: ProvedSet) -> dict[str, Any]:
        where = proved.circumstances
        refused = self.is_refused(cell, proved)
        document: dict[str, Any] = {
            "cell": len(self.cells) - 1,
            "name": proved.name,
            "day": where.day.isoformat(),
            "on": self.texts.add(", ".join(filter(None, (where.interpreter, where.libc)))),
            "probe": self.texts.add(where.probe),
            "seconds": round(sum(proved.seconds.values())),
            "pins": [self.pins.add(f"{p.name}=={p.version}") for p in proved.packages],
        }
        if proved.name != PLAIN and proved.outcomes and not refused:
            document["command"] = self.texts.add(create_command(cell, proved, self.levels))
        if moved := {
            str(number): [self.told.add(each) for each in package.because]
            for number, package in zip(document["pins"], proved.packages, strict=True)
            if package.because and proved.name != PLAIN
        }:
            document["moved"] = moved
        if refused:
            document["against"] = 1
        if proved.problem:
            document["problem"] = self.texts.add(_cut(proved.problem))
        if proved.outcomes:
            document["levels"] = self._levels(proved.outcomes)
        if why := self._why(cell, proved):
            document["why"] = why
        return document

    def _levels(self, outcomes: Iterable[Outcome]) -> list[list[Any] | None]:
        """A letter and a text a level, in the order of the levels; None for one not tried."""
        found = {each.level: each for each in outcomes}
        return [
            None if (each := found.get(level.name)) is None else [*self._outcome(each)]
            for level in self.levels.all
        ]

    def _outcome(self, outcome: Outcome) -> tuple[str, int]:
        match outcome:
            case Passed(detail=detail):
                return "p", self.texts.add(_cut(detail))
            case Failed():
                return "f", self.texts.add(_cut(failure_text(outcome)))
            case Crashed(detail=detail):
                return "c", self.texts.add(_cut(detail))
            case Skipped(detail=detail):
                return "s", self.texts.add(_cut(detail))

    def _why(self, cell: Cell, proved: ProvedSet) -> dict[str, list[int]]:
        """The rules that explain each failed level: those whose symptom was seen, else all."""
        found: dict[str, list[int]] = {}
        for level, rules in explain(self.rules, cell, proved).items():
            seen = [each for each in rules if each.by_symptom] or list(rules)
            if seen:
                found[level] = [self.told.add(each.rule.id) for each in seen]
        return found


def create_command(cell: Cell, proved: ProvedSet, levels: Levels) -> str:
    """The command that makes an environment as a set was asked for, for any shell."""
    words = (
        f'"{each}"' if _PLAIN.fullmatch(each) else shlex.quote(each) for each in proved.request
    )
    needs = ",".join(name for name in levels.others if name in proved.capabilities)
    own = f" --needs {needs}" if proved.name == LEGACY and needs else ""
    return f"envlock create {' '.join(words)}{own} --python {cell.python}"


def _rule(name: str, rule: Rule | None) -> dict[str, Any]:
    if rule is None:  # one that moved a pin then, and is no more
        return {"id": name, "title": "", "because": "", "severity": "", "remedy": []}
    return {
        "id": rule.id,
        "title": rule.title,
        "because": rule.because,
        "severity": rule.severity.value,
        "remedy": [f"{each.kind}: {each.text}" for each in rule.remedies],
    }


def _cut(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


_SIGNS = {Grade.FULL: "✓", Grade.FAIL: "✗", Grade.NONE: "∅", Grade.OPEN: "·"}


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


def _cells(board: Board, release: ReleaseRow, data: PageData, *, named: bool) -> Iterator[str]:
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
    numbers = [_numbered(evidence, own, data, "set")]
    if plain is not None:
        label += f"; a plain resolve {in_words(plain, levels)}"
        halves += _half(plain, levels, "plain", _sign(plain, levels))
        numbers.append(_numbered(evidence, plain, data, "plain"))
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
    return f"<td>{_button(kinds, label, _numbered(evidence, proved, data, 'set'), half)}</td>"


def _button(kinds: str, label: str, numbers: str, halves: str) -> str:
    return (
        f'<button type="button" class="{kinds}" tabindex="-1" {numbers} '
        f'aria-label="{escape(label)}">{halves}</button>'
    )


def _half(proved: ProvedSet | None, levels: Levels, kind: str, sign: str) -> str:
    return f'<span class="{kind} {state(proved, levels)}">{escape(sign)}</span>'


def _numbered(evidence: CellEvidence, proved: ProvedSet | None, data: PageData, key: str) -> str:
    if proved is None:
        return ""
    return f'data-{key}="{data.numbers[evidence.cell, proved.name]}"'


def _row_head(label: str, small: str) -> str:
    extra = f"<small>{escape(small)}</small>" if small else ""
    return f'<th scope="row">{escape(label)}{extra}</th>'


def _sign(proved: ProvedSet | None, levels: Levels) -> str:
    """A sign; for a set that passes the gate, how many capabilities failed."""
    found = state(proved, levels)
    if found is Grade.GATE and proved is not None:
        return f"\N{MINUS SIGN}{len(lost(proved, levels))}"
    return _SIGNS[found]


def _long_sign(proved: ProvedSet | None, levels: Levels) -> str:
    """A sign where there is room for a word."""
    sign = _sign(proved, levels)
    match state(proved, levels):
        case Grade.FULL:
            return f"{sign} all"
        case Grade.GATE:
            return f"✓ {sign}"
        case Grade.FAIL if proved is not None:
            return f"{sign} {_first_bad(proved, levels)}"
        case _:
            return sign


def in_words(proved: ProvedSet | None, levels: Levels) -> str:
    """Say how a set stands."""
    match state(proved, levels):
        case Grade.FULL if proved is not None:
            return f"passes every level{_without(proved, levels)}"
        case Grade.GATE if proved is not None:
            lacks = ", ".join(lost(proved, levels))
            return f"passes the gate, lacks {lacks}{_without(proved, levels)}"
        case Grade.FAIL if proved is not None:
            return f"fails at {_first_bad(proved, levels)}"
        case Grade.NONE:
            return "cannot be made"
        case _:
            return "was not run"


def _without(proved: ProvedSet, levels: Levels) -> str:
    names, untried = absent(proved, levels), proved.untried(levels.others)
    without = f", has no {', '.join(names)}" if names else ""
    return f"{without}; {', '.join(untried)} not run" if untried else without


def _first_bad(proved: ProvedSet, levels: Levels) -> str:
    failed = [each.level for each in failures(proved) if each.level in levels.gate]
    untried = (each for each in levels.gate if each not in proved.capabilities)
    return next(iter(failed), next(untried, ""))
