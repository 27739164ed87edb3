"""Addresses of indexes: which are none, and which hosts are read without encryption. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from envlock.errors import UsageError
from envlock.index.secrets import redact
from envlock.system.typed import own_pip

#: What to type where it is not known why an index is asked at all.
GENERAL = (
    f"{own_pip('config', 'list')}  # shows which indexes are configured; --index-url names another"
)
_SCHEMES = ("http", "https", "file")
_LARGEST_PORT = 65535

#: Of ``https://a\\@b/`` Python takes b for the host, and uv and rattler a: who would be told of b?
AMBIGUOUS = re.compile(r"[\\\s\x00-\x1f]")
WHY_AMBIGUOUS = "no address has a backslash or a blank in it"


class Unusable(ValueError):
    """An address that nothing can be read from; the text says why."""


def split(url: str) -> SplitResult:
    """Return the parts of the address of an index.

    Raises:
        Unusable: it is none.
    """
    if AMBIGUOUS.search(url) and not url.startswith("file:"):
        raise Unusable(WHY_AMBIGUOUS)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Unusable(_plain(error)) from None
    if not parts.scheme or ("://" not in url and parts.scheme != "file"):
        raise Unusable("it does not begin with https:// or http://")
    if parts.scheme not in _SCHEMES:
        raise Unusable(f"pages are read over https and http and from file:, not {parts.scheme}")
    if parts.scheme != "file" and not parts.hostname:
        raise Unusable("it names no host")
    if port == 0:
        raise Unusable("there is no port 0")
    return parts


def _plain(error: ValueError) -> str:
    words = str(error)
    if words.startswith("Port out of range"):
        return f"there are ports up to {_LARGEST_PORT}"
    if words.startswith("Port could not be cast"):
        return "its port is no number"
    return f"{words[:1].lower()}{words[1:]}".replace("invalid IPv6", "no valid IPv6")


def check_index(url: str) -> None:
    """Refuse an address of an index that nothing can be read from, as `check_address`."""
    check_address(url, "the package index")
    if "#" in url and not url.startswith("file:"):
        raise UsageError(
            f"the package index {shown(url)} cannot be read: what is behind # goes to no server",
            "leave out # and what is behind it; a # of a password is written %23",
        )


def check_address(url: str, what: str) -> None:
    """Refuse an address of an index or a page that nothing can be read from.

    Raises:
        UsageError: it says why.
    """
    try:
        split(url)
    except Unusable as error:
        raise UsageError(
            f"{what} {shown(url)} cannot be read: {error}",
            GENERAL,
        ) from None


def shown(url: str) -> str:
    """Return an address without its secrets, also one whose scheme was forgotten."""
    return redact(url) if "://" in url else redact(f"https://{url}").removeprefix("https://")


def trusted_host(text: str) -> tuple[str, int | None]:
    """Return the host and the port of ``--trusted-host``; IPv6 with brackets or without.

    Raises:
        UsageError: it is neither a host nor a host and a port.
    """
    bare = text.partition("://")[2] or text
    if bare.count(":") > 1 and not bare.startswith("["):
        bare = f"[{bare}]"
    try:
        parts = urlsplit(f"//{bare}")
        if parts.hostname:
            return parts.hostname, parts.port
        why = "it names no host"
    except ValueError as error:
        why = _plain(error)
    raise UsageError(
        f"--trusted-host {redact(text)} cannot be read: {why}",
        "write HOST, HOST:PORT, or an IPv6 address in brackets: [::1]:8443",
    )


def as_netloc(host: str, port: int | None) -> str:
    """Return a host and a port as they stand in a URL."""
    named = f"[{host}]" if ":" in host else host
    return named if port is None else f"{named}:{port}"


def is_trusted(parts: SplitResult, hosts: Iterable[tuple[str, int | None]]) -> bool:
    """Tell whether a host is read whatever its certificate."""
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return any(
        _same(parts.hostname or "", host) and wanted in {None, port} for host, wanted in hosts
    )


def is_secure(parts: SplitResult, hosts: Iterable[tuple[str, int | None]]) -> bool:
    """Tell whether a page is read at all: encrypted, of this machine, or of a trusted host."""
    if parts.scheme == "https" or is_trusted(parts, hosts):
        return True
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _same(host: str, trusted: str) -> bool:
    """Whether two names are of one host; a trusted one may be a network (pip has it so)."""
    if trusted in {host, "*"}:
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(trusted)
    except ValueError:
        return False
