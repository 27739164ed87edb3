"""The data of the page: every set once, texts and pins in tables that sets point into."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, field

from envlock.evidence.explain import explain, failure_text, is_refused
from envlock.evidence.values import PLAIN, Cell, CellEvidence, ProvedSet
from envlock.model import Rule, RuleId
from envlock.outcomes import Crashed, Failed, Outcome, Passed, Skipped
from envlock.page.levels import Levels

_LONGEST = 400  # characters of a message
#: Requirements that mean the same between double quotes in every shell.
_PLAIN = re.compile(r"[\w.,=<>~*\[\]-]+", re.ASCII)


class Table(Struct):
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
    texts: Table = field(default_factory=Table)
    pins: Table = field(default_factory=Table)
    told: Table = field(default_factory=Table)
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
            document["command"] = self.texts.add(create_command(cell, proved))
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


def create_command(cell: Cell, proved: ProvedSet) -> str:
    """The command that makes an environment as a set was asked for, for any shell."""
    words = (
        f'"{each}"' if _PLAIN.fullmatch(each) else shlex.quote(each) for each in proved.request
    )
    return f"envlock create {' '.join(words)} --python {cell.python}"


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
