"""What was typed for an option or an argument, looked at before anything is done with it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from envlock.errors import UsageError

#: The variables that name a folder and are read wherever it is needed.
_FOLDERS = ("ENVLOCK_CACHE_DIR",)


#: Arguments that may be the name of a file, whatever bytes that has.
_NAMES = frozenset({"WHAT"})


def variables() -> None:
    """Look at the variables that name folders.

    Raises:
        UsageError: one has a ``~``, of which only a shell makes a home.
    """
    for name in _FOLDERS:
        value = os.environ.get(name, "")
        if value.startswith("~"):
            _refuse_tilde(value, f"{name}={value}", f"export {name}=")


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
    if value.startswith("~"):
        shown = f"{option} {value}".lstrip()
        if option == "--env" and "/" not in value.strip("/"):
            value = f"{value.rstrip('/')}/.venv"  # a home itself is no place for one
        _refuse_tilde(value, shown, f"{option} " if option else "write ")
    return named(Path(value), option)


def _refuse_tilde(value: str, shown: str, start: str) -> None:
    from envlock.system.looking import expanded, not_expanded  # noqa: PLC0415  (as above)

    where = expanded(value)
    if where is not None:
        raise not_expanded(shown, f"{start}{shlex.quote(where)}")
