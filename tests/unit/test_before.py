"""The options that every command takes, before it or behind."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path

import pytest

from envlock.choices import Colour
from envlock.cli import _PASSING, COMMANDS
from envlock.cli.before import Before, read
from envlock.cli.colors import choose, painted
from envlock.errors import UsageError


def understood(line: str) -> Before:
    return read(line.split(), _PASSING)


def test_they_are_taken_from_either_side_of_the_command() -> None:
    for line in ("-C sub --color=never lock six", "lock six --directory=sub --color never"):
        found = understood(line)
        assert (found.directory, found.color) == ("sub", Colour.NEVER)
        assert found.command == ("lock", "six")
    assert understood("--log x.log --no-progress sync").log == Path("x.log")
    assert not understood("--no-progress sync").progress


def test_loudness_is_counted_on_both_sides() -> None:
    assert understood("-v lock -v").loud == 2
    assert understood("lock -vv").loud == 2
    assert understood("--verbose lock").loud == 1
    assert understood("-q lock six").talk == ("-q",)
    assert understood("lock six -q").command == ("lock", "six", "-q")


def test_what_another_program_is_given_stays_as_it_is() -> None:
    for line in ("run prog -vv --color always -C x", "lock -- -vv --color always -C x"):
        found = understood(line)
        assert (found.command, found.loud) == (tuple(line.split()), 0)
    assert understood("-C sub run prog").directory == "sub"


@pytest.mark.parametrize("line", ["-C", "lock --log", "--color red lock"])
def test_a_value_that_is_missing_or_none_is_refused(line: str) -> None:
    with pytest.raises(UsageError):
        understood(line)


def test_the_commands_that_pass_words_on_are_those_that_say_so() -> None:
    found = set()
    for name, place in COMMANDS.items():
        room, _, declared = place.partition(".")
        if getattr(import_module(f"envlock.commands.{room}"), declared).passes_on:
            found.add(name)
    assert found == _PASSING


@pytest.mark.parametrize(
    ("variables", "chosen", "coloured"),
    [
        ({}, Colour.AUTO, False),
        ({}, Colour.ALWAYS, True),
        ({"FORCE_COLOR": "1"}, Colour.AUTO, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, Colour.AUTO, False),
        ({"NO_COLOR": "1"}, Colour.ALWAYS, True),
        ({"CLICOLOR_FORCE": "1"}, Colour.AUTO, True),
        ({"FORCE_COLOR": "1"}, Colour.NEVER, False),
    ],
)
def test_colours_are_as_typed_and_as_variables_say(
    monkeypatch: pytest.MonkeyPatch, *, variables: dict[str, str], chosen: Colour, coloured: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    choose(chosen)
    try:
        text = painted("proved  fit, save\nnot proved  keras\n   passed", io.StringIO())
    finally:
        choose(Colour.AUTO)
    assert ("\x1b[32mproved\x1b[0m  fit" in text) is coloured
    assert ("\x1b[33mnot proved\x1b[0m  keras" in text) is coloured
