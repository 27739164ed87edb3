"""uv's cache in a workspace of the matrix."""

from __future__ import annotations

from envlock.index.handover import uv_environment, uv_program
from envlock.matrix.tasks import Terms
from envlock.system import run


def clean_cache(terms: Terms, *packages: str) -> None:
    """Drop what the cache has of some packages; of none: all of it."""
    env = {**uv_environment(terms.settings), "UV_CACHE_DIR": str(terms.workspace / "uv")}
    run([uv_program(), "cache", "clean", *packages], env=env)
