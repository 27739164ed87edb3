"""What a new environment replaces, judged before the minutes of work."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from envlock.environment.place import made_by_envlock
from envlock.environment.replaceable import occupant, settled


def replaced_by(folder: Path, *, force: bool, needed: Iterable[Path]) -> str | None:
    """Return what is to be replaced, in words; None where nothing is.

    ``needed`` are the files that the command reads and writes. What is in an
    environment of envlock's own is judged once a run that was stopped is mended.

    Raises:
        UsageError: something there may not be replaced.
    """
    place = settled(folder, needed)
    if made_by_envlock(place):
        return "an environment that envlock made"
    found = occupant(place, ours=False, force=force)
    return None if found is None else str(found)
