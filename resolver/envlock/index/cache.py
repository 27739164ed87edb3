"""Pages that were read before, one file each.

Only a cache: a file that is missing, damaged or of another format is a miss,
and one that cannot be written is not an error.

A file is lines of JSON: a header that names the versions in order, then the
files of one version a line. A lock needs one line of a page of thousands of
files, and nothing else is parsed for it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_version
from packaging.version import Version

from envlock.errors import WorkError
from envlock.index.redact import strip_credentials
from envlock.index.releases import version_of
from envlock.model import DistributionFile
from envlock.system import make_folder, write_texts

#: Seconds a page is good for: what PyPI's own Cache-Control says of its pages.
FRESH = 600
_FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptPage:
    """What a page lists, its server's ETag, and until when to trust it (Unix time).

    ``lines`` maps a version, without trailing zeros, to its files as JSON;
    files without a valid version are under "".
    """

    lines: Mapping[str, str]
    etag: str | None
    fresh_until: float

    @property
    def fresh(self) -> bool:
        """Whether it can be used without asking the server."""
        # A clock that was set back would otherwise keep a page for ever.
        return 0 <= self.fresh_until - time.time() <= FRESH

    def files(self, version: Version | None = None) -> tuple[DistributionFile, ...]:
        """Return the files of one version, or with None all."""
        lines = self.lines.values() if version is None else [self.lines.get(_key(version), "[]")]
        return tuple(_from_row(*row) for line in lines for row in json.loads(line))


def to_lines(files: Iterable[DistributionFile]) -> dict[str, str]:
    """Return the ``lines`` of a `KeptPage` of these files."""
    rows: dict[Version | None, list[list[Any]]] = {}
    for file in files:
        rows.setdefault(version_of(file), []).append(_to_row(file))
    return {
        _key(version): json.dumps(those, separators=(",", ":")) for version, those in rows.items()
    }


def _key(version: Version | None) -> str:
    return "" if version is None else canonicalize_version(version)


class PageCache:
    """Pages by URL, under one folder. Credentials in a URL play no part."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, url: str) -> KeptPage | None:
        """Return the page as it was last stored, fresh or not; None for none."""
        try:
            # Pages hold megabytes: splitting at each kind of line end takes ten times as long.
            first, *lines, _ = self._file(url).read_bytes().decode().split("\n")
            header = json.loads(first)
            if header["format"] != _FORMAT:
                return None
            return KeptPage(
                lines=dict(zip(header["versions"], lines, strict=True)),
                etag=header["etag"],
                fresh_until=float(header["fresh_until"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def store(self, pages: Mapping[str, KeptPage]) -> None:
        """Keep these pages by URL, if the disk lets us."""
        texts = {self._file(url): _text(url, page) for url, page in pages.items()}
        with suppress(WorkError):
            make_folder(self._folder)
            write_texts(texts, lasting=False)

    def _file(self, url: str) -> Path:
        digest = hashlib.sha256(strip_credentials(url).encode()).hexdigest()[:32]
        return self._folder / f"{digest}.jsonl"


def _text(url: str, page: KeptPage) -> str:
    header = {
        "format": _FORMAT,
        "url": strip_credentials(url),
        "etag": page.etag,
        "fresh_until": page.fresh_until,
        "versions": list(page.lines),
    }
    return "".join(f"{line}\n" for line in (json.dumps(header), *page.lines.values()))


def _to_row(file: DistributionFile) -> list[Any]:
    moment = None if file.upload_time is None else file.upload_time.isoformat()
    return [
        file.filename,
        file.url,
        file.hashes,
        file.requires_python,
        file.yanked,
        moment,
        file.size,
    ]


def _from_row(
    filename: str,
    url: str,
    hashes: dict[str, str],
    requires_python: str | None,
    yanked: str | None,
    moment: str | None,
    size: int | None,
) -> DistributionFile:
    return DistributionFile(
        filename=filename,
        url=url,
        hashes=hashes,
        requires_python=requires_python,
        yanked=yanked,
        upload_time=None if moment is None else datetime.fromisoformat(moment),
        size=size,
    )
