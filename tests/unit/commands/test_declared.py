"""Every command as it is declared, and the function that does it."""

from importlib import import_module
from inspect import signature
from typing import get_type_hints

import pytest

from envlock.cli import COMMANDS
from envlock.cli.arguments import Command


@pytest.mark.parametrize("place", COMMANDS.values(), ids=COMMANDS)
def test_a_command_takes_the_groups_that_it_declares(place: str) -> None:
    room, _, name = place.partition(".")
    declared: Command = getattr(import_module(f"envlock.commands.{room}"), name)
    module, _, function = declared.does.rpartition(".")
    done = getattr(import_module(f"envlock.commands.{module}"), function)
    hints = get_type_hints(done)
    assert hints.pop("return") is int
    assert list(signature(done).parameters) == list(declared.groups)
    assert hints == declared.groups
