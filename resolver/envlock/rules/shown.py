"""Where the symptoms of a rule are in a text, raised by whom the rule says. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from envlock.model import Rule
from envlock.rules.messages import Folded
from envlock.rules.patterns import flexible
from envlock.rules.traces import blamed_at, raised

_TRIED = 20  # places of one symptom


def speaks(rule: Rule, text: str) -> bool:
    """Whether one of a rule's symptoms or messages is in a text."""
    folded = Folded(text)
    return any(place(text, each, rule) for each in rule.symptoms) or any(
        map(folded.find, rule.messages)
    )


def place(text: str, symptom: str, rule: Rule) -> re.Match[str] | None:
    """Return where a symptom of a rule is in a text, raised by one whom the rule names.

    Where the text does not show who raised it, anybody may have.
    """
    if not rule.raised_in:
        return flexible(symptom).search(text)
    return next(filter(None, _own(text, symptom, rule)), None)


def _own(text: str, symptom: str, rule: Rule) -> Iterator[re.Match[str] | None]:
    for match in islice(flexible(symptom).all(text), _TRIED):
        blame = blamed_at(raised(text), match.end())
        yield match if blame is None or blame.is_of(rule.raised_in) else None


def without(text: str, rules: Sequence[Rule]) -> str:
    """Return a text in which the lines that say a message of the rules are blank."""
    if not rules:
        return text
    messages = [each for rule in rules for each in rule.messages]
    return "".join(
        f"{' ' * (len(line) - 1)}\n" if any(map(Folded(line).find, messages)) else line
        for line in text.splitlines(keepends=True)
    )
