"""Which files a project has, over all indexes that pip is configured for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.errors import EnvlockError
from envlock.index.cache import FRESH, KeptPage, PageCache, to_lines
from envlock.index.gather import TICK, gather
from envlock.index.local import index_files, is_local, linked_files
from envlock.index.origin import asked_for, links_for, serving
from envlock.index.parse import file_at
from envlock.index.places import Files, Place, distinct, of_release
from envlock.index.redact import redact
from envlock.index.releases import project_of
from envlock.model import IndexSettings
from envlock.progress import Progress, Silent
from envlock.system import cache_folder

if TYPE_CHECKING:
    from envlock.index.fetch import Client

_HEAD_START = 0.03  # seconds that an engine needs to be started


class Index:
    """The index, the extra indexes and the find-links of some settings, as one.

    Files are those that the settings let a project have: `envlock.index.origin`.

    Pages are kept in ``cache`` (default: ``index`` in envlock's cache folder)
    for ten minutes, or for less where the server says so, and then asked for
    again by their ETag; one `Index` asks for a page once.
    """

    def __init__(
        self,
        settings: IndexSettings,
        *,
        cache: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._settings = settings
        self._cache = PageCache(cache or cache_folder() / "index")
        self._progress = progress or Silent()
        self._pages: dict[str, KeptPage | None] = {}
        self._local: dict[tuple[str, NormalizedName], Files | None] = {}
        self._listed: dict[NormalizedName, Files] = {}
        self._linked: dict[str, Files] | None = None
        self._ahead: threading.Timer | None = None

    @property
    def links(self) -> tuple[str, ...]:
        """The find-links."""
        return self._settings.find_links

    def expect(self, likely: Callable[[], Iterable[NormalizedName]]) -> None:
        """Read the pages of these projects in the background while an engine works.

        A fault there is nothing: whoever needs the page meets it.
        """
        self._ahead = threading.Timer(_HEAD_START, self._read_ahead, (likely,))
        self._ahead.daemon = True
        self._ahead.start()

    def files(self, name: NormalizedName) -> Files:
        """Return the wheels and sdists of one project; see `files_of`."""
        return self.files_of((name,))[name]

    def files_of(self, names: Iterable[NormalizedName]) -> dict[NormalizedName, Files]:
        """Return the wheels and sdists of each project: index, extra indexes, find-links.

        Empty where no index knows the project. A file that two places list
        with the same hashes is given once; with different ones, twice. Where
        an index gives no strong hash, ``hashes`` is empty; nothing is ever
        downloaded to be hashed. ``yanked`` is None for files that are not.

        Raises:
            IndexFailure: an index cannot be read, which is not the same as
                one that does not have the project.
        """
        names = tuple(names)
        self._read_pages(names)
        for name in names:
            if name not in self._listed:
                self._listed[name] = self._collect(name, None)
        return {name: self._listed[name] for name in names}

    def pinned(self, pins: Mapping[NormalizedName, Version]) -> dict[NormalizedName, Files]:
        """Return the files of one release of each project: `files_of`, much faster.

        Raises:
            IndexFailure: as `files_of`.
        """
        self._read_pages(pins)
        return {name: self._collect(name, version) for name, version in pins.items()}

    def _read_ahead(self, likely: Callable[[], Iterable[NormalizedName]]) -> None:
        with suppress(EnvlockError):
            self._read(tuple(likely()))

    def _read_pages(self, names: Collection[NormalizedName]) -> None:
        if self._ahead is not None:
            self._ahead.cancel()
            while self._ahead.is_alive():
                self._ahead.join(TICK)
            self._ahead = None
        self._read(names)

    def _read(self, names: Collection[NormalizedName]) -> None:
        asked = [(index, name) for name in names for index in asked_for(self._settings, name)]
        self._fetch([_address(*place) for place in asked if not is_local(place[0])])
        for place in asked:
            if is_local(place[0]) and place not in self._local:
                self._local[place] = index_files(*place)
        if self._linked is None:
            self._linked = self._find_links()

    def crowded(self, names: Collection[NormalizedName]) -> dict[NormalizedName, tuple[str, ...]]:
        """Return those of some projects that several indexes have, with these.

        Raises:
            IndexFailure: as `files_of`.
        """
        self._read_pages(names)
        found = {name: self._standing(name) for name in names}
        return {name: indexes for name, indexes in found.items() if len(indexes) > 1}

    def standing(self, name: NormalizedName) -> tuple[str, ...]:
        """Return the indexes that have a project, in the order in which they are asked.

        Raises:
            IndexFailure: as `files_of`.
        """
        self._read_pages((name,))
        return self._standing(name)

    def places(self, name: NormalizedName, version: Version | None = None) -> tuple[Place, ...]:
        """Return the indexes and find-links that give a release, or any with None, as they count.

        Raises:
            IndexFailure: as `files_of`.
        """
        self._read_pages((name,))
        return tuple(place for place in self._places(name, version) if place.files)

    def _standing(self, name: NormalizedName) -> tuple[str, ...]:
        return tuple(
            index
            for index in asked_for(self._settings, name)
            if (self._local[index, name] if is_local(index) else self._pages[_address(index, name)])
            is not None
        )

    def _places(self, name: NormalizedName, version: Version | None) -> Iterator[Place]:
        for index in serving(self._settings, self._standing(name)):
            page = None if is_local(index) else self._pages[_address(index, name)]
            files = self._local[index, name] if page is None else page.files(version)
            yield Place(url=index, files=of_release(name, version, files or ()))
        for link in links_for(self._settings, name):
            yield Place(
                url=link, files=of_release(name, version, (self._linked or {}).get(link, ()))
            )

    def _collect(self, name: NormalizedName, version: Version | None) -> Files:
        return distinct(file for place in self._places(name, version) for file in place.files)

    def linked(self) -> dict[str, Files]:
        """Return what each of the find-links has, of any project.

        Raises:
            IndexFailure: one cannot be read.
        """
        self._read_pages(())
        return self._linked or {}

    def _find_links(self) -> dict[str, Files]:
        links = self._settings.find_links
        pages = [link for link in links if not is_local(link) and not _is_file(link)]
        self._fetch(pages)
        files: dict[str, Files] = {}
        for link in links:
            if link in pages:
                page = self._pages[link]
                found = None if page is None else page.files()
            else:
                found = linked_files(link) if is_local(link) else (file_at(link),)
            if found is None:
                self._progress.note(f"find-links {redact(link)} is not there: left out, as by pip")
            files[link] = found or ()
        return files

    def _fetch(self, urls: Iterable[str]) -> None:
        """Put these pages into ``_pages``, from the cache or the network."""
        kept = {url: self._cache.load(url) for url in urls if url not in self._pages}
        self._pages.update({url: page for url, page in kept.items() if page and page.fresh})
        stale = [url for url in kept if url not in self._pages]
        if not stale:
            return
        from envlock.index.fetch import Client  # noqa: PLC0415  (0.1 s that a warm cache saves)

        with Client(self._settings) as client:
            for url, page in gather(lambda url: _read(client, url, kept[url]), stale):
                self._progress.detail(redact(url))
                self._pages[url] = page
        self._cache.store({url: page for url in stale if (page := self._pages[url]) is not None})


def _address(index: str, name: NormalizedName) -> str:
    return f"{index}/{name}/"


def _is_file(link: str) -> bool:
    return project_of(file_at(link).filename) is not None


def _read(client: Client, url: str, old: KeptPage | None) -> KeptPage | None:
    page = client.read(url, etag=None if old is None else old.etag)
    if page is None:
        return None
    age = FRESH if page.max_age is None else min(page.max_age, FRESH)
    lines = to_lines(page.files or ()) if old is None or page.files is not None else old.lines
    return KeptPage(lines=lines, etag=page.etag, fresh_until=time.time() + age)
