"""Symptoms bear line breaks, and what they ask for is known without trying them."""

import pytest

from envlock.rules import database
from envlock.rules.patterns import Sought, flexible, needs

BROKEN = [
    ("cannot be run in", "cannot be\n    run in"),
    (r"module 'numpy' has no attribute '\w+'", "module 'numpy' has no\nattribute 'object'"),
    (r"errno ?= ?\d+", "errno = 11"),
    (r"errno ?= ?\d+", "errno=11"),
    (r"[ a]b", " b"),
    (r"(?<!not a )\bname is", "the name\nis"),
]


@pytest.mark.parametrize(("pattern", "text"), BROKEN)
def test_a_blank_in_a_symptom_is_any_run_of_blanks(pattern: str, text: str) -> None:
    assert flexible(pattern).search(text)


def test_what_may_not_stand_before_stays_forbidden() -> None:
    assert flexible(r"(?<!not a )name").search("not a name") is None


NEEDS = [
    ("cannot be run in", {"cannot be run in"}, 16),
    (
        r"module 'numpy' has no attribute '(?:object|bool)'",
        {"module 'numpy' has no attribute '"},
        38,
    ),
    (
        r"(?:PackagesNotFound|Unsatisfiable)Error[\s\S]{0,20}?x",
        {"PackagesNotFound", "Unsatisfiable"},
        19,
    ),
    (r"colou?rs? seen", {" seen"}, 10),
    (r"(?:first)? second", {" second"}, 7),
    (r"abc|defgh", set(), 3),
    (r"(?i)some words", set(), 10),
    (r"\A(?![\s\S]*never)[\s\S]*?always", {"always"}, 6),
    (r"[abc]+\d*", set(), 0),
    (r"a\.b\(c\)", {"a.b(c)"}, 6),
]


@pytest.mark.parametrize(("pattern", "texts", "letters"), NEEDS)
def test_a_pattern_asks_for_the_letters_it_spells_out(
    pattern: str, texts: set[str], letters: int
) -> None:
    found = needs(pattern)
    assert (set(found.texts), found.letters) == (texts, letters)


@pytest.mark.parametrize("rule", database.load().rules, ids=lambda rule: rule.id)
def test_every_symptom_can_be_made_flexible(rule: object) -> None:
    for pattern in getattr(rule, "symptoms", ()):
        assert isinstance(flexible(pattern), Sought)
