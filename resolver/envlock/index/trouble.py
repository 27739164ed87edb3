"""What it means that a page could not be read, in words. Pure, but for the HTTP client's errors."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

import httpx2

from envlock.errors import IndexFailure
from envlock.index.ceiling import Passing
from envlock.index.hosts import GENERAL, as_netloc
from envlock.index.netrc import netrc_fault
from envlock.index.offline import OFFLINE, UNROUTED, unrouted
from envlock.index.secrets import redact
from envlock.model import IndexSettings

PROXY = (
    "set HTTPS_PROXY, or proxy in pip's configuration, to http://HOST:PORT or socks5://HOST:PORT"
)

#: What the HTTP client says of a connection that ended before an answer did.
_CUT_OFF = re.compile("closed connection|disconnected|terminated|reset", re.IGNORECASE)


def failure(url: str, cause: str, *remedies: str) -> IndexFailure:
    """Return the error of a page that cannot be read."""
    return IndexFailure(
        f"cannot read the package index {redact(url)}: {cause}", *(remedies or (GENERAL,))
    )


def refused(url: str, answer: httpx2.Response, settings: IndexSettings) -> IndexFailure:
    """Return the error of a page that the server keeps from this user."""
    host = answer.url.host
    status = f"{answer.status_code} {answer.reason_phrase}"
    if "Authorization" in answer.request.headers:
        cause = f"the credentials for {host} were refused ({status})"
    else:
        fault = netrc_fault()
        cause = f"{host} wants credentials and none were found ({status})"
        cause += f"; {fault}" if fault else ""
    return failure(
        url,
        cause,
        f"in ~/.netrc: machine {host} login USER password SECRET",
        f"keyring set {host} USER",
        _with_credentials(url, settings),
    )


def _with_credentials(url: str, settings: IndexSettings) -> str:
    """The option that names the place of a page once more, with credentials in it."""
    places = (
        ("--extra-index-url", settings.extra_index_urls),
        ("--find-links", settings.find_links),
        ("--index-url", (settings.index_url,)),
    )
    for option, known in places:
        for place in known:
            if url == place or url.startswith(f"{place.rstrip('/')}/"):
                parts = urlsplit(place)
                netloc = f"USER:SECRET@{as_netloc(parts.hostname or '', parts.port)}"
                return f"{option} {urlunsplit(parts._replace(netloc=netloc, query=''))}"
    parts = urlsplit(url)
    netloc = f"USER:SECRET@{as_netloc(parts.hostname or '', parts.port)}"
    return f"--index-url {parts.scheme}://{netloc}/…"


def before(error: Exception, peer: tuple[str, int]) -> str:
    """Return the proxy that was connected to, ``peer``, in place of the server; "" for none."""
    asked = error.request.url if isinstance(error, httpx2.RequestError) else None
    if asked is None or not peer[0]:
        return ""
    names = {asked.host, asked.raw_host.decode("ascii", "replace")}
    if peer[0] in names and peer[1] == (asked.port or _PORTS.get(asked.scheme)):
        return ""
    return as_netloc(*peer)


def unreachable(url: str, error: Exception, peer: tuple[str, int]) -> Exception:
    """Return what a connection that failed means: a lasting fault, or a passing one.

    ``peer`` is where the connection was to lead, which may be a proxy.
    """
    if isinstance(error, httpx2.UnsupportedProtocol):
        return failure(url, redact(str(error)) or "it leads to an address of another kind")
    if isinstance(error, httpx2.RemoteProtocolError):
        if _CUT_OFF.search(str(error)):
            return Passing("the answer was cut off")
        return failure(url, f"its answer makes no sense: {redact(str(error))[:200]}")
    return _broken(url, error, before(error, peer)) or Passing(
        redact(str(error)) or type(error).__name__
    )


def _broken(url: str, error: Exception, proxy: str) -> Exception | None:
    """What the operating system or the encryption says of a connection."""
    host = urlsplit(url).hostname
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return failure(
                url,
                f"its certificate is not trusted: {cause.verify_message}",
                "--cert FILE, with the certificate of the authority that signed it",
                f"--trusted-host {host}",
            )
        if isinstance(cause, ssl.SSLError):
            return failure(url, f"no encrypted connection: {cause.reason or cause}")
        if isinstance(cause, socket.gaierror | ConnectionRefusedError):
            missing = isinstance(cause, socket.gaierror)
            if missing and unrouted():
                return _cut(host)
            return Passing(
                *(_of_proxy(proxy, host, missing=missing) if proxy else _without(missing=missing))
            )
        if isinstance(cause, OSError) and cause.errno in UNROUTED:
            return _cut(host)
    return None


def _cut(host: str | None) -> Passing:
    return Passing(f"there is no network here that leads to {host}", OFFLINE, alone=True)


def _without(*, missing: bool) -> tuple[str, ...]:
    """What is told of a server that cannot be connected to: what was fetched before may do."""
    return (_WHY[missing], OFFLINE, GENERAL) if missing else (_WHY[missing],)


_PORTS = {"http": 80, "https": 443}
_WHY = {True: "there is no such host", False: "the connection was refused"}


def _of_proxy(proxy: str, host: str | None, *, missing: bool) -> tuple[str, str, str]:
    """What is told of a proxy that cannot be connected to, and how to go on."""
    why = f"there is no such host as the proxy {proxy}"
    return (
        why if missing else f"the proxy {proxy} refused the connection",
        PROXY,
        f"NO_PROXY={host}  # where it can be reached without one",
    )


def _causes(error: Exception) -> Sequence[BaseException]:
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    return causes
