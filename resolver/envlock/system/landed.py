"""What of the user's this run has changed, so that whoever interrupts it is told nothing untrue.

A name stands here from before the first byte is changed until what was done
is known to be taken back. Files of caches and scratch folders are not the
user's. Imports nothing of envlock's.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_landed: dict[Path, None] = {}


def landing(paths: Iterable[Path]) -> None:
    """Say that files or environments are going to be changed."""
    _landed.update(dict.fromkeys(paths))


def landed() -> tuple[Path, ...]:
    """Return what was changed, or may have been, in the order in which it was."""
    return tuple(_landed)


def taken_back(before: Iterable[Path] = ()) -> None:
    """Say that nothing but what had landed ``before`` is changed any more."""
    kept = [*before]
    _landed.clear()
    landing(kept)
