"""Pages that were read before, one file each.

Only a cache: see `envlock.system.caches`. The content of a file is lines of JSON:
a header that names the versions in order, then the files of one version a line.
A lock needs one line of a page of thousands of files, and nothing else is
parsed for it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct, json
from packaging.utils import canonicalize_version
from packaging.version import Version

from envlock.index.filenames import version_of
from envlock.index.secrets import redact, strip_credentials, without_userinfo
from envlock.model import DistributionFile
from envlock.system import keep, load_kept
from envlock.trace import trace

#: Seconds a page is good for: what PyPI's own Cache-Control says of its pages.
FRESH = 600
_FORMAT = 3


class KeptPage(Struct, frozen=True, kw_only=True):
    """What a page lists, its server's ETag, and until when to trust it (Unix time).

    ``there`` is False of a page that the server said it has not: who is offline
    is to know that, and it is never fresh.
    ``lines`` maps a version, without trailing zeros, to its files as JSON;
    files without a valid version are under "".
    """

    lines: Mapping[str, bytes]
    etag: str | None
    fresh_until: float
    there: bool = True

    @property
    def fresh(self) -> bool:
        """Whether it can be used without asking the server."""
        # A clock that was set back would otherwise keep a page for ever.
        return 0 <= self.fresh_until - time.time() <= FRESH

    def files(self, version: Version | None = None) -> tuple[DistributionFile, ...]:
        """Return the files of one version, or with None all."""
        lines = self.lines.values() if version is None else [self.lines.get(_key(version), b"[]")]
        return tuple(file for line in lines for file in _decoder().decode(line))


class _Header(Struct, frozen=True, kw_only=True):
    """The first line of a page's file."""

    format: int
    url: str
    etag: str | None
    fresh_until: float
    versions: tuple[str, ...]
    there: bool = True


def to_lines(files: Iterable[DistributionFile]) -> dict[str, bytes]:
    """Return the ``lines`` of a `KeptPage` of these files."""
    grouped: dict[Version | None, list[DistributionFile]] = {}
    for file in files:
        grouped.setdefault(version_of(file), []).append(file)
    return {_key(version): json.encode(those) for version, those in grouped.items()}


def _key(version: Version | None) -> str:
    return "" if version is None else canonicalize_version(version)


class PageCache:
    """Pages by URL, under one folder. Credentials in a URL play no part."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder  # None where nothing can be kept

    def load(self, url: str) -> KeptPage | None:
        """Return the page as it was last stored, fresh or not; None for none."""
        if self._folder is None:
            return None
        try:
            # Pages hold megabytes: splitting at each kind of line end takes ten times as long.
            first, *lines, _ = (load_kept(_file(self._folder, url)) or b"").split(b"\n")
            header = json.decode(first, type=_Header)
            if header.format != _FORMAT:
                return None
            trace(lambda: f"kept {redact(url)}: a page of envlock's cache")
            return KeptPage(
                lines=dict(zip(header.versions, lines, strict=True)),
                etag=header.etag,
                fresh_until=header.fresh_until,
                there=header.there,
            )
        except ValueError:
            return None

    def store(self, pages: Mapping[str, KeptPage]) -> None:
        """Keep these pages by URL, if the disk lets us."""
        if self._folder is not None:
            folder = self._folder
            keep({_file(folder, url): _content(url, page) for url, page in pages.items()})


def _file(folder: Path, url: str) -> Path:
    # Two paths are two indexes, though one segment of them may be a token.
    digest = hashlib.sha256(without_userinfo(url).encode()).hexdigest()[:32]
    return folder / f"{digest}.jsonl"


def _content(url: str, page: KeptPage) -> bytes:
    header = _Header(
        format=_FORMAT,
        url=strip_credentials(url),
        etag=page.etag,
        fresh_until=page.fresh_until,
        versions=tuple(page.lines),
        there=page.there,
    )
    return b"".join(line + b"\n" for line in (json.encode(header), *page.lines.values()))


@cache
def _decoder() -> json.Decoder[tuple[DistributionFile, ...]]:
    return json.Decoder(tuple[DistributionFile, ...])
