"""The folder of an environment: whose it is, and that only envlock's own is replaced.

Where the Python of a virtual environment was removed, it says what to type.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envlock.environment.holding import alone
from envlock.environment.journal import OWN
from envlock.environment.recovery import settle
from envlock.environment.replaceable import files, occupant
from envlock.environment.replacement import KEY
from envlock.environment.whose import CONFIG, mark
from envlock.errors import PythonGone, UsageError
from envlock.progress import Progress
from envlock.system import contents
from envlock.system.looking import shown


def made_by_envlock(folder: Path) -> bool:
    """Tell whether envlock made this environment, and so may replace it.

    One that another tool made anew over it has no longer the transaction's id.
    """
    marker = mark(folder)
    identity = marker.get("transaction")
    try:
        text = contents(folder / CONFIG).decode(errors="replace")
    except FileNotFoundError:
        return bool(marker)
    except OSError:
        return False
    return bool(marker) and (identity is None or f"{KEY} = {identity}" in text.splitlines())


def transaction_of(folder: Path) -> str:
    """Return what tells an environment that envlock made from any other, "" for one of others."""
    return str(mark(folder).get("transaction") or "") if made_by_envlock(folder) else ""


def kept_as(folder: Path) -> Path:
    """Return where an environment that failed is kept for a look."""
    return folder.with_name(f"{folder.name}.failed")


@contextmanager
def held_place(folder: Path, progress: Progress, *, force: bool = False) -> Iterator[Path]:
    """Hold the folder of an environment that may be replaced, made where it is missing.

    Another envlock that is at work there is waited for, and what a stopped
    one left is put right. ``force`` also lets go of what envlock did not make.
    The path given is absolute, with links resolved.

    Raises:
        UsageError: the folder is a file, or holds what envlock did not make.
        WorkError: it cannot be made, or another envlock is at it.
    """
    folder = folder.resolve()
    if not os.path.lexists(folder / OWN):
        _refuse_foreign(folder, force=force)  # before anything is made in it
    with alone(folder, progress):
        settle(folder, progress)
        _refuse_foreign(folder, force=force)
        yield folder


def _refuse_foreign(folder: Path, *, force: bool) -> None:
    occupant(folder, ours=made_by_envlock(folder), force=force)


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
