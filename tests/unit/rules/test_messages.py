"""A message is found whatever a terminal, a page or a log made of it."""

import pytest

from envlock.rules.messages import Folded, fault
from support.pace import assert_quick

MESSAGE = "The filename must end in `.weights.h5`. Received: filepath={}, more {} behind"
SAID = "ValueError: The filename must end in `.weights.h5`. Received: filepath=a.h5, more b behind"

TEXTS = {
    "as it is": SAID,
    "quoted": repr(f"{SAID}\nIt's all."),
    "without backquotes": SAID.replace("`", ""),
    "with other quotes": SAID.replace("`", "\u201c"),
    "in small letters": SAID.lower(),
    "wrapped between words": SAID.replace(" ", "\n    "),
    "wrapped within words": "\n".join(SAID[n : n + 7] for n in range(0, len(SAID), 7)),
    "in a box": "\n".join(f"\u2502 {SAID[n : n + 30]:<30} \u2502" for n in range(0, len(SAID), 30)),
    "in a mail": "\n".join(f"> {SAID[n : n + 40]}" for n in range(0, len(SAID), 40)),
    "told by pytest": "\n".join(f"E       {SAID[n : n + 40]}" for n in range(0, len(SAID), 40)),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_message_is_found(text: str) -> None:
    assert Folded(f"before\n{text}\nafter\n").find(MESSAGE)


def test_the_lines_that_have_it_are_told_and_how_much_it_spells_out() -> None:
    text = "first\nbefore Cannot load\nthe model x of y\nlast"
    found = Folded(text).find("Cannot load the model {} of")
    assert found is not None
    assert text[found.start : found.end] == "before Cannot load\nthe model x of y\n"
    assert found.letters == len("cannotloadthemodelof")


def test_the_last_of_several_counts() -> None:
    text = "No model found in a\n" * 3
    found = Folded(text).find("No model found in")
    assert found is not None
    assert found.end == len(text)


@pytest.mark.parametrize(
    "text", ["", "more a behind", "The filename must end in .weights.h5. Received: filepath="]
)
def test_a_part_of_a_message_is_not_the_message(text: str) -> None:
    assert Folded(text).find(MESSAGE) is None


def test_parts_that_are_far_from_each_other_are_no_message() -> None:
    text = SAID.replace("a.h5", "a" * 3000)
    assert Folded(text).find(MESSAGE) is None


def test_what_any_text_would_have_is_no_message() -> None:
    assert fault("a {} file") != ""
    assert fault(" ".join(["some words {}"] * 9)) != ""
    assert fault(MESSAGE) == ""


def test_a_text_of_nothing_but_beginnings_is_quick() -> None:
    text = "The filename must end in `.weights.h5`. Received: filepath=, more\n" * 15_000
    folded = assert_quick(0.5, lambda: Folded(text))
    assert assert_quick(0.1, lambda: folded.find(MESSAGE)) is None
