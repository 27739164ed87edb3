"""Options as fields of structs: typer reads them, a command takes values of those classes.

typer wants every option of a command in its signature. `register` writes that
signature from the option groups a command takes, so that a group is written
once and a command has four parameters instead of thirty.

What a command is, stands in a `Command`, which --help reads; the module that
does it is imported when it is called, in `Command.run` and nowhere else.
"""

from __future__ import annotations

import inspect
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer
from msgspec import Struct
from msgspec.structs import FieldInfo, fields
from typer.models import ArgumentInfo, OptionInfo

from envlock.cli.help import GroupedCommand
from envlock.cli.process import interruption
from envlock.errors import UsageError


class Command:
    """A command: what --help says of it, and the groups of options that it takes.

    One that ``passes_on`` what is typed takes all from the first word on as it is;
    ``examples`` are what may be typed, without ``envlock``.
    """

    def __init__(
        self,
        does: str,
        says: str,
        *,
        examples: Sequence[str] = (),
        passes_on: bool = False,
        **groups: type[Struct],
    ) -> None:
        self.does = does
        self.says = says
        self.examples = examples
        self.passes_on = passes_on
        self.groups: Mapping[str, type[Struct]] = groups

    @property
    def options(self) -> frozenset[str]:
        """The names of what it takes."""
        return frozenset(each.name for kind in self.groups.values() for each in _fields(kind))

    def run(self, taken: Mapping[str, Struct]) -> int:
        """Do it with what was typed for each group, and return the exit code."""
        module, _, function = self.does.rpartition(".")
        done: int = getattr(import_module(f"envlock.commands.{module}"), function)(**taken)
        return done


def flag(*names: str, says: str) -> OptionInfo:
    """Describe a bool that is True when one of ``names`` is typed."""
    info: OptionInfo = typer.Option(*names, help=says)
    return info


def option(*names: str, metavar: str, says: str) -> OptionInfo:
    """Describe an option with a value; typed twice, a tuple has both, else the last one counts."""
    info: OptionInfo = typer.Option(*names, metavar=metavar, help=says, show_default=False)
    return info


def words(metavar: str, *, says: str) -> ArgumentInfo:
    """Describe the tuple of what is typed without an option."""
    return word(f"[{metavar}]...", says=says)


def word(metavar: str, *, says: str) -> ArgumentInfo:
    """Describe one word without an option, which must be there unless it has a default."""
    info: ArgumentInfo = typer.Argument(metavar=metavar, help=says, show_default=False)
    return info


def register(app: typer.Typer, name: str, command: Command) -> None:
    """Add a command to an app, with the options of the groups that it takes."""

    def call(**values: object) -> int:
        check_variables()
        taken = {
            parameter: kind(
                **{each.name: _value(values[each.name], each) for each in _fields(kind)}
            )
            for parameter, kind in command.groups.items()
        }
        try:
            return command.run(taken)
        except KeyboardInterrupt:  # of which typer would say nothing
            raise interruption() from None

    call.__doc__ = command.says
    parameters = [each for kind in command.groups.values() for each in _parameters(kind)]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {}
    settings = {"allow_interspersed_args": not command.passes_on}
    shown = "\n".join(f"envlock {each}" for each in command.examples) or None
    app.command(name, cls=GroupedCommand, context_settings=settings, epilog=shown)(call)


def announce(app: typer.Typer, name: str, command: Command) -> None:
    """Add a command to an app for a list of commands: with what it does, without its options."""
    app.command(name, help=command.says)(_only_listed)


def _only_listed() -> None:
    """Nothing, since a command that is only listed is never called."""


@cache  # it evaluates the annotations each time
def _fields(kind: type[Struct]) -> tuple[FieldInfo, ...]:
    return fields(kind)


def _parameters(kind: type[Struct]) -> Iterator[inspect.Parameter]:
    heading = (kind.__doc__ or "").partition("\n")[0].rstrip(".")
    for item in _fields(kind):
        hint, info = get_args(item.type)
        if isinstance(info, OptionInfo):
            info.rich_help_panel = heading
        several = get_origin(hint) is tuple
        one = str if _is_path(hint) else get_args(hint)[0] if several else hint
        annotation = list[one] if several else one | None if item.default is None else one  # type: ignore[valid-type]
        default = [] if several else item.default
        if isinstance(default, Path):
            default = str(default)
        yield inspect.Parameter(
            item.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=Annotated[annotation, info],
            default=inspect.Parameter.empty if item.required else default,
        )


