"""What --help shows as examples can be typed: each is taken by the command that it is of."""

from __future__ import annotations

import shlex
from importlib import import_module
from typing import Any

import pytest
import typer

from envlock.cli import _PASSING, COMMANDS, _app
from envlock.cli.arguments import Command
from envlock.cli.before import read

#: Those that have nothing to choose.
ALONE = {"cache dir", "rules schema", "config schema", "json schema"}


def declared(place: str) -> Command:
    room, _, name = place.partition(".")
    found: Command = getattr(import_module(f"envlock.commands.{room}"), name)
    return found


EXAMPLES = [(name, line) for name, place in COMMANDS.items() for line in declared(place).examples]


def test_every_command_shows_two() -> None:
    few = {name for name, place in COMMANDS.items() if len(declared(place).examples) < 2}
    assert few == ALONE


@pytest.mark.parametrize(("name", "line"), EXAMPLES)
def test_an_example_is_taken_by_its_command(name: str, line: str) -> None:
    words = [*read(shlex.split(line), _PASSING).command]
    assert line.startswith(f"{name} ") or line == name
    command: Any = typer.main.get_command(_app(words))
    for _ in name.split():
        command = command.commands[words.pop(0)]
    command.make_context(name, words)  # raises where an option or a word is not taken
