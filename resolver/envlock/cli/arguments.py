"""Options as fields of dataclasses: typer reads them, a command takes values of those classes.

typer wants every option of a command in its signature. `register` writes that
signature from the option groups a command takes, so that a group is written
once and a command has four parameters instead of thirty.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, field, fields
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from envlock.cli.interrupts import Interrupted

Command = Callable[..., int]


def flag(*names: str, says: str) -> Any:  # noqa: ANN401  (stands for a field of any type)
    """Make a field that is True when one of ``names`` is typed."""
    return field(default=False, metadata={"typer": typer.Option(*names, help=says)})


def option(*names: str, metavar: str, says: str, default: object = None) -> Any:  # noqa: ANN401  (as in flag)
    """Make a field that takes one value; typed twice, the last one counts."""
    info = typer.Option(*names, metavar=metavar, help=says, show_default=False)
    return field(default=default, metadata={"typer": info})


def repeated(*names: str, metavar: str, says: str) -> Any:  # noqa: ANN401  (as in flag)
    """Make a field that is the tuple of every value typed."""
    info = typer.Option(*names, metavar=metavar, help=says, show_default=False)
    return field(default=(), metadata={"typer": info})


def words(metavar: str, *, says: str) -> Any:  # noqa: ANN401  (as in flag)
    """Make a field that is the tuple of what is typed without an option."""
    info = typer.Argument(metavar=f"[{metavar}]...", help=says, show_default=False)
    return field(default=(), metadata={"typer": info})


def word(metavar: str, *, says: str, default: object = MISSING) -> Any:  # noqa: ANN401  (as in flag)
    """Make a field for one word without an option, which must be there unless it has a default."""
    if default is MISSING:
        return field(metadata={"typer": typer.Argument(metavar=metavar, help=says)})
    info = typer.Argument(metavar=metavar, help=says, show_default=False)
    return field(default=default, metadata={"typer": info})


def register(app: typer.Typer, name: str, command: Command) -> None:
    """Add a command to an app, with the options of the groups that it takes."""
    groups = _groups(command)

    def call(**values: object) -> int:
        taken = {
            parameter: kind(**{item.name: _value(values[item.name]) for item in fields(kind)})
            for parameter, kind in groups.items()
        }
        try:
            return command(**taken)
        except KeyboardInterrupt:  # of which typer would say nothing
            raise Interrupted("interrupted: nothing was changed") from None

    call.__doc__ = command.__doc__
    call.__signature__ = inspect.Signature(list(_parameters(groups.values())))  # type: ignore[attr-defined]
    call.__annotations__ = {}
    app.command(name)(call)


def _groups(command: Command) -> dict[str, type[Any]]:
    hints = get_type_hints(command)
    hints.pop("return", None)
    return hints


def _parameters(groups: Iterable[type[Any]]) -> Iterator[inspect.Parameter]:
    for kind in groups:
        hints = get_type_hints(kind)
        for item in fields(kind):
            hint = hints[item.name]
            several = get_origin(hint) is tuple
            annotation = list[get_args(hint)[0]] if several else hint  # type: ignore[misc]
            default = [] if several else item.default
            yield inspect.Parameter(
                item.name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=Annotated[annotation, item.metadata["typer"]],
                default=inspect.Parameter.empty if default is MISSING else default,
            )


def _value(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
