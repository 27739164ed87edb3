"""Wheels that envlock has built, by the hash of their source and what they were built with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import msgspec

from envlock.builds import Built
from envlock.index.downloads import download
from envlock.index.pages import Index
from envlock.model import IndexSettings
from envlock.progress import Progress
from envlock.sdists.archives import as_gzip
from envlock.sdists.building import Attempt, Made, NotBuilt, SourceRelease, attempts, build
from envlock.system import (
    cache_folder,
    digest_of,
    exclusive,
    keep,
    load_kept,
    remove_tree,
    scratch,
    share,
)

_MADE = "made.json"


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a wheel that is kept: its name, its sha256 and how it was built."""

    name: str
    digest: str
    tools: tuple[str, ...]
    mended: tuple[str, ...]
    way: str


def wheel_of(
    source: SourceRelease,
    settings: IndexSettings,
    progress: Progress,
    *,
    locked: Built | None = None,
) -> Made | NotBuilt | None:
    """Return the wheel of a source distribution, from the cache or built; None: not offline.

    With what a lock says that it was built with it is built so, and by the law
    where that does not work here.

    Raises:
        IndexFailure: the source or a page cannot be read.
        InstallFailure: the source is not the one that its hash says.
        WorkError: there is no place for it.
    """
    digest = source.file.hashes.get("sha256", "")
    if not digest:
        return None
    platform = source.target.platform
    where = f"{source.target.minor}-{platform.system}-{platform.machine}"
    parts = ("built", digest, where)
    place = cache_folder(*parts, programs=True)
    with exclusive(place / ".held", tell=progress.note):
        if not settings.no_cache and (found := _kept(place, locked)):
            return found
        if settings.offline:
            return None
        with scratch() as folder:
            download((source.file,), folder, settings, progress)
            sdist = as_gzip(folder / source.file.filename)
            index = Index(settings, progress=progress)
            ways = chain(_as_locked(locked), attempts(source, index))
            made = build(source, sdist, ways, settings, progress)
            return made if isinstance(made, NotBuilt) else _keep(parts, made)


def _as_locked(locked: Built | None) -> Iterator[Attempt]:
    if locked is not None:
        adds = frozenset(each.partition("==")[0] for each in locked.tools)
        yield Attempt(way="as the lock says", bounds=locked.tools, adds=adds)


def _kept(place: Path, locked: Built | None) -> Made | None:
    """What was built so; for no lock whatever was built last."""
    folders = [place / _name_of(locked)] if locked else sorted(place.glob("*/"), key=_age)
    for folder in folders:
        content = load_kept(folder / _MADE)
        if content is None:
            continue
        try:
            known = msgspec.json.decode(content, type=_Kept)
        except msgspec.MsgspecError:
            continue
        wheel = folder / Path(known.name).name
        if digest_of(wheel) == known.digest:
            built = Built(tools=known.tools, mended=known.mended)
            return Made(wheel=wheel, built=built, way=known.way)
    return None


def _age(folder: Path) -> float:
    return -folder.stat().st_mtime


def _keep(parts: Sequence[str], made: Made) -> Made:
    remove_tree(cache_folder(*parts) / _name_of(made.built))
    kept = cache_folder(*parts, _name_of(made.built), programs=True)
    wheel = kept / made.wheel.name
    share(made.wheel, wheel)
    known = _Kept(
        name=wheel.name,
        digest=digest_of(wheel),
        tools=made.built.tools,
        mended=made.built.mended,
        way=made.way,
    )
    keep({kept / _MADE: msgspec.json.encode(known)})
    return Made(wheel=wheel, built=made.built, way=made.way)


def _name_of(built: Built) -> str:
    text = json.dumps([built.tools, built.mended])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
