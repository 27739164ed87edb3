"""Which extras and groups have no answer together, and what to leave out."""

from __future__ import annotations

import pytest

from envlock.errors import NoResolution
from envlock.model import IndexSettings, Selection, SelectionKind
from envlock.request.words import parse_words
from envlock.resolve import Question, merge
from envlock.resolve.conflicts import apart, least
from support.rules import TARGET


def question(*names: str) -> Question:
    optional = {
        Selection(kind=SelectionKind(kind), name=merge(parse_words([name])).popitem()[0]): merge(
            parse_words([name])
        )
        for kind, _, name in (each.partition(" ") for each in names)
    }
    return Question(
        requirements={},
        constraints={},
        rules=(),
        target=TARGET,
        settings=IndexSettings(),
        base=merge(parse_words(["base"])),
        optional=optional,
    )


CASES = {
    "two of many": (
        ("extra a", "extra b", "extra c"),
        [{"a", "c"}],
        "extra a and extra c cannot be in one lock: why",
        ("--no-extra a", "--no-extra c"),
    ),
    "three that only together": (
        ("extra a", "extra b", "group c"),
        [{"a", "b", "c"}],
        "extra a, extra b and group c cannot be in one lock: why",
        ("--no-extra a", "--no-extra b", "--no-group c"),
    ),
    "each of three with each": (
        ("extra a", "extra b", "extra c"),
        [{"a", "b"}, {"a", "c"}, {"b", "c"}],
        "extra b and extra c cannot be in one lock: why",
        ("--no-extra a --no-extra b", "--no-extra a --no-extra c"),
    ),
    "one alone": (
        ("extra a", "group b"),
        [{"b"}],
        "group b cannot be in the lock: why",
        ("--no-group b",),
    ),
    "one alone and two": (
        ("extra a", "extra b", "extra c"),
        [{"a"}, {"b", "c"}],
        "extra b and extra c cannot be in one lock: why",
        ("--no-extra a --no-extra b", "--no-extra a --no-extra c"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_fewest_are_named_and_every_way_has_an_answer(case: str) -> None:
    names, excluded, said, ways = CASES[case]
    asked = question(*names)

    def answers(each: Question) -> bool:
        return not any(every <= set(each.requirements) for every in excluded)

    found = least(asked, answers)
    told = apart(asked, found, NoResolution("why"), answers)
    assert told.message == said
    assert set(told.remedies) == set(ways)
    for way in told.remedies:
        left_out = set(way.split()[1::2])
        assert answers(asked.choosing(s for s in asked.optional if s.name not in left_out))


def test_a_base_without_an_answer_is_nobodys_fault() -> None:
    assert least(question("extra a", "extra b"), lambda _: False) == ()
