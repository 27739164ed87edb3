"""`[tool.envlock.sources]`: packages that are held to one index each. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from envlock.errors import UsageError
from envlock.index.hosts import check_address
from envlock.index.origin import indexes, public
from envlock.index.redact import redact
from envlock.index.secrets import learn_url
from envlock.model import IndexSettings

Sources = tuple[tuple[str, str], ...]

_PATTERN = r"[a-z0-9*?](?:[a-z0-9*?-]*[a-z0-9*?])?"


def read_source(text: str) -> tuple[str, str]:
    """Return the normalised name or pattern and the place of ``NAME=PLACE``.

    Raises:
        UsageError: it is no such pair, or the name is none.
    """
    written, sign, place = text.partition("=")
    name = re.sub(r"[-_.]+", "-", written.strip()).lower()
    if not sign or not place.strip() or not re.fullmatch(_PATTERN, name):
        raise UsageError(
            f"{redact(text)!r} is not NAME=INDEX, where NAME is a package or a pattern like acme-*",
            'write "acme-*" = "https://HOST/simple"',
        )
    return name, place.strip()


def closest_first(sources: Iterable[tuple[str, str]]) -> Sources:
    """Return the sources with names before patterns, and long patterns before short ones."""
    return tuple(
        sorted(sources, key=lambda each: ("*" in each[0] or "?" in each[0], -len(each[0])))
    )


def placed(sources: Sources, settings: IndexSettings) -> Sources:
    """Return the sources with the URL of each place, as the settings have it.

    A place is a URL, which need not be configured otherwise, or the host of
    one of the indexes.

    Raises:
        UsageError: there is no such index, or two have that host, or nothing is read from it.
    """
    return tuple((name, _place(name, place, settings)) for name, place in sources)


def _place(name: str, place: str, settings: IndexSettings) -> str:
    configured = (*indexes(settings), *settings.find_links)
    if "://" in place or place.startswith("file:"):
        learn_url(place)
        check_address(place, f"sources: the index of {name},")
        return next((url for url in configured if public(url) == public(place)), place.rstrip("/"))
    meant = [url for url in configured if place in {_host(url), public(url)}]
    if len(meant) == 1:
        return meant[0]
    known = " and ".join(public(url) for url in meant or configured)
    wrong = f"{len(meant)} indexes have that host" if meant else "there is no such index"
    raise UsageError(
        f"sources: {name} is held to {redact(place)}, and {wrong}: there are {known}",
        "name the index by its URL",
    )


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
