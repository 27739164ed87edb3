"""What to type where the Python of a virtual environment was removed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from envlock.environment.inventory import files
from envlock.environment.place import made_by_envlock
from envlock.environment.replaceable import occupant
from envlock.errors import PythonGone, UsageError
from envlock.system.looking import shown


def remedies(error: PythonGone) -> tuple[str, ...]:
    """Return the remedies of an error, and before its last one the command that makes it anew."""
    *first, last = error.remedies
    return (*first, *_ways(error.folder), last)


def _ways(folder: Path) -> Iterator[str]:
    """The command that makes it again, where the old one may be deleted for it."""
    ours = made_by_envlock(folder)
    try:
        found = occupant(folder, ours=ours, force=True)
    except UsageError:
        yield "envlock create --env OTHER"
        return
    path = shown(str(folder))
    force = "" if ours else " --force"
    lost = files(found.files) if found else "nothing"
    yield f"envlock create --env {shlex.quote(path)}{force}  # deletes {path}: {lost}"
