"""What a new environment replaces, in words."""

from __future__ import annotations

from pathlib import Path

from envlock.environment.place import made_by_envlock
from envlock.environment.replaceable import occupant


def replaced_by(folder: Path, *, force: bool) -> str | None:
    """Return what is to be replaced, in words; None where nothing is.

    Raises:
        UsageError: something there may not be replaced.
    """
    found = occupant(folder, ours=made_by_envlock(folder), force=force)
    return None if found is None else str(found)
