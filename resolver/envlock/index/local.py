"""Indexes and find-links that are folders and files of this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace
from packaging.utils import NormalizedName

from envlock.errors import IndexFailure
from envlock.index.parse import Incomplete, NotAPage, file_at, parse_html
from envlock.model import DistributionFile
from envlock.system import WINDOWS, contents
from envlock.system.looking import is_file, is_folder
from envlock.system.typed import own_pip

_MOST = 1 << 27  # bytes of a page
_PAGES = (".html", ".htm")


class DiskHashes(Mapping[str, str]):
    """The sha256 of a local file, read from disk when it is first asked for.

    A folder may hold gigabytes of wheels of which a lock needs one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digest: str | None = None

    def __getitem__(self, algorithm: str) -> str:
        if algorithm != "sha256":
            raise KeyError(algorithm)
        if self._digest is None:
            try:
                with self._path.open("rb") as stream:
                    self._digest = hashlib.file_digest(stream, "sha256").hexdigest()
            except OSError as error:
                raise IndexFailure(
                    f"{self._path}: cannot be read to hash it: {error.strerror}"
                ) from None
        return self._digest

    def __iter__(self) -> Iterator[str]:
        return iter(("sha256",))

    def __len__(self) -> int:
        return 1


def is_local(url: str) -> bool:
    """Tell whether a URL is a file or folder of this machine."""
    return url.startswith("file:")


def is_missing(url: str) -> bool:
    """Tell whether a URL is of this machine, and no file or folder is there."""
    return is_local(url) and not (is_folder(_path(url)) or is_file(_path(url)))


def index_files(index_url: str, name: NormalizedName) -> tuple[DistributionFile, ...] | None:
    """Return what a folder index lists in ``NAME/index.html``; None where it has no such page.

    Raises:
        IndexFailure: there is no such folder, or the page cannot be read.
    """
    root = _path(index_url)
    if not is_folder(root):
        raise IndexFailure(
            f"the package index {index_url} is not there: {root} is no folder",
            own_pip("config", "list"),
        )
    page = root / name / "index.html"
    return _page_files(page) if is_file(page) else None


def linked_files(url: str) -> tuple[DistributionFile, ...] | None:
    """Return what a find-links folder, page or file has; None where nothing is there.

    Raises:
        IndexFailure: it cannot be read.
    """
    path = _path(url)
    if is_folder(path):
        return tuple(
            file
            for child in sorted(path.iterdir())
            for file in (_page_files(child) if _is_page(child) else (_on_disk(child.as_uri()),))
        )
    if _is_page(path) and is_file(path):
        return _page_files(path)
    return (_on_disk(url),) if is_file(path) else None


def _is_page(path: Path) -> bool:
    return path.suffix in _PAGES


def _page_files(page: Path) -> tuple[DistributionFile, ...]:
    try:
        files = parse_html(contents(page, _MOST).decode(errors="replace"), page.as_uri())
    except OSError as error:
        raise IndexFailure(f"{page}: cannot be read: {error.strerror}") from None
    except Incomplete:
        raise IndexFailure(f"{page}: ends inside a tag") from None
    except NotAPage as error:
        raise IndexFailure(f"{page}: this is no index page: {error}") from None
    return tuple(_hashed(file) for file in files)


def _on_disk(url: str) -> DistributionFile:
    return _hashed(file_at(url))


def _hashed(file: DistributionFile) -> DistributionFile:
    """Return the file with a hash, where it has none and can be read from disk."""
    if file.hashes or not is_local(file.url):
        return file
    return replace(file, hashes=DiskHashes(_path(file.url)))


def _path(url: str) -> Path:
    """Return the path of a file URL; the standard library's way loads its HTTP client."""
    parts = urlsplit(url)
    host = "" if parts.netloc == "localhost" else parts.netloc
    path = unquote(parts.path)
    if host:
        return Path(f"//{host}{path}")
    return Path(path.removeprefix("/") if WINDOWS else path)
