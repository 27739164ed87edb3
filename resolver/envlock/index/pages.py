"""Which files a project has, over all indexes that pip is configured for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.index.cache import FRESH, KeptPage, PageCache, to_lines
from envlock.index.filenames import WHEEL_SUFFIX, project_of, version_of
from envlock.index.gather import TICK, connected, gather, join
from envlock.index.local import index_files, is_local, linked_files
from envlock.index.offline import lacking
from envlock.index.origin import (
    Files,
    Place,
    asked_for,
    copies,
    distinct,
    links_for,
    of_release,
    serving,
)
from envlock.index.parse import file_at
from envlock.index.secrets import redact
from envlock.model import DistributionFile, IndexSettings
from envlock.progress import Progress, Silent
from envlock.system import kept_folder

if TYPE_CHECKING:
    from envlock.index.fetch import Client

#: What is kept of a page that is not there.
_GONE = KeptPage(lines={}, etag=None, fresh_until=0, there=False)
_HEAD_START = 0.03  # seconds that an engine needs to be started


def read_again(
    client: Client, url: str, project: NormalizedName | None, old: KeptPage | None
) -> KeptPage | None:
    """Return the page at ``url``, of one project if that is known; None where there is none.

    Raises:
        IndexFailure: it cannot be read.
    """
    page = client.read(url, etag=None if old is None else old.etag, project=project)
    if page is None:
        return None
    age = FRESH if page.max_age is None else min(page.max_age, FRESH)
    lines = to_lines(page.files or ()) if old is None or page.files is not None else old.lines
    return KeptPage(lines=lines, etag=page.etag, fresh_until=time.time() + age)


class Index:
    """The index, the extra indexes and the find-links of some settings, as one.

    Files are those that the settings let a project have: `envlock.index.origin`.

    Pages are kept in ``cache`` (default: ``index`` in envlock's cache folder)
    for ten minutes, or for less where the server says so, and then asked for
    again by their ETag; one `Index` asks for a page once. With ``refresh`` in
    the settings they are asked for at once, with ``no_cache`` none is kept.
    """

    def __init__(
        self,
        settings: IndexSettings,
        *,
        cache: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._settings = settings
        self.links = settings.find_links
        self._cache = PageCache(cache or kept_folder("index"))
        self._progress = progress or Silent()
        self._pages: dict[str, KeptPage | None] = {}
        self._local: dict[tuple[str, NormalizedName], Files | None] = {}
        self._listed: dict[NormalizedName, Files] = {}
        self._linked: dict[str, Files] | None = None
        self._stood: dict[NormalizedName, tuple[str, ...]] = {}
        self._placed: dict[tuple[NormalizedName, Version | None], tuple[Place, ...]] = {}
        self._ahead: threading.Timer | None = None
        self._clients: set[Client] = set()
        self._unasked: set[str] = set()

    @contextmanager
    def expecting(self, likely: Callable[[], Iterable[NormalizedName]]) -> Iterator[None]:
        """Read the pages of these projects in the background while an engine works in the block.

        A fault is nothing: whoever needs the page meets it. What is still
        read at the end of the block is broken off.
        """
        ahead = threading.Timer(_HEAD_START, self._read_ahead, (likely,))
        ahead.daemon, ahead.name = True, "index"
        with suppress(RuntimeError):  # can't start new thread: then nothing is read ahead
            ahead.start()
            self._ahead = ahead
        try:
            yield
        finally:
            self._ahead = None
            ahead.cancel()
            for client in tuple(self._clients):
                client.abort()
            join([ahead])

    def read(self, names: Iterable[NormalizedName]) -> None:
        """Read the pages of some projects, all at once; each is read once.

        Raises:
            IndexFailure: as `files_of`.
        """
        if self._ahead is not None:
            self._ahead.cancel()
            while self._ahead.is_alive():
                self._ahead.join(TICK)
            self._ahead = None
        self._read(tuple(names))

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
        self.read(names)
        for name in names:
            if name not in self._listed:
                self._listed[name] = self._collect(name, None)
        return {name: self._listed[name] for name in names}

    def pinned(self, pins: Mapping[NormalizedName, Version]) -> dict[NormalizedName, Files]:
        """Return the files of one release of each project: `files_of`, much faster.

        Raises:
            IndexFailure: as `files_of`.
        """
        self.read(pins)
        return {name: self._collect(name, version) for name, version in pins.items()}

    def renew(self, wanted: Mapping[NormalizedName, SpecifierSet]) -> bool:
        """Ask again for kept pages that have no release that is wanted; tell whether that helped.

        A release may have been published since. Pages that are not kept are not read.
        """
        if self._settings.offline:
            return False
        wanted = {name: bound for name, bound in wanted.items() if bound}
        pages = {
            _address(*place): place[1] for place in self._asked(wanted) if not is_local(place[0])
        }
        kept = {url: page for url in pages if (page := self._kept(url)) is not None}
        lacking = {name for name in wanted if not self._has(name, wanted[name], pages, kept)}
        again = {url: pages[url] for url in kept if pages[url] in lacking}
        self._ask(again, kept)
        if again:  # what was found on the pages before
            self._listed.clear()
            self._placed.clear()
            self._stood.clear()
        found = {url: page for url in again if (page := self._pages[url]) is not None}
        return any(self._has(name, wanted[name], pages, found) for name in lacking)

    def _kept(self, url: str) -> KeptPage | None:
        """The page as it was read in an earlier run, if it is still to be used unasked."""
        use = self._settings
        if url in self._pages:
            return self._pages[url] if url in self._unasked else None
        page = None if use.no_cache or use.refresh else self._cache.load(url)
        return page if page is not None and page.fresh else None

    @staticmethod
    def _has(
        name: NormalizedName,
        wanted: SpecifierSet,
        pages: Mapping[str, NormalizedName],
        found: Mapping[str, KeptPage],
    ) -> bool:
        """Whether a page of a project has a release that is wanted."""
        texts = {v for url, page in found.items() if pages[url] == name for v in page.lines}
        versions = (Version(text) for text in texts if text)
        return any(wanted.contains(version, prereleases=True) for version in versions)

    def _read_ahead(self, likely: Callable[[], Iterable[NormalizedName]]) -> None:
        with suppress(Exception):  # whatever it is, whoever needs the page meets it
            self._read(tuple(likely()))

    def _read(self, names: Collection[NormalizedName]) -> None:
        asked = self._asked(names)
        self._fetch({_address(*place): place[1] for place in asked if not is_local(place[0])})
        for place in asked:
            if is_local(place[0]) and place not in self._local:
                self._local[place] = index_files(*place)
        if self._linked is None:
            self._linked = self._find_links()

    def _asked(self, names: Iterable[NormalizedName]) -> list[tuple[str, NormalizedName]]:
        """The indexes that are asked for some projects, each with the project."""
        return [(index, name) for name in names for index in asked_for(self._settings, name)]

    def crowded(self, names: Collection[NormalizedName]) -> dict[NormalizedName, tuple[str, ...]]:
        """Return those of some projects that several indexes have, with these.

        Raises:
            IndexFailure: as `files_of`.
        """
        self.read(names)
        return {name: have for name in names if len(have := self._standing(name)) > 1}

    def standing(self, name: NormalizedName) -> tuple[str, ...]:
        """Return the indexes that have a project, in the order in which they are asked.

        Raises:
            IndexFailure: as `files_of`.
        """
        self.read((name,))
        return self._standing(name)

    def places(self, name: NormalizedName, version: Version | None = None) -> tuple[Place, ...]:
        """Return the indexes and find-links that give a release, or any with None, as they count.

        Raises:
            IndexFailure: as `files_of`.
        """
        self.read((name,))
        return tuple(place for place in self._places(name, version) if place.files)

    def _standing(self, name: NormalizedName) -> tuple[str, ...]:
        if name not in self._stood:
            have = [
                index
                for index in asked_for(self._settings, name)
                if (self._local[index, name] if is_local(index) else self._page(index, name))
                is not None
            ]
            self._stood[name] = tuple(
                index
                for place, index in enumerate(have, 1)
                if not (is_local(index) and self._is_copied(index, have[place:], name))
            )
        return self._stood[name]

    def _is_copied(self, folder: str, others: Sequence[str], name: NormalizedName) -> bool:
        """Whether a folder on this disk has nothing but copies of what a later index lists.

        It is then no other project of that name, and the index has all of it.
        """
        own: dict[Version | None, list[DistributionFile]] = {}
        for file in self._listing(folder, name, None):
            own.setdefault(version_of(file), []).append(file)
        return bool(own) and any(
            all(copies(files, self._listing(each, name, version)) for version, files in own.items())
            for each in others
            if not is_local(each)
        )

    def _page(self, index: str, name: NormalizedName) -> KeptPage | None:
        return self._pages[_address(index, name)]

    def _listing(self, index: str, name: NormalizedName, version: Version | None) -> Files:
        page = None if is_local(index) else self._page(index, name)
        files = self._local[index, name] if page is None else page.files(version)
        return of_release(name, version, files or ())

    def _places(self, name: NormalizedName, version: Version | None) -> tuple[Place, ...]:
        if (name, version) not in self._placed:
            self._placed[name, version] = tuple(self._find_places(name, version))
        return self._placed[name, version]

    def _find_places(self, name: NormalizedName, version: Version | None) -> Iterator[Place]:
        kinds = self._settings.kinds
        taken = {wheel: kinds.takes(name, wheel=wheel) for wheel in (True, False)}

        def kept(files: Files) -> Files:
            return tuple(f for f in files if taken[f.filename.endswith(WHEEL_SUFFIX)])

        for index in serving(self._settings, self._standing(name)):
            yield Place(url=index, files=kept(self._listing(index, name, version)))
        for link in links_for(self._settings, name):
            listed = of_release(name, version, (self._linked or {}).get(link, ()))
            yield Place(url=link, files=kept(listed))

    def _collect(self, name: NormalizedName, version: Version | None) -> Files:
        return distinct(file for place in self._places(name, version) for file in place.files)

    def linked(self) -> dict[str, Files]:
        """Return what each of the find-links has, of any project.

        Raises:
            IndexFailure: one cannot be read.
        """
        self.read(())
        return self._linked or {}

    def _find_links(self) -> dict[str, Files]:
        links = self._settings.find_links
        pages = [link for link in links if not is_local(link) and not _is_file(link)]
        self._fetch(dict.fromkeys(pages))
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

    def _fetch(self, urls: Mapping[str, NormalizedName | None]) -> None:
        """Put these pages into ``_pages``, from the cache or the network.

        ``urls`` are the pages with the projects that they are of, if of one.
        """
        use = self._settings
        kept = {
            url: None if use.no_cache else self._cache.load(url)
            for url in urls
            if url not in self._pages
        }
        if use.offline:
            self._pages.update(self._unasked_for(urls, kept))
            return
        fresh = {url: page for url, page in kept.items() if page and page.fresh and not use.refresh}
        self._pages.update(fresh)
        self._unasked.update(fresh)
        self._ask({url: urls[url] for url in kept if url not in fresh}, kept)

    @staticmethod
    def _unasked_for(
        urls: Mapping[str, NormalizedName | None], kept: Mapping[str, KeptPage | None]
    ) -> dict[str, KeptPage | None]:
        """The pages as they were last seen, however old.

        Raises:
            IndexFailure: one was never seen.
        """
        lacks = [url for url, page in kept.items() if page is None]
        if lacks:
            raise lacking(f"the page of {urls[url] or ''} ({redact(url)})" for url in lacks)
        return {url: page if page and page.there else None for url, page in kept.items()}

    def _ask(
        self,
        urls: Mapping[str, NormalizedName | None],
        kept: Mapping[str, KeptPage | None],
    ) -> None:
        """Put these pages into ``_pages`` from the network, and into the cache."""
        if not urls or self._settings.offline:
            return

        def read(url: str) -> KeptPage | None:
            return read_again(client, url, urls[url], kept[url])

        with connected(self._settings) as client:
            self._clients.add(client)
            try:
                with closing(gather(read, tuple(urls), client.abort)) as pages:
                    for url, page in pages:
                        self._progress.detail(redact(url))
                        self._pages[url] = page
                        self._unasked.discard(url)
            finally:
                self._clients.discard(client)
        if not self._settings.no_cache:
            self._cache.store({url: self._pages[url] or _GONE for url in urls})


def _address(index: str, name: NormalizedName) -> str:
    return f"{index}/{name}/"


def _is_file(link: str) -> bool:
    return project_of(file_at(link).filename) is not None