def _is_path(hint: object) -> bool:
    return hint is Path or Path in get_args(hint)


def _value(value: object, item: FieldInfo) -> object:
    """Return a value as the field has it, once it was looked at.

    Paths come as text, since an empty one would be the current folder.
    """
    if isinstance(value, list):
        return tuple(_value(each, item) for each in value)
    if not isinstance(value, str) or isinstance(value, Enum):
        return value
    hint, info = get_args(item.type)
    names = () if isinstance(info, ArgumentInfo) else (info.default, *(info.param_decls or ()))
    read = typed_path if _is_path(hint) else typed_text
    return read(value, max(names, key=len, default=info.metavar.strip("[].")))


#: The variables that name a folder and are read wherever it is needed.
_FOLDERS = ("ENVLOCK_CACHE_DIR",)

#: The variables whose values may be told.
_PLACES = frozenset({"HOME", "PWD", "USERPROFILE"})

#: Arguments that may be the name of a file, whatever bytes that has.
_NAMES = frozenset({"WHAT"})

#: Arguments that another program is given, which says what is wrong with them.
_OF_OTHERS = frozenset({"CMD"})


def check_variables() -> None:
    """Look at the variables that name folders.

    Raises:
        UsageError: one has what only a shell replaces, as a ``~``.
    """
    for name in _FOLDERS:
        value = os.environ.get(name, "")
        _refuse_left(value, f"{name}={value}", f"export {name}=")


def typed_text(value: str, name: str) -> str:
    """Return a value that says something.

    Raises:
        UsageError: it is empty, as that of a variable that is not set, or no word at all.
    """
    if name in _OF_OTHERS:
        return value
    if not value.strip():
        raise UsageError(
            f"{name}: the value is empty; is a variable that stands there not set?",
            f"give {name} a value, or leave it out",
        )
    if "\0" in value:
        raise UsageError(f"{name}: the value has a NUL character in it")
    if name not in _NAMES and not _is_unicode(value):
        raise UsageError(f"{name} {value}: this is not UTF-8")
    return value


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # what Python makes of bytes that are not UTF-8
        return False
    return True


def typed_path(value: str, name: str) -> Path:
    """Return the path that was typed; it can be asked about from now on.

    Raises:
        UsageError: it is empty, is not expanded, is no name for a file, or may not be looked at.
    """
    if not value.strip():
        typed_text(value, name)
    option = name if name.startswith("-") else ""
    if option and value.startswith("-") and value != "-":
        raise UsageError(
            f"{option} {value}: this begins as options do; is the value of {option} missing?",
            f"give {option} a value",
        )
    shown = f"{option} {value}".lstrip()
    whole = value
    if option == "--env" and value.startswith("~") and "/" not in value.strip("/"):
        whole = f"{value.rstrip('/')}/.venv"  # a home itself is no place for one
    _refuse_left(whole, shown, f"{option} " if option else "write ")
    found: Path = _looking().named(Path(value), option)
    return found


def _looking() -> Any:  # noqa: ANN401  (a module)
    from envlock.system import looking  # noqa: PLC0415  (--help needs none)

    return looking


def _refuse_left(value: str, shown: str, start: str) -> None:
    """Refuse a path with something that a shell should have replaced: it is no name of a folder."""
    if not any(each in value for each in "~$%"):
        return
    looking = _looking()
    left = looking.left_by_shell(value)
    if left:
        plain = value.removeprefix("=")
        where = str(looking.expand(plain))
        if left.strip("${}%") in _PLACES:  # of another variable the value may be a secret
            where = plain.replace(left, os.environ.get(left.strip("${}%"), left), 1)
        known = where != plain and not looking.left_by_shell(where)
        raise looking.not_expanded(
            shown, f"{start}{shlex.quote(where)}" if known else "write the path out", what=left
        )
