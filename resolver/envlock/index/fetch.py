"""Reads index pages over HTTP. Import it late: it brings an HTTP client with it.

The client, its netrc and keyring credentials and its idea of a secure host
are unearth's, which follows pip; what an answer means is decided here, since
unearth takes every failure for an empty page.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
import time
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self, cast
from urllib.parse import quote, urlsplit, urlunsplit

import httpx2
from msgspec import Struct
from unearth import auth
from unearth.collector import is_secure_origin
from unearth.fetchers import Fetcher, PyPIClient
from unearth.link import Link
from unearth.utils import get_netrc_auth

from envlock.errors import IndexFailure, UsageError
from envlock.index.parse import Incomplete, NotAPage, parse_html, parse_json
from envlock.index.redact import redact
from envlock.model import DistributionFile, IndexSettings
from envlock.system.looking import is_folder

_ACCEPT = (
    "application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
)
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

# unearth warns of what is an IndexFailure here.
logging.getLogger("unearth").addHandler(logging.NullHandler())


class Page(Struct, frozen=True, kw_only=True):
    """A page that was read, and what the server said of keeping it.

    ``files`` is None when the page is still the one that ``etag`` names;
    ``max_age`` is in seconds, None where the server does not say.
    """

    files: tuple[DistributionFile, ...] | None
    etag: str | None
    max_age: int | None


class _Passing(Exception):
    """A failure that may be gone at the next try."""


class Client:
    """An HTTP client for some pages; close it by leaving the block. Threads may share it."""

    def __init__(self, settings: IndexSettings) -> None:
        """Read the certificates and credentials.

        Raises:
            IndexFailure: a certificate cannot be read.
            UsageError: the proxy is not a URL.
        """
        self._timeout = settings.timeout
        auth.KEYRING_DISABLED = settings.keyring_provider == "disabled"
        indexes = (settings.index_url, *settings.extra_index_urls, *settings.find_links)
        proxy = settings.proxy
        try:
            self._client = PyPIClient(
                trusted_hosts=settings.trusted_hosts,
                verify=_certificates(settings),
                auth=auth.MultiDomainBasicAuth(
                    prompting=False, index_urls=[_with_password(url) for url in indexes]
                ),
                follow_redirects=True,
                headers={"User-Agent": "envlock", "Accept": _ACCEPT},
                proxy=proxy if proxy is None or "://" in proxy else f"http://{proxy}",
                timeout=settings.timeout,
            )
        except ValueError as error:
            raise UsageError(f"the proxy cannot be used: {redact(str(error))}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def read(self, url: str, *, etag: str | None = None) -> Page | None:
        """Return the page at ``url``, or None where the server has none.

        Connection errors, server errors and cut-off pages are tried again
        twice; a server that was silent for the whole timeout is not.

        Raises:
            IndexFailure: it could not be read; the message says why.
        """
        self._check_origin(url)
        pauses = iter(_PAUSES)
        while True:
            try:
                return self._try(url, etag)
            except _Passing as passing:
                pause = next(pauses, None)
                if pause is None:
                    raise _failure(url, f"{passing} ({len(_PAUSES) + 1} tries)") from None
                time.sleep(pause)

    def _check_origin(self, url: str) -> None:
        # unearth's client lacks nothing of its own protocol but the wider types of its arguments.
        if not is_secure_origin(cast("Fetcher", self._client), Link(url)):
            host = urlsplit(url).hostname or ""
            raise IndexFailure(
                f"{redact(url)} is not read: {host} is neither encrypted (https) nor trusted",
                f"--trusted-host {host}",
            )

    def _try(self, url: str, etag: str | None) -> Page | None:
        try:
            answer = self._client.get(url, headers={"If-None-Match": etag} if etag else None)
        except httpx2.TimeoutException:
            raise _failure(
                url,
                f"no answer within {self._timeout:g} s",
                "a longer limit: PIP_DEFAULT_TIMEOUT=60, or timeout in pip's configuration",
            ) from None
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise _unreachable(url, error) from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _failure(url, str(error)) from None
        return self._judge(url, answer)

    def _judge(self, url: str, answer: httpx2.Response) -> Page | None:
        status = answer.status_code
        gone = status == HTTPStatus.FORBIDDEN and answer.url.host in _FORBIDDEN_MEANS_GONE
        if status in _GONE or gone:
            return None
        if status in _REFUSED:
            raise _refused(url, answer)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise _Passing(f"it answered {status} {answer.reason_phrase}")
        if status == HTTPStatus.NOT_MODIFIED:
            files = None
        elif status == HTTPStatus.OK:
            files = _files(url, answer)
        else:
            raise _failure(url, f"it answered {status} {answer.reason_phrase}")
        return Page(files=files, etag=answer.headers.get("ETag"), max_age=_max_age(answer))


def _files(url: str, answer: httpx2.Response) -> tuple[DistributionFile, ...]:
    kind = answer.headers.get("Content-Type", "").lower()
    try:
        if "json" in kind:
            return parse_json(answer.content, str(answer.url))
        if "html" in kind:
            return parse_html(answer.text, str(answer.url))
    except Incomplete:
        raise _Passing("the page was cut off") from None
    except NotAPage:
        pass
    raise _failure(url, f"it answered with {kind or 'no content type'}, not with a page of files")


def _max_age(answer: httpx2.Response) -> int | None:
    control = answer.headers.get("Cache-Control", "").lower()
    if "no-cache" in control or "no-store" in control:
        return 0
    said = re.search(r"max-age=(\d+)", control)
    return None if said is None else int(said[1])


def _certificates(settings: IndexSettings) -> ssl.SSLContext:
    path = settings.cert
    try:
        if path is None:
            context = httpx2.create_ssl_context()
        elif is_folder(Path(path)):
            context = ssl.create_default_context(capath=path)
        else:
            context = ssl.create_default_context(cafile=path)
        path = settings.client_cert
        if path is not None:
            context.load_cert_chain(path)
    except OSError as error:
        raise IndexFailure(
            f"{path}: the certificate cannot be read: {error.strerror or error}",
            "pip config list",
        ) from None
    return context


def _with_password(url: str) -> str:
    """Return ``url`` with a password, where it names only a user or a token.

    As pip: netrc and keyring are asked for the password, which is else empty.
    """
    parts = urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at or ":" in userinfo:
        return url
    found = get_netrc_auth(url) or auth.get_keyring_auth(url, userinfo)
    user, password = (
        (quote(found[0], safe=""), quote(found[1], safe="")) if found else (userinfo, "")
    )
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{host}"))


def _refused(url: str, answer: httpx2.Response) -> IndexFailure:
    host = answer.url.host
    status = f"{answer.status_code} {answer.reason_phrase}"
    if "Authorization" in answer.request.headers:
        cause = f"the credentials for {host} were refused ({status})"
    else:
        cause = f"{host} wants credentials and none were found ({status})"
    return _failure(
        url,
        cause,
        f"in ~/.netrc: machine {host} login USER password SECRET",
        f"keyring set {host} USER",
        f"--index-url https://USER:SECRET@{host}/…",
    )


def _unreachable(url: str, error: Exception) -> Exception:
    """Return what a connection that failed means: a lasting fault, or a passing one."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            host = urlsplit(url).hostname
            return _failure(
                url,
                f"its certificate is not trusted: {cause.verify_message}",
                "--cert FILE, with the certificate of the authority that signed it",
                f"--trusted-host {host}",
            )
        if isinstance(cause, ssl.SSLError):
            return _failure(url, f"no encrypted connection: {cause.reason or cause}")
        if isinstance(cause, socket.gaierror):
            return _Passing("there is no such host")
        if isinstance(cause, ConnectionRefusedError):
            return _Passing("the connection was refused")
    if isinstance(error, httpx2.RemoteProtocolError):
        return _Passing("the answer was cut off")
    return _Passing(redact(str(error)) or type(error).__name__)


def _failure(url: str, cause: str, *remedies: str) -> IndexFailure:
    general = "pip config list  (shows which indexes are configured; --index-url names another)"
    return IndexFailure(
        f"cannot read the package index {redact(url)}: {cause}", *(remedies or (general,))
    )
