"""What an envlock that was stopped left in an environment, put right by the next one."""

from __future__ import annotations

from pathlib import Path

from envlock.environment.comeback import finish, take_back
from envlock.environment.holding import alone, closed
from envlock.environment.inspect import find_environment, place_of
from envlock.environment.journal import (
    Event,
    Journal,
    State,
    home,
    journals,
    kept_folder,
    trial_folder,
    unsettled,
)
from envlock.environment.repair import settle_fix
from envlock.errors import WorkError
from envlock.locks import Busy
from envlock.progress import Progress
from envlock.system import landing
from envlock.trees import remove, remove_links


def environment_at(path: Path | None, progress: Progress, *, wait: bool = False) -> Path:
    """Return the Python of an environment, as `find_environment`, once it is put right.

    Raises:
        UsageError: there is no environment.
        WorkError: files cannot be restored, or with ``wait`` another envlock
            is at work there for too long.
    """
    place = place_of(path)
    if place is not None:
        recover(place, progress, wait=wait)
    return find_environment(path)


def recover(prefix: Path, progress: Progress, *, wait: bool = False) -> None:
    """Finish or take back what a stopped envlock left in an environment, and say so.

    Without ``wait`` one that another envlock changes, or that may not be
    written, is left as it is, and that is said.

    Raises:
        WorkError: files cannot be restored, or with ``wait`` another envlock
            is at work there for too long.
    """
    if not unsettled(prefix):
        return
    prefix = prefix.absolute()
    if not wait and closed(prefix) is not None:
        progress.note(
            f"{prefix}: an envlock was stopped while it changed this, and it may not be written"
            f" here; `envlock history {prefix}` puts it right where it may"
        )
        return
    try:
        with alone(prefix, progress, None if wait else 0):
            settle(prefix, progress)
    except WorkError as error:
        if wait:
            raise
        # Who only looks is told what there is to see.
        busy = isinstance(error, Busy)
        what = error.message if busy else f"{prefix}: an envlock was stopped, and {error.message}"
        progress.note(f"{what}; what is said here may be of before or after")


def settle(prefix: Path, progress: Progress) -> None:
    """Do the work of `recover` for who holds the environment already.

    The journal may have come with a stranger's folder: nothing is followed
    out of the environment, and no file beyond the folder around it is written.

    Raises:
        WorkError: files cannot be restored.
    """
    remove_links(home(prefix))
    remove_links(kept_folder(prefix))
    try:
        remove(trial_folder(prefix))
    except WorkError as error:
        progress.note(f"{prefix}: {error.message}; the next envlock tries it again")
    for journal in journals(prefix):
        remove_links(journal.folder)
        if not journal.lines():
            _remove_nameless(prefix, journal, progress)
            continue
        if journal.replaces or journal.state() is State.UNFINISHED:
            landing([prefix])
        if journal.replaces:
            _settle_replacement(prefix, journal, progress)
        elif journal.state() is State.UNFINISHED:
            settle_fix(prefix, journal, progress)


def _remove_nameless(prefix: Path, journal: Journal, progress: Progress) -> None:
    """Remove a journal that was never begun; one that was damaged may hold what there was."""
    if journal.holds():
        progress.note(f"{prefix}: {journal.path} is damaged; what it was to bring back stays there")
    else:
        remove(journal.folder)


def _settle_replacement(prefix: Path, journal: Journal, progress: Progress) -> None:
    if Event.COMMIT not in journal.events():
        take_back(prefix, journal, progress, stopped=True)
        progress.note(f"{prefix}: an installation that was stopped has been rolled back")
        return
    try:
        finish(prefix, journal, progress)
    except WorkError as error:
        progress.note(
            f"{prefix}: what was replaced cannot be removed: {error.message};"
            " the next envlock tries it again"
        )
