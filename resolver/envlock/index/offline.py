"""No network: none that is to be used, or none that is there."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Iterable
from contextlib import suppress

from envlock.errors import IndexFailure
from envlock.index.secrets import redact

#: What is typed where nothing answers: what was fetched before is enough for much.
OFFLINE = "--offline"
_SHOWN = 8
#: Addresses that are nobody's (RFC 5737, RFC 3849). Nothing is sent to them.
_NOWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
#: What the system says of an address that has no way from here.
UNROUTED = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
#: uv's words for what its cache has not.
_UV_FILE = re.compile(r"wasn't found in the cache(?: for)?: `?([^`\s]+)")
_UV_PAGE = re.compile(r"([\w.-]+)(?:\[[\w.,-]+\])?(?:==[\w.+!-]+)? was not found in the cache")
_UV_RELEASE = re.compile(
    r"([\w.-]+)(?:\[[\w.,-]+\])?(==\S+) needs to be downloaded from a registry"
)


def lacking(what: Iterable[str]) -> IndexFailure:
    """Return the error for pages or files that are asked for offline, and are in no cache."""
    names = list(dict.fromkeys(what))
    shown = ", ".join(names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return IndexFailure(
        f"offline, and the cache has not {shown}{more}",
        "type it once without --offline where there is a network, with the same cache",
        "--find-links FOLDER, with the wheels that are missing",
    )


def lacked_by_uv(said: str) -> tuple[str, ...]:
    """Return what an offline uv says that its cache lacks: names of files, then of packages."""
    text = " ".join(said.split())
    files = (redact(url).partition("#")[0].rpartition("/")[2] for url in _UV_FILE.findall(text))
    releases = map("".join, _UV_RELEASE.findall(text))
    return (*files, *_UV_PAGE.findall(text), *releases)


def unrouted() -> bool:
    """Tell whether no network is there at all: no address in the world has a way from here."""
    for family, address in _NOWHERE:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((address, 9))
            except OSError as error:
                if error.errno in UNROUTED:
                    continue
            return False
    return True
