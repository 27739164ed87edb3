"""How pip and uv are held to the index that each package is taken from."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from envlock.choices import IndexStrategy
from envlock.index.local import is_local
from envlock.index.origin import has_several, indexes
from envlock.model import IndexSettings


def for_pip(settings: IndexSettings) -> AbstractContextManager[IndexSettings]:
    """Give the settings to run pip with: it always takes the best of all indexes."""
    first = settings.index_strategy is IndexStrategy.FIRST
    return _gated(settings, needed=first and len(indexes(settings)) > 1)


def for_uv(settings: IndexSettings) -> AbstractContextManager[IndexSettings]:
    """Give the settings to run uv with: it knows strategies, and no sources of what others need.

    Nor does it know that a folder has nothing but copies of what an index has:
    it sees folders through a gate, and reads all else by itself.
    """
    if settings.sources or settings.index_strategy is IndexStrategy.BEST:
        return _gated(settings, needed=False)
    folders = tuple(url for url in indexes(settings) if is_local(url))
    if not folders or len(indexes(settings)) == 1:
        return nullcontext(settings)
    return _gated(settings, needed=True, only=folders)


def _gated(
    settings: IndexSettings, *, needed: bool, only: tuple[str, ...] = ()
) -> AbstractContextManager[IndexSettings]:
    if not needed and not (settings.sources and has_several(settings)):
        return nullcontext(settings)
    from envlock.index.gate import gated  # noqa: PLC0415  (an HTTP server and client: 0.1 s)

    return gated(settings, only=only)
