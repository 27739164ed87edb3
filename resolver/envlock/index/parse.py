"""Index pages into `DistributionFile`s: JSON (PEP 691, 700) and HTML (PEP 503). Pure.

Not left to a library: none keeps the sizes, and this one is read on every
run, also when nothing needs to be fetched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from msgspec.structs import replace

from envlock.index.redact import strip_credentials
from envlock.model import DistributionFile

#: What a lock may hold: pip's ``--hash`` takes these and no others.
STRONG = ("sha256", "sha384", "sha512")


class Incomplete(ValueError):
    """The page ends before it should: the connection was cut off."""


class NotAPage(ValueError):
    """Whole, but not a page of package files."""


def parse_json(content: bytes, url: str) -> tuple[DistributionFile, ...]:
    """Return the files of a PEP 691 page; ``url`` is where it was found.

    Raises:
        Incomplete: it is not JSON to the end.
        NotAPage: it is JSON of another kind.
    """
    try:
        page = json.loads(content)
    except ValueError as error:
        raise Incomplete from error
    base = strip_credentials(url)
    try:
        return tuple(_described(entry, base) for entry in page["files"])
    except (KeyError, TypeError, AttributeError) as error:
        raise NotAPage from error


def parse_html(text: str, url: str) -> tuple[DistributionFile, ...]:
    """Return the files of a PEP 503 page; ``url`` is where it was found.

    Raises:
        Incomplete: it ends inside a tag.
    """
    from envlock.index.links import Links  # noqa: PLC0415  (3 ms, and most indexes speak JSON)

    links = Links()
    links.feed(text)
    if "<" in links.rawdata:
        raise Incomplete
    base = strip_credentials(urljoin(url, links.base))
    return tuple(_anchored(anchor, base) for anchor in links.found if anchor.get("href"))


def file_at(url: str) -> DistributionFile:
    """Return the file that ``url`` points to, with the hash in its fragment."""
    url, _, fragment = url.partition("#")
    hashes = {part.partition("=")[0]: part.partition("=")[2] for part in fragment.split("&")}
    return DistributionFile(
        filename=unquote(urlsplit(url).path.rpartition("/")[2]),
        url=strip_credentials(url),
        hashes=_strong(hashes),
    )


def _anchored(anchor: Mapping[str, str | None], base: str) -> DistributionFile:
    href = anchor["href"] or ""
    # Joining is the slow part of a long page, and most links are whole.
    file = file_at(href if href.startswith(("https://", "http://")) else urljoin(base, href))
    yanked = (anchor["data-yanked"] or "") if "data-yanked" in anchor else None
    return replace(file, requires_python=anchor.get("data-requires-python") or None, yanked=yanked)


def _described(entry: Mapping[str, Any], base: str) -> DistributionFile:
    url: str = entry["url"]
    yanked = entry.get("yanked")
    return DistributionFile(
        filename=entry["filename"],
        url=strip_credentials(url if url.startswith("https://") else urljoin(base, url)),
        hashes=_strong(entry.get("hashes") or {}),
        requires_python=entry.get("requires-python") or None,
        yanked=(yanked if isinstance(yanked, str) else "") if yanked else None,
        upload_time=_moment(entry.get("upload-time")),
        size=entry.get("size"),
    )


def _strong(hashes: Mapping[str, str]) -> dict[str, str]:
    return {name: hashes[name].lower() for name in STRONG if hashes.get(name)}


def _moment(text: str | None) -> datetime | None:
    """Return an upload time; PEP 700 demands UTC, so one without a zone is taken as that."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
