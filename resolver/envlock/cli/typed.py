"""What was typed for an option or an argument, looked at before anything is done with it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from envlock.errors import UsageError

#: The variables that name a folder and are read wherever it is needed.
_FOLDERS = ("ENVLOCK_CACHE_DIR",)

#: The variables whose values may be told.
_PLACES = frozenset({"HOME", "PWD", "USERPROFILE"})

#: Arguments that may be the name of a file, whatever bytes that has.
_NAMES = frozenset({"WHAT"})


def variables() -> None:
    """Look at the variables that name folders.

    Raises:
        UsageError: one has what only a shell replaces, as a ``~``.
    """
    for name in _FOLDERS:
        value = os.environ.get(name, "")
        _refuse_left(value, f"{name}={value}", f"export {name}=")


def text(value: str, name: str) -> str:
    """Return a value that says something.

    Raises:
        UsageError: it is empty, as that of a variable that is not set, or no word at all.
    """
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


def path(value: str, name: str) -> Path:
    """Return the path that was typed; it can be asked about from now on.

    Raises:
        UsageError: it is empty, is not expanded, is no name for a file, or may not be looked at.
    """
    from envlock.system.looking import named  # noqa: PLC0415  (--help needs none)

    if not value.strip():
        text(value, name)
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
    return named(Path(value), option)


def _refuse_left(value: str, shown: str, start: str) -> None:
    """Refuse a path with something that a shell should have replaced: it is no name of a folder."""
    if not any(each in value for each in "~$%"):
        return
    from envlock.system.looking import expand, left_by_shell, not_expanded  # noqa: PLC0415  (above)

    left = left_by_shell(value)
    if left:
        plain = value.removeprefix("=")
        where = str(expand(plain))
        if left.strip("${}%") in _PLACES:  # of another variable the value may be a secret
            where = plain.replace(left, os.environ.get(left.strip("${}%"), left), 1)
        known = where != plain and not left_by_shell(where)
        raise not_expanded(
            shown, f"{start}{shlex.quote(where)}" if known else "write the path out", what=left
        )
