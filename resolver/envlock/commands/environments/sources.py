"""The indexes that a lock was made with and that are not asked now."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from itertools import pairwise

from envlock.formats.comments import own_command
from envlock.index.secrets import strip_credentials
from envlock.model import IndexSettings, Lock

_OPTIONS = ("--extra-index-url", "--index-url", "--find-links")


def lacking_indexes(lock: Lock, settings: IndexSettings) -> tuple[str, ...]:
    """Return, as options, the places that a lock was made with and that are not asked now.

    Only what a lock of envlock's own says in the words of its own command
    counts, or in its list of indexes.
    """
    if settings.no_index:
        return ()
    known = {
        _bare(each)
        for each in (settings.index_url, *settings.extra_index_urls, *settings.find_links)
    }
    found = {_bare(place): option for option, place in _typed(lock)}
    for place in lock.indexes:
        found.setdefault(_bare(place), f"--extra-index-url {shlex.quote(place)}")
    return tuple(option for place, option in found.items() if place not in known)


def _typed(lock: Lock) -> Iterator[tuple[str, str]]:
    for option, place in pairwise(shlex.split(own_command(lock.command))):
        if option in _OPTIONS:
            yield shlex.join([option, place]), place


def _bare(place: str) -> str:
    return strip_credentials(place).rstrip("/") if "://" in place else place
