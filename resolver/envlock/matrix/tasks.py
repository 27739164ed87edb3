"""One set of one cell as a task that any process on any machine can do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from envlock.choices import PROBE_SECONDS, EngineName
from envlock.evidence.values import Cell, ProvedSet
from envlock.index.handover import uv_environment, uv_program
from envlock.model import IndexSettings, LockedPackage
from envlock.system import run


class Terms(Struct, frozen=True, kw_only=True):
    """What all tasks of a run share.

    ``workspace`` is a folder for caches and environments on the machine that
    does the work; it is made there. ``timeout`` is in seconds a probe.
    """

    workspace: Path
    settings: IndexSettings
    engine: EngineName
    rules: tuple[Path, ...] = ()
    timeout: float = PROBE_SECONDS


class Task(Struct, frozen=True, kw_only=True):
    """One set to resolve, build and prove.

    ``name`` is that of the set; ``base`` are the packages of the set of the
    rules, which a variation starts from.
    """

    cell: Cell
    name: str
    terms: Terms
    base: tuple[LockedPackage, ...] = ()


#: Does one task. A module-level function, so that it can be sent to another process.
Work = Callable[[Task], ProvedSet]


def clean_cache(terms: Terms, *packages: str) -> None:
    """Drop what the cache has of some packages; of none: all of it."""
    env = {**uv_environment(terms.settings), "UV_CACHE_DIR": str(terms.workspace / "uv")}
    run([uv_program(), "cache", "clean", *packages], env=env)
