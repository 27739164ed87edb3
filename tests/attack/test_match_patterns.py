"""No pattern that is shipped, and none that a user may add, is slow on any text."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from envlock.rules import database
from envlock.rules.cost import SLOW, Effort, slow
from envlock.rules.patterns import apart, bounded, flexible, needs
from support.night import NIGHT
from support.pace import assert_quick, known_seconds
from support.program import Program
from support.worst import worst_texts

RULES = database.load().rules
SYMPTOMS = sorted({each for rule in RULES for each in rule.symptoms})
LIMIT = 1e-6  # seconds for a character: 0.2 s for 200,000 of them
SHORT, LONG = 8_000, 200_000
#: Which of the worst texts are tried: by night each, which takes a minute.
STEP = 1 if NIGHT else 48

BAD = [
    "(a+)+$b",
    r"(\w+\s?)+$never",
    "(?:a|a)*b",
    "(a|aa)+$",
    "((a*)*)*b",
    "(?:a?){30}a{30}b",
    r"(.)\1+z",
    "error.*error.*error",
    r"foo\s*\s*bar",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    "(?=(a+)+b)c",
]
GOOD = [
    "No module named .*",
    "foo.*bar",
    r"tensorflow [^\n]{0,40}requires [^\n]{0,40}but you have",
    "[a-z]+Error: foo",
    r"\A(?![\s\S]*never)[\s\S]*?always",
]


def seconds(pattern: re.Pattern[str], text: str) -> float:
    return known_seconds(lambda: pattern.search(text), enough=LIMIT * len(text))


def pieces(symptom: str) -> Iterator[str]:
    yield from (bounded(each) for each in apart(symptom) if each)


def test_every_shipped_pattern_is_quick_on_the_worst_texts_that_it_can_be_given() -> None:
    slowest = [
        (text[:60], symptom)
        for symptom in SYMPTOMS
        for pattern in pieces(symptom)
        for text in islice(worst_texts(pattern, SHORT), len(symptom) % STEP, None, STEP)
        if seconds(re.compile(pattern), text) > LIMIT * SHORT
    ]
    assert slowest == []


@pytest.mark.parametrize("symptom", SYMPTOMS[::20])
def test_a_search_takes_twice_as_long_in_a_text_of_twice_the_length(symptom: str) -> None:
    for pattern in pieces(symptom):
        text = max(worst_texts(pattern, SHORT), key=lambda t: seconds(re.compile(pattern), t))
        unit = text * (LONG // len(text))
        assert seconds(re.compile(pattern), unit) < LIMIT * LONG


def test_no_shipped_pattern_is_counted_as_slow() -> None:
    assert {symptom: slow(symptom) for symptom in SYMPTOMS if slow(symptom)} == {}
    assert SLOW < 10 / LIMIT / 1e3


@pytest.mark.parametrize("symptom", BAD)
def test_a_pattern_that_a_text_can_hang_is_refused(symptom: str) -> None:
    assert slow(symptom)


@pytest.mark.parametrize("symptom", GOOD)
def test_a_pattern_that_is_quick_everywhere_is_taken(symptom: str) -> None:
    assert slow(symptom) == ""


def test_what_must_not_be_anywhere_is_looked_for_by_itself() -> None:
    sought = flexible(r"\A(?![\s\S]*(?:never|nowhere))[\s\S]*?always")
    assert sought.search("x" * 5000 + "always") is not None
    assert sought.search("always" + "x" * 5000 + "nowhere") is None


RULE = """\
id: mine
title: A rule of mine
stage: import
severity: breaks
because: A rule whose symptom is what is tried here.
symptoms:
  - {symptom}
metadata: "no"
remedy:
  - advice: none
evidence:
  - how: ran
    what: It was tried on this machine.
    checked: "2026-01-01"
examples:
  matches:
    - ab
