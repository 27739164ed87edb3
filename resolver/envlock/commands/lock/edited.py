"""What is said of a lock that somebody edited, before it is used for anything."""

from __future__ import annotations

from pathlib import Path

from envlock.cli.output import talk
from envlock.formats.comments import own_command
from envlock.locking.existing import edited
from envlock.model import Lock
from envlock.system.typed import as_typed

_SHOWN = 5  # places that are named


def tell_edits(path: Path, lock: Lock, done: str) -> None:
    """Say where a lock is not what envlock wrote, whatever else is said.

    ``lock`` is all that was read from ``path``; ``done`` says what becomes of
    it all the same.
    """
    found = edited(path, lock)
    if not found:
        return
    lines = [*map(str, found[:_SHOWN])]
    lines += [f"and {len(found) - _SHOWN} more places"] if found[_SHOWN:] else []
    again = own_command(lock.command) or "envlock lock"
    lines.append(
        f"{path} was edited since envlock wrote it, and {done}; made anew it is by:"
        f" {as_typed(again)}"
    )
    talk("\n".join(lines))
