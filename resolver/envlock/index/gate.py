"""Each index behind a gate that lets through what it may serve, for programs that do not ask.

pip takes the best of all indexes, and uv knows no package that is held to one
index unless it was asked for by name. A gate is an index on this machine that
passes on the page of the index that a project is taken from, and has no page
of it for any other: what a program never sees it neither takes, nor builds to
learn what it needs. Only pages go through it; files are read where they are.
"""

from __future__ import annotations

import hashlib
import html
import threading
import time
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Protocol
from urllib.parse import urljoin, urlsplit, urlunsplit

from msgspec import json
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name

from envlock.choices import IndexStrategy
from envlock.errors import EnvlockError, IndexFailure
from envlock.index.fetch import Client, RawPage
from envlock.index.filenames import project_of
from envlock.index.handover import GATE
from envlock.index.links import Links
from envlock.index.local import DiskHashes, index_files, is_local
from envlock.index.origin import indexes, links_for, public, serving
from envlock.index.pages import Index
from envlock.model import DistributionFile, IndexSettings

HTML = "text/html; charset=utf-8"
_PATIENCE = 2.0  # seconds
#: Ports that it may have: uv keeps what it read by its index's address.
_PORTS = range(20_000, 30_000)
#: A page is kept for a uv without network. One with a password in it is on no disk.
KEPT, NOT_KEPT = "max-age=0", "no-store"
#: The type of a page, how long it is kept, and its content; None where nothing may pass.
Answer = tuple[str, str, bytes] | None
_LINKS = "links"


class Gate(Protocol):
    """What is served. Each path begins with ``digest``, which nobody else here can guess."""

    digest: str

    @abstractmethod
    def answer(self, path: str, accept: str) -> Answer:
        """Return what is at a path, of a type that ``accept`` names."""
        ...


@contextmanager
def served(gate: Gate) -> Iterator[int]:
    """Serve during a block, on the port that is given; every thread has ended with it."""
    server = _listen(gate)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        server.finish()


