"""Which paths of an environment a change of some packages touches.

An entry is a folder or file, relative to the prefix, that is saved and
restored as a whole, with bytecode and whatever else came to lie in it. A
folder that other packages have files in too (a namespace such as ``google``)
is entered one level deep.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from msgspec import Struct
from packaging.utils import NormalizedName

from envlock.environment.inspect import site_folders
from envlock.environment.records import Distribution, read_site, recorded


class Footprint(Struct, frozen=True, kw_only=True):
    """What a change touches.

    ``recorded`` are the files that an installer unlinks first, ``brought``
    those that come.
    """

    entries: tuple[str, ...]
    recorded: frozenset[str]
    brought: frozenset[str] = frozenset()


def footprint(
    prefix: Path, names: Collection[NormalizedName], staged: Path | None = None
) -> Footprint:
    """Return what is touched when ``names`` are removed and what is in ``staged`` is added."""
    own: set[str] = set()
    shared: set[str] = set()
    for site in site_folders(prefix):
        for distribution in read_site(site).distributions:
            files = list(files_of(distribution, prefix))
            if distribution.name in names:
                own.update(files)
            else:
                shared.update(_top(file, _inside(site, prefix)) for file in files)
    new: set[str] = set()
    bases = (prefix,) if staged is None else (prefix, staged)
    for site in site_folders(bases[-1]) if staged else ():
        for distribution in read_site(site).distributions:
            new.update(files_of(distribution, bases[-1]))
    sites = [_inside(site, base) for base in bases for site in site_folders(base)]
    entries = {entry for file in own | new for entry in _entries(file, sites, shared)}
    return Footprint(
        entries=tuple(sorted(_outermost(entries))), recorded=frozenset(own), brought=frozenset(new)
    )


def files_of(distribution: Distribution, prefix: Path) -> Iterator[str]:
    """Yield the files that a distribution records under a prefix, and its metadata's."""
    site = _inside(distribution.site, prefix)
    yield _inside(distribution.info / "RECORD", prefix)
    rows = recorded(distribution)
    for folder, name, _, _ in () if isinstance(rows, str) else rows:
        path = os.path.normpath(f"{site}/{folder}/{name}").replace(os.sep, "/")
        if not path.startswith((".", "/")):
            yield path


def _inside(path: Path, prefix: Path) -> str:
    return path.relative_to(prefix).as_posix()


def _top(file: str, site: str) -> str:
    """Return the folder of a site-packages folder that a file is in, "" for none."""
    if not file.startswith(f"{site}/"):
        return ""
    first, _, rest = file[len(site) + 1 :].partition("/")
    return f"{site}/{first}" if rest else ""


def _entries(file: str, sites: Iterable[str], shared: Collection[str]) -> Iterator[str]:
    site = next((each for each in sites if file.startswith(f"{each}/")), None)
    if site is None:
        yield file
        return
    parts = PurePosixPath(file[len(site) + 1 :]).parts
    base = site
    if len(parts) > 1 and f"{site}/{parts[0]}" in shared:
        base, parts = f"{site}/{parts[0]}", parts[1:]
    yield f"{base}/{parts[0]}"
    if len(parts) == 1 and parts[0].endswith(".py"):
        yield f"{base}/__pycache__"


def _outermost(entries: Collection[str]) -> Iterator[str]:
    for entry in entries:
        parents = (str(each) for each in PurePosixPath(entry).parents)
        if not any(parent in entries for parent in parents):
            yield entry
