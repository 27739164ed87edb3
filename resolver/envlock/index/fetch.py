"""Reads index pages over HTTP. Import it late: it brings an HTTP client with it.

What an answer means is decided here; what it may take of time and memory is
a `Ceiling`, which is held below, where the bytes come in.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

import httpx2
from msgspec import Struct

from envlock.errors import IndexFailure
from envlock.index.ceiling import (
    Ceiling,
    Passing,
    Reached,
    for_file,
    for_page,
    longer,
    patience,
)
from envlock.index.offline import lacking
from envlock.index.parse import Incomplete, NotAPage, parse_html, parse_json
from envlock.index.secrets import redact
from envlock.index.transport import Connections
from envlock.index.trouble import before, failure, refused, unreachable
from envlock.model import DistributionFile, IndexSettings
from envlock.trace import trace

_PAUSES = (0.1, 0.4)  # seconds before the second and the third try
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_REFUSED = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
)
# Buckets without a listing say "forbidden" of what they do not have; uv keeps
# the same list (docs: concepts/indexes, "ignore-error-codes").
_FORBIDDEN_MEANS_GONE = ("download.pytorch.org",)
#: Who says one of these is caught when not all of a page comes.
_PROMISED = frozenset({"content-length", "transfer-encoding"})
_AGES = 9  # digits of a max-age: thirty years are enough
_Read = TypeVar("_Read")


class RawPage(Struct, frozen=True, kw_only=True):
    """The bytes of a page, their type, and where it was found in the end."""

    content: bytes
    kind: str
    url: str


class Page(Struct, frozen=True, kw_only=True):
    """A page that was read, and what the server said of keeping it.

    ``files`` is None when the page is still the one that ``etag`` names;
    ``max_age`` is in seconds, None where the server does not say.
    """

    files: tuple[DistributionFile, ...] | None
    etag: str | None
    max_age: int | None


class Client:
    """An HTTP client for some pages; close it by leaving the block. Threads may share it."""

    def __init__(self, settings: IndexSettings) -> None:
        """Read the certificates and credentials.

        Raises:
            IndexFailure: a certificate cannot be read.
            UsageError: the proxy is not a URL, or a trusted host is none.
        """
        self._settings = settings
        self._connections = Connections(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connections.close()

    def abort(self) -> None:
        """Break off whatever is read, in any thread; it ends with an error there."""
        self._connections.watch.abort()

    def read(self, url: str, *, etag: str | None = None, project: str | None = None) -> Page | None:
        """Return the page at ``url``, or None where the server has none.

        Connection errors, server errors and cut-off pages are tried again
        twice; a server that was silent for the whole timeout, or sent more or
        for longer than a page may take, is not. See `parse_html` for ``project``.

        Raises:
            IndexFailure: it could not be read; the message says why.
        """
        return self._again(lambda: self._try(url, etag, project), partial(failure, url))

    def raw(self, url: str, *, accept: str) -> RawPage | None:
        """Return the page at ``url`` as it is, of a type that ``accept`` names; None for none.

        Raises:
            IndexFailure: as `read`.
        """
        return self._again(lambda: self._try_raw(url, accept), partial(failure, url))

    def file(self, url: str, take: Callable[[Iterator[bytes]], _Read], done: str) -> _Read:
        """Give ``take`` the parts of a file as they come, from the start again where they end.

        ``done`` is what is done with it, for the error.

        Raises:
            IndexFailure: it could not be read; the message says why.
        """

        def attempt() -> _Read:
            with self.stream(url, for_file(self._settings.timeout), {}) as answer:
                self._check_file(url, answer, done)
                return take(answer.iter_raw())

        def refuse(said: str, *remedies: str) -> IndexFailure:
            return IndexFailure(f"{redact(url)} cannot be {done}: {said}", *remedies)

        return self._again(attempt, refuse)

    @staticmethod
    def _again(attempt: Callable[[], _Read], refuse: Callable[..., IndexFailure]) -> _Read:
        pauses = iter(_PAUSES)
        while True:
            try:
                return attempt()
            except Passing as passing:
                if passing.alone:
                    raise refuse(str(passing), *passing.remedies) from None
                pause = next(pauses, None)
                if pause is None:
                    said = f"{passing} ({len(_PAUSES) + 1} tries)"
                    raise refuse(said, *passing.remedies) from None
                time.sleep(pause)

    @contextmanager
    def stream(
        self, url: str, ceiling: Ceiling, headers: Mapping[str, str]
    ) -> Iterator[httpx2.Response]:
        """Open what is at ``url``, to be read within a ceiling.

        Raises:
            IndexFailure: it is not there for good.
            Passing: it may be there at the next try.
        """
        if self._settings.offline:
            raise lacking((redact(url),))
        self._check_origin(url)
        client = self._connections.to(url)
        try:
            with (
                self._connections.watch.within(ceiling),
                client.stream("GET", url, headers=headers) as answer,
            ):
                trace(lambda: f"GET {redact(url)}: {answer.status_code}")
                yield answer
        except Reached as reached:
            more = longer(self._settings.timeout, patience)
            raise failure(url, str(reached), *([more] if reached.slow else [])) from None
        except httpx2.TimeoutException as error:
            limit = f"no answer within {self._settings.timeout:g} s"
            waited = isinstance(error, httpx2.ConnectTimeout)
            if waited and (proxy := before(error, self._connections.watch.peer)):
                limit = f"the proxy {proxy} gave {limit}"
            raise failure(url, limit, longer(self._settings.timeout)) from None
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise unreachable(url, error, self._connections.watch.peer) from None
        # An address that a redirect names, and no URL: whatever the library makes of it.
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise failure(url, redact(str(error))) from None

    @staticmethod
    def _check_file(url: str, answer: httpx2.Response, done: str) -> None:
        """Refuse what is not a file."""
        said = f"it answered {answer.status_code} {answer.reason_phrase}"
        if answer.is_server_error:
            raise Passing(said)
        if not answer.is_success:
            raise IndexFailure(f"{redact(url)} cannot be {done}: {said}")

    def _check_origin(self, url: str) -> None:
        if not self._connections.secure(url):
            host = urlsplit(url).hostname
            raise IndexFailure(
                f"{redact(url)} is not read: {host} is neither encrypted (https) nor trusted",
                f"--trusted-host {host}",
            )

    def _try(self, url: str, etag: str | None, project: str | None) -> Page | None:
        headers = {"If-None-Match": etag} if etag else {}
        with self.stream(url, for_page(self._settings.timeout), headers) as answer:
            if not self._is_there(url, answer):
                return None
            known = answer.status_code == HTTPStatus.NOT_MODIFIED
            files = None if known else _files(url, answer, project)
            return Page(files=files, etag=answer.headers.get("ETag"), max_age=_max_age(answer))

    def _try_raw(self, url: str, accept: str) -> RawPage | None:
        with self.stream(url, for_page(self._settings.timeout), {"Accept": accept}) as answer:
            if not self._is_there(url, answer):
                return None
            kind = answer.headers.get("Content-Type", "")
            return RawPage(content=answer.content, kind=kind, url=str(answer.url))

    def _is_there(self, url: str, answer: httpx2.Response) -> bool:
        status = answer.status_code
        gone = status == HTTPStatus.FORBIDDEN and answer.url.host in _FORBIDDEN_MEANS_GONE
        if status in _GONE or gone:
            return False
        if status in _REFUSED:
            raise refused(url, answer, self._settings)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Passing(f"it answered {status} {answer.reason_phrase}")
        asked = "If-None-Match" in answer.request.headers
        if status != HTTPStatus.OK and not (status == HTTPStatus.NOT_MODIFIED and asked):
            raise failure(url, f"it answered {status} {answer.reason_phrase}")
        answer.read()
        return True


def _files(url: str, answer: httpx2.Response, project: str | None) -> tuple[DistributionFile, ...]:
    kind = answer.headers.get("Content-Type", "").lower()
    here = str(answer.url)
    led = "" if answer.url.host == httpx2.URL(url).host else f" (it led to {redact(here)})"
    try:
        if "json" in kind:
            return parse_json(answer.content, here)
        if "html" in kind:
            return parse_html(_text(answer), here, project=project)
    except Incomplete:
        if not _PROMISED & set(answer.headers):
            raise Passing("the page was cut off") from None
        raise failure(url, f"this is no index page: it ends in the middle{led}") from None
    except NotAPage as error:
        raise failure(url, f"this is no index page: {error}{led}") from None
    raise failure(
        url, f"it answered with {kind or 'no content type'}, not with a page of files{led}"
    )


def _text(answer: httpx2.Response) -> str:
    """The text of a page in its charset, or in UTF-8 where there is no such charset."""
    try:
        return answer.content.decode(answer.charset_encoding or "utf-8", errors="replace")
    except (LookupError, ValueError):
        return answer.content.decode("utf-8", errors="replace")


def _max_age(answer: httpx2.Response) -> int | None:
    control = answer.headers.get("Cache-Control", "").lower()
    if "no-cache" in control or "no-store" in control:
        return 0
    said = re.search(r"max-age=(\d+)", control)
    return None if said is None else int(said[1][:_AGES])