class _Server(ThreadingHTTPServer):
    """A thread for each connection, all of which are over once their program is."""

    allow_reuse_address = False
    # uv opens fifty connections at once, and one that finds no room is tried again after a second.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._running: list[threading.Thread] = []

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  (the base's)
        """Answer in a thread that an interrupt does not wait for."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        self._running.append(thread)
        thread.start()

    def finish(self) -> None:
        """Wait a little for what is still being read."""
        limit = time.monotonic() + _PATIENCE
        for thread in self._running:
            thread.join(max(0, limit - time.monotonic()))

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of programs that hang up."""


class _Handler(BaseHTTPRequestHandler):
    gate: ClassVar[Gate]
    protocol_version = "HTTP/1.1"
    # Sent in two parts, each answer would wait for the other side to confirm the first: 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        found = self.gate.answer(self.path, self.headers.get("Accept") or "text/html")
        status = HTTPStatus.NOT_FOUND if found is None else HTTPStatus.OK
        kind, kept, content = found or ("text/plain", NOT_KEPT, b"")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", kept)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
        """Say nothing."""


def _listen(gate: Gate) -> _Server:
    handler = type("Handler", (_Handler,), {"gate": gate})
    usual = _PORTS[int(gate.digest, 16) % len(_PORTS)]
    try:
        return _Server(("127.0.0.1", usual), handler)
    except OSError:  # another gate has it, or another program
        return _Server(("127.0.0.1", 0), handler)


@contextmanager
def gated(settings: IndexSettings, only: tuple[str, ...] = ()) -> Iterator[IndexSettings]:
    """Give the settings of a program that sees each index through a gate, or some of them.

    Raises:
        IndexFailure: a page could not be read, whatever the program made of it.
    """
    with Client(settings) as client:
        gate = _Gate(settings, client)
        try:
            with served(gate) as port:
                yield gate.settings(port, only)
        except EnvlockError as error:
            raise (gate.failure or error) from None
    if gate.failure is not None:
        raise gate.failure


class _Gate:
    """What may pass."""

    def __init__(self, settings: IndexSettings, client: Client) -> None:
        self._settings = settings
        self._client = client
        self._index = Index(settings)
        held = (url for _, url in settings.sources if url not in settings.find_links)
        places = {public(url): url for url in (*held, *indexes(settings))}
        self._places = tuple(places.values())
        # Whoever else is on this machine cannot guess it: pages may tell credentials.
        secret = "\0".join(
            (*self._places, *settings.find_links, str(settings.sources), settings.index_strategy)
        )
        self.digest = hashlib.sha256(secret.encode()).hexdigest()
        self.failure: EnvlockError | None = None

    def settings(self, port: int, only: tuple[str, ...]) -> IndexSettings:
        """Return what a program is told: the gates as its indexes, of which it takes the best.

        With ``only`` some of them, in the places of which their gates are.
        """
        root = f"{GATE}{port}/{self.digest}"
        if only:
            seen = {url: f"{root}/{number}" for number, url in enumerate(self._places)}
            *others, last = (seen[url] if url in only else url for url in indexes(self._settings))
            return replace(self._settings, index_url=last, extra_index_urls=tuple(others))
        *others, last = (f"{root}/{number}" for number in range(len(self._places)))
        links = self._settings.find_links
        return replace(
            self._settings,
            index_url=last,
            extra_index_urls=tuple(others),
            find_links=(f"{root}/{_LINKS}/",) if links and self._settings.sources else links,
            index_strategy=IndexStrategy.BEST,
            sources=(),
        )

    def answer(self, path: str, accept: str) -> Answer:
        """Return a page, or None where nothing may pass."""
        digest, _, rest = path.strip("/").partition("/")
        number, _, name = rest.partition("/")
        if digest != self.digest:
            return None
        try:
            if number == _LINKS:
                return HTML, KEPT, self._linked()
            return self._page(self._places[int(number)], canonicalize_name(name), accept)
        except EnvlockError as error:
            self.failure = error
        # Whatever a page holds that is not as the standard has it.
        except (ValueError, LookupError, TypeError, AssertionError, RecursionError) as error:
            self.failure = IndexFailure(f"the page of {name} cannot be passed on: {error}")
        return None

    def _page(self, index: str, name: NormalizedName, accept: str) -> Answer:
        files = index_files(index, name) if is_local(index) else ()
        # Without a folder's page nobody looks at what the others have.
        if files is None or index not in serving(self._settings, self._index.standing(name)):
            return None
        if is_local(index):
            return HTML, KEPT, _listing(files)
        page = self._client.raw(f"{index}/{name}/", accept=accept)
        if page is None:
            return None
        kept = NOT_KEPT if _userinfo(index) else KEPT
        return page.kind, kept, _moved(page, index)

    def _linked(self) -> bytes:
        return _listing(
            file
            for link, files in self._index.linked().items()
            for file in files
            if (name := project_of(file.filename)) and link in links_for(self._settings, name)
        )


def _listing(files: Iterable[DistributionFile]) -> bytes:
    return anchors(link_to(file, file.url) for file in files)


def link_to(file: DistributionFile, url: str) -> dict[str, str | None]:
    """Return the attributes of a link to a file that is at ``url``."""
    kind, digest = _stated_hash(file)
    return {
        "href": f"{url}#{kind}={digest}" if kind else url,
        "data-requires-python": file.requires_python,
        **({"data-yanked": file.yanked} if file.yanked is not None else {}),
    }


def _stated_hash(file: DistributionFile) -> tuple[str, str]:
    """A hash that is known without reading the file."""
    stated = {} if isinstance(file.hashes, DiskHashes) else file.hashes
    return next(iter(stated.items()), ("", ""))


def _moved(page: RawPage, index: str) -> bytes:
    """The content of a page with links that lead from anywhere to where they led."""
    if "json" in page.kind.lower():
        content = json.decode(page.content)
        for file in content["files"]:
            file["url"] = credited(urljoin(page.url, file["url"]), index)
        return json.encode(content)
    links = Links()
    links.feed(page.content.decode("utf-8", errors="replace"))
    base = urljoin(page.url, links.base)
    return anchors(
        {**link, "href": credited(urljoin(base, link["href"]), index)}
        for link in links.found
        if link.get("href")
    )


def credited(url: str, index: str) -> str:
    """A link with the credentials of its index, where it leads to the same host."""
    parts = urlsplit(url)
    if parts.netloc == urlsplit(index).netloc.rpartition("@")[2] and (said := _userinfo(index)):
        return urlunsplit(parts._replace(netloc=f"{said}@{parts.netloc}"))
    return url


def _userinfo(index: str) -> str:
    return urlsplit(index).netloc.rpartition("@")[0]


def anchors(links: Iterable[Mapping[str, str | None]]) -> bytes:
    """Return a page of links (PEP 503), each with its attributes."""
    lines = ["<!DOCTYPE html><html><body>"]
    for link in links:
        said = " ".join(
            f'{name}="{html.escape(value)}"' for name, value in link.items() if value is not None
        )
        name = urlsplit(link["href"] or "").path.rpartition("/")[2]
        lines.append(f"<a {said}>{html.escape(name)}</a><br/>")
    return "\n".join([*lines, "</body></html>"]).encode("utf-8", errors="replace")
