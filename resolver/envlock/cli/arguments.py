"""Options as fields of dataclasses: argparse reads them, a command gets values of those classes.

argparse, since every command pays for its parser: 20 ms, where typer and the
pydantic under it take 150.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import MISSING, Field, field, fields
from enum import StrEnum
from typing import Any, NoReturn, get_type_hints

from envlock.errors import UsageError

_OPTIONS_WIDTH = 34  # characters; the help of a longer option begins on a line of its own


def flag(*names: str, says: str) -> Any:  # noqa: ANN401  (stands for a field of any type)
    """Make a field that is True when one of ``names`` is typed."""
    return field(default=False, metadata={"names": names, "help": says, "action": "store_true"})


def option(  # noqa: ANN201  (as in flag)
    *names: str,
    metavar: str,
    says: str,
    kind: Callable[[str], object] = str,
    default: object = None,
) -> Any:
    """Make a field that takes one value; typed twice, the last one counts."""
    told = {"names": names, "metavar": metavar, "help": says, "type": kind}
    return field(default=default, metadata=told)


def repeated(*names: str, metavar: str, says: str, kind: Callable[[str], object] = str) -> Any:
    """Make a field that is the tuple of every value typed."""
    told = {"names": names, "metavar": metavar, "help": says, "type": kind, "action": "append"}
    return field(default=(), metadata=told)


def words(metavar: str, *, says: str) -> Any:
    """Make a field that is the tuple of what is typed without an option."""
    return field(default=(), metadata={"metavar": metavar, "help": says, "nargs": "*"})


def word(
    metavar: str, *, says: str, kind: Callable[[str], object] = str, default: object = MISSING
) -> Any:
    """Make a field for one word without an option, which must be there unless it has a default."""
    told = {"metavar": metavar, "help": says, "type": kind}
    if default is MISSING:
        return field(metadata=told)
    return field(default=default, metadata={**told, "nargs": "?"})


def choice(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    """Return what reads one of the words of ``kind``."""

    def read(text: str) -> StrEnum:
        try:
            return kind(text)
        except ValueError:
            known = ", ".join(kind)
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {known}") from None

    return read


def parse(name: str, command: Callable[..., object], typed: Sequence[str]) -> dict[str, object]:
    """Read what was typed after the name of a command: its parameters and their values.

    Each parameter of ``command`` is a dataclass of options, whose docstring is
    their title in the help.

    Raises:
        UsageError: an option is unknown, or a value is missing or makes no sense.
        SystemExit: the help was asked for and printed.
    """
    groups = _groups(command)
    parser = _parser(name, command, groups.values())
    found, unknown = parser.parse_known_intermixed_args(list(typed))
    if unknown:
        raise _unknown(name, unknown[0], groups.values())
    values = vars(found)
    return {
        parameter: kind(**{item.name: _value(item, values[item.name]) for item in fields(kind)})
        for parameter, kind in groups.items()
    }


def with_option(command: Callable[..., object], typed: Sequence[str], added: str) -> str:
    """Return what was typed with an option added, in place of the same option where it takes one value."""
    name = added.split()[0]
    names = next(
        (
            item.metadata["names"]
            for item in _fields(_groups(command).values())
            if name in item.metadata.get("names", ()) and item.metadata.get("action") != "append"
        ),
        (),
    )
    kept: list[str] = []
    rest = iter(typed)
    for each in rest:
        if each in names:
            next(rest, None)
        elif each.partition("=")[0] not in names:
            kept.append(each)
    return f"{shlex.join(kept)} {added}"


def _groups(command: Callable[..., object]) -> dict[str, type[Any]]:
    hints = get_type_hints(command)
    hints.pop("return", None)
    return hints


def _fields(groups: Iterable[type[Any]]) -> Iterator[Field[object]]:
    for kind in groups:
        yield from fields(kind)


def _value(item: Field[object], value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    return item.default if value is None and item.default is not MISSING else value


class _Parser(argparse.ArgumentParser):
    """A parser whose faults are `UsageError`s."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found wrong."""
        raise UsageError(message.removeprefix("argument "), f"{self.prog} --help")


class _Help(argparse.HelpFormatter):
    """Help as pip and uv print it: ``-p, --python PYTHON``."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=_OPTIONS_WIDTH)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        return f"{', '.join(action.option_strings)} {action.metavar}"


def _parser(
    name: str, command: Callable[..., object], groups: Iterable[type[Any]]
) -> argparse.ArgumentParser:
    usage = [f"envlock {name}", "[OPTION]...", *map(_placeholder, _fields(groups))]
    parser = _Parser(
        prog=f"envlock {name}",
        usage=" ".join(filter(None, usage)),
        description=command.__doc__,
        formatter_class=_Help,
        allow_abbrev=False,
    )
    for kind in groups:
        title = (kind.__doc__ or "").splitlines()[0].rstrip(".")
        group = parser.add_argument_group(title)
        for item in fields(kind):
            told = dict(item.metadata)
            names = told.pop("names", ())
            if names:
                group.add_argument(*names, dest=item.name, **told)
            else:
                group.add_argument(item.name, **told)
    return parser


def _placeholder(item: Field[object]) -> str:
    """Return how a word without an option stands in the usage; "" for an option."""
    told = item.metadata
    if "names" in told:
        return ""
    shape = {"*": "[{}]...", "?": "[{}]"}.get(told.get("nargs", ""), "{}")
    return shape.format(told["metavar"])


def _unknown(name: str, typed: str, groups: Iterable[type[Any]]) -> UsageError:
    if not typed.startswith("-"):
        return UsageError(f"{typed!r} is one word too many", f"envlock {name} --help")
    from difflib import get_close_matches  # noqa: PLC0415  (only an error needs it)

    names = [each for item in _fields(groups) for each in item.metadata.get("names", ())]
    meant = get_close_matches(typed.partition("=")[0], names, n=1)
    hint = f"; did you mean {meant[0]}?" if meant else ""
    return UsageError(f"envlock {name} has no option {typed}{hint}", f"envlock {name} --help")
