"""Faults of the arguments in envlock's words, and remedies that can be pasted.

Imported for errors only.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import typer

from envlock.errors import UsageError


def usage_error(fault: typer.TyperException, name: str) -> UsageError:
    """Return what typer found wrong with the arguments of a command as an error of envlock."""
    message = fault.format_message().replace(": Value error, ", ": ").rstrip(".")
    path = f"envlock {name}".rstrip()
    return UsageError(f"{message[:1].lower()}{message[1:]}", f"{path} --help")


def command_name(app: typer.Typer, typed: Sequence[str]) -> str:
    """Return the name of the command that was typed, "" for none."""
    return _find(app, typed)[0]


def pasted(app: typer.Typer, typed: Sequence[str], remedy: str) -> str:
    """Return a remedy as a whole command: an option with its value joins what was typed.

    There it takes the place of the same option, if that can have one value only.
    """
    option, _, _ = remedy.partition("  # ")
    name, *value = option.split() or [""]
    if not name.startswith("-") or len(value) > 1:
        return remedy
    _, command = _find(app, typed)
    options = (param for param in command.params if name in param.opts)
    spellings = next((o.opts for o in options if not (o.multiple or o.is_flag)), ())
    kept: list[str] = ["envlock"]
    words = iter(typed)
    for word in words:
        if word in spellings:
            next(words, None)
        elif word.partition("=")[0] not in spellings:
            kept.append(word)
    return f"{shlex.join(kept)} {remedy}"


def _find(app: typer.Typer, typed: Sequence[str]) -> tuple[str, Any]:
    command: Any = typer.main.get_command(app)
    names: list[str] = []
    for word in typed:
        inner = getattr(command, "commands", {})
        if word in inner:
            names.append(word)
            command = inner[word]
    return " ".join(names), command
