"""Which rules does a text show? Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from msgspec import Struct

from envlock.model import Rule
from envlock.rules.patterns import flexible, needs

_WIDTH = 200  # characters of a line that are quoted
_BEHIND = 40  # of them behind what was found, where that is far from the beginning


class Symptom(Struct, frozen=True, kw_only=True):
    """Where a rule's pattern was found.

    ``end`` is the place in the text, ``letters`` how much the pattern spells
    out, ``line`` what is quoted as evidence.
    """

    end: int
    letters: int
    line: str


def shown_by(text: str, rules: Iterable[Rule]) -> dict[str, Symptom]:
    """Return the rules of which a symptom is in the text, by id, with the most specific one."""
    if not text:
        return {}
    flat = " ".join(text.split())
    there = cache(flat.__contains__)
    found: dict[str, Symptom] = {}
    for rule in rules:
        matches = (_match(text, each) for each in rule.symptoms if needs(each).are_in(there))
        best = max(filter(None, matches), key=lambda m: (m.letters, -m.end), default=None)
        if best is not None:
            found[rule.id] = best
    return found


def _match(text: str, pattern: str) -> Symptom | None:
    match = flexible(pattern).search(text)
    if match is None:
        return None
    line = quoted(text, match.end() - 1)
    return Symptom(end=match.end(), letters=needs(pattern).letters, line=line)


def quoted(text: str, place: int) -> str:
    """Return the line around a place, cut to what a reader takes in."""
    start = text.rfind("\n", 0, place) + 1
    end = text.find("\n", place)
    line = text[start : len(text) if end < 0 else end].rstrip()
    line, place = line.lstrip(), place - start - (len(line) - len(line.lstrip()))
    if len(line) <= _WIDTH:
        return line
    if place < _WIDTH - 1:
        return f"{line[: _WIDTH - 1]}…"
    after = min(len(line), place + _BEHIND)
    return f"…{line[after - _WIDTH + 2 : after]}{'…' * (after < len(line))}"