"""


def test_rules_check_says_which_part_of_a_symptom_hangs_and_how_to_write_it(
    program: Program,
) -> None:
    folder = program.here / "rules"
    folder.mkdir()
    (folder / "mine.yaml").write_text(RULE.format(symptom="(a+)+$b"))
    said = (
        "rules/mine.yaml: mine: symptoms[0]: (a+)+ can match one text in so many ways that a"
        " search may never end; what is repeated must not itself repeat the same:"
        " a+ for (a+)+, [ab]* for (a|ab)*\n"
    )
    done = program("rules", "check", "rules")
    assert (done.code, done.err) == (1, f"error: 1 fault in rules:\n{said}")
    (program.here / "log.txt").write_text("Traceback (most recent call last):\n" + "a" * 5000)
    done = program("diagnose", "log.txt", "--rules", "rules")
    assert (done.code, done.err) == (2, f"error: these rules cannot be used:\n{said}")


def test_a_pattern_that_python_itself_cannot_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(RULE.format(symptom='"a{99999999999999999999}"'))
    (tmp_path / "two.yaml").write_text(RULE.format(symptom="(" * 2000 + ")" * 2000))
    _, (one, two) = database.check(tmp_path)
    assert one.endswith("mine: symptoms[0]: 'a{99999999999999999999}' is not a 'regex'")
    assert two.endswith("is not a 'regex'") or "((((" in two


#: What a judge that tries every part without every other one has no end for, and what reads twice.
COSTLY = [
    "foo" + "a?" * 500,
    ".+" + ".?" * 500,
    "(?:.{0,2}x?)" * 160,
    "(" * 60 + "a+b" + ")+b" * 60,
    "(?:" * 40 + "a+b" + ")++b" * 40,
    "(" * 95 + "a" + ")+" * 95,
    "(a|b?)" * 330,
    "foo" + "(?:a?b?)" * 240,
]


def test_a_symptom_that_costs_too_much_to_judge_is_refused_in_two_seconds(tmp_path: Path) -> None:
    assert all(slow(symptom) for symptom in COSTLY)
    for many, said in (
        (10, "there are too many repeats in these symptoms to judge them; write fewer"),
        (60, "symptoms: they have too many characters, all together, to judge; write fewer"),
    ):
        symptoms = "\n".join(f"  - '{each}{n}'" for n in range(many) for each in COSTLY)
        (tmp_path / "mine.yaml").write_text(RULE.replace("  - {symptom}", symptoms))
        _, wrong = assert_quick(3, lambda: database.check(tmp_path))
        assert any(each.endswith(said) for each in wrong)


def test_as_many_symptoms_as_are_shipped_are_judged_together() -> None:
    effort = Effort(database._STEPS)  # noqa: SLF001  (the budget of a folder)
    assert [each for each in SYMPTOMS if slow(each, effort)] == []


@pytest.mark.parametrize(
    ("symptom", "text"),
    [
        (r"\N{DIGIT ONE} error", "1\n  error"),
        (r"\N{LATIN SMALL LETTER A}bcd", "abcd"),
        (r"[\N{DIGIT ONE}-\N{DIGIT THREE}]abcd", "2abcd"),
        (r"\x41bcdef", "Abcdef"),
        (r"\u0041bcdef", "Abcdef"),
        (r"\101bcdef", "Abcdef"),
        ("abcd {2,3}efgh", "abcd  efgh"),
        ("abcd {0,}efgh", "abcdefgh"),
    ],
)
def test_an_escape_or_a_counted_blank_is_found_as_it_is_written(symptom: str, text: str) -> None:
    assert slow(symptom) == ""
    assert flexible(symptom).search(text) is not None
    assert needs(symptom).are_in(" ".join(text.split()).__contains__)


@pytest.mark.parametrize("symptom", [" {300}bcd", "a{4294967290,}b"])
def test_what_cannot_be_given_an_end_is_refused_in_words(symptom: str) -> None:
    assert slow(symptom).startswith("cannot be searched for with an end to its repeats: ")


@pytest.mark.parametrize("symptom", [r"[\u0400-\u04ff]+[\u0410-\u04ff]+x", r"(?i)[à-ý]+[À-Ý]+x"])
def test_letters_that_are_written_as_escapes_or_ranges_are_counted(symptom: str) -> None:
    assert slow(symptom)
