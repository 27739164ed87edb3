"""Which indexes are asked for which package, in which order, and what each of them has. Pure.

As uv has it: an extra index goes before the index, and the first that has a
name is the only one it is taken from. Where anyone may register any name goes
last, however it was given, so that a name of one's own is never met there
first. Files of find-links count beside the index that was chosen.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.choices import IndexStrategy
from envlock.index.filenames import project_of, version_of
from envlock.index.local import DiskHashes
from envlock.index.secrets import redact, strip_credentials
from envlock.model import DistributionFile, IndexSettings, LockedPackage

#: Indexes where anyone may register any name.
_OPEN_TO_ALL = ("pypi.org", "pypi.python.org", "test.pypi.org")
Files = tuple[DistributionFile, ...]


@lru_cache(maxsize=8)  # asked for each package, and to redact each URL takes a while
def indexes(settings: IndexSettings) -> tuple[str, ...]:
    """Return the indexes in the order in which they are asked."""
    if settings.no_index:
        return ()
    found: dict[str, str] = {}
    for url in (*settings.extra_index_urls, settings.index_url):
        found.setdefault(public(url), url)
    return tuple(sorted(found.values(), key=_is_open_to_all))


def source_of(settings: IndexSettings, name: str) -> str | None:
    """Return the only place that a package, by its normalised name, may come from, if any."""
    if settings.no_index:
        return None
    return next((url for held, url in settings.sources if fnmatchcase(name, held)), None)


def asked_for(settings: IndexSettings, name: str) -> tuple[str, ...]:
    """Return the indexes that are asked for a package."""
    source = source_of(settings, name)
    if source is None:
        return indexes(settings)
    return () if source in settings.find_links else (source,)


def links_for(settings: IndexSettings, name: str) -> tuple[str, ...]:
    """Return the find-links that may have files of a package."""
    source = source_of(settings, name)
    if source is None:
        return settings.find_links
    return (source,) if source in settings.find_links else ()


def serving(settings: IndexSettings, has: Iterable[str]) -> tuple[str, ...]:
    """Return which of the indexes that have a package, in the order asked, it is taken from."""
    found = tuple(has)
    return found if settings.index_strategy is IndexStrategy.BEST else found[:1]


def has_several(settings: IndexSettings) -> bool:
    """Tell whether there is more than one index that a package may come from."""
    return len(indexes(settings)) > 1 or (bool(settings.sources) and not settings.no_index)


def _is_open_to_all(url: str) -> bool:
    try:
        return urlsplit(url).hostname in _OPEN_TO_ALL
    except ValueError:  # whoever reads it says so
        return False


def asked(settings: IndexSettings) -> tuple[str, ...]:
    """Return every index that some package is asked of, in order, as a lock names them.

    Empty where there is one only: then nothing is chosen.
    """
    if not has_several(settings):
        return ()
    held = (url for _, url in settings.sources)
    return tuple(dict.fromkeys(public(url) for url in (*indexes(settings), *held)))


def where(settings: IndexSettings, name: str) -> str:
    """Return in words where a package is looked for; "" where nowhere."""
    places = (*asked_for(settings, name), *links_for(settings, name))
    said = " and ".join(map(public, places))
    held = source_of(settings, name) is not None
    return f"{said}, the only place that sources let it come from" if held else said


def held_to(settings: IndexSettings, packages: Iterable[LockedPackage]) -> IndexSettings:
    """Return the settings with each pin held to the index it was locked from, where it is asked."""
    known = {public(url): url for url in (*indexes(settings), *settings.find_links)}
    pins = ((each.name, known[each.index]) for each in packages if each.index in known)
    return replace(settings, sources=(*pins, *settings.sources))


def public(url: str) -> str:
    """Return the address of an index as it is written and compared: without secrets."""
    try:
        return redact(strip_credentials(url), certain=True).rstrip("/")
    except ValueError:  # no URL: whoever reads it says so
        return redact(url, certain=True).rstrip("/")


class Place(Struct, frozen=True, kw_only=True):
    """An index or find-links, and what it has of a project; ``url`` may carry credentials."""

    url: str
    files: Files


def of_release(
    name: NormalizedName, version: Version | None, files: Iterable[DistributionFile]
) -> Files:
    """Return the files of a project, of one version or with None of all."""
    return tuple(
        file
        for file in files
        if project_of(file.filename) == name and (version is None or version_of(file) == version)
    )


def distinct(files: Iterable[DistributionFile]) -> Files:
    """Return the files without repetitions, and without those that know less than another."""
    files = tuple(files)
    if len({file.filename for file in files}) == len(files):
        return files
    hashed = {file.filename for file in files if file.hashes}
    kept: dict[tuple[object, ...], DistributionFile] = {}
    for file in files:
        if file.hashes or file.filename not in hashed:
            # A hash that is still on disk is not worth reading for this.
            known = file.url if isinstance(file.hashes, DiskHashes) else tuple(file.hashes.items())
            kept.setdefault((file.filename, known), file)
    return tuple(kept.values())


def copies(files: Iterable[DistributionFile], of: Iterable[DistributionFile]) -> bool:
    """Tell whether files are copies of some that another place has, by name and hash.

    A hash that is still on disk is not read for this.
    """
    files = tuple(files)
    there = {(file.filename, *each) for file in of for each in _stated(file)}
    return bool(files) and all(
        any((file.filename, *each) in there for each in _stated(file)) for file in files
    )


def _stated(file: DistributionFile) -> Iterable[tuple[str, str]]:
    return () if isinstance(file.hashes, DiskHashes) else file.hashes.items()
