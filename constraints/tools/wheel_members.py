"""Members of published files, read by range requests and kept in a cache.

Of a wheel only its index and the members that are asked for are downloaded,
members that lie near each other in one request. A source archive is small
and is downloaded whole. A published file never changes, so what is in the
cache is never asked for again.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec
import requests
from remotezip import RemoteZip  # type: ignore[import-untyped]
from requests.adapters import HTTPAdapter
from unearth import Link
from urllib3.util import Retry

from envlock.errors import IndexFailure

#: Bytes between two members that are cheaper to download than another request.
_GAP = 200_000
#: Bytes from the end of a wheel that mostly hold its whole index.
_TAIL = 1_000_000
#: The largest member and the largest source archive that are read.
_MEMBER = 20_000_000
_SDIST = 50_000_000


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a member lies in a wheel: what the index of the zip says of it."""

    offset: int
    end: int
    size: int
    method: int


class Members:
    """The members of one published file.

    Raises:
        IndexFailure: the file cannot be read.
    """

    def __init__(self, link: Link, cache: Path) -> None:
        self._link = link
        self._folder = cache / link.filename
        self._folder.mkdir(parents=True, exist_ok=True)
        self._kept = self._folder / "members.zip"
        self._places = self._index()

    @property
    def names(self) -> Collection[str]:
        """The names of all members."""
        return self._places.keys()

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the content of members, downloading what is not in the cache."""
        wanted = set(names)
        found = self._from_cache(wanted)
        missing = wanted - found.keys()
        if missing:
            fresh = dict(self._download(missing))
            with zipfile.ZipFile(self._kept, "a", zipfile.ZIP_DEFLATED) as kept:
                for name, content in fresh.items():
                    kept.writestr(name, content)
            found |= fresh
        return found

    def _from_cache(self, names: Collection[str]) -> dict[str, bytes]:
        if not self._kept.exists():
            return {}
        try:
            with zipfile.ZipFile(self._kept) as kept:
                return {name: kept.read(name) for name in names & kept.NameToInfo.keys()}
        except zipfile.BadZipFile:  # written by one that was killed
            self._kept.unlink()
            return {}

    def _index(self) -> Mapping[str, _Place]:
        index = self._folder / "index.json"
        with suppress(FileNotFoundError, msgspec.DecodeError):
            return msgspec.json.decode(index.read_bytes(), type=dict[str, _Place])
        places = self._remote_index() if self._link.is_wheel else self._whole_archive()
        index.write_bytes(msgspec.json.encode(places))
        return places

    def _remote_index(self) -> dict[str, _Place]:
        try:
            with RemoteZip(
                self._link.url, _TAIL, session=_session(), support_suffix_range=False
            ) as wheel:
                infos = sorted(wheel.infolist(), key=lambda info: info.header_offset)
                ends = [info.header_offset for info in infos[1:]] + [wheel.start_dir]
        except Exception as error:
            raise IndexFailure(f"{self._link.filename}: cannot be read: {error}") from error
        return {
            info.filename: _Place(info.header_offset, end, info.file_size, info.compress_type)
            for info, end in zip(infos, ends, strict=True)
        }

    def _whole_archive(self) -> dict[str, _Place]:
        content = _get(self._link, None, _SDIST)
        places = {}
        with (
            tarfile.open(fileobj=io.BytesIO(content)) as archive,
            zipfile.ZipFile(self._kept, "w", zipfile.ZIP_DEFLATED) as kept,
        ):
            for info in archive:
                name = info.name.partition("/")[2]
                file = archive.extractfile(info) if info.isfile() else None
                if file is not None and info.size <= _MEMBER and name not in places:
                    kept.writestr(name, file.read())
                    places[name] = _Place(0, 0, info.size, 0)
        return places

    def _download(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        places = sorted(
            ((self._places[name], name) for name in names), key=lambda pair: pair[0].offset
        )
        for run in _runs(places):
            start, end = run[0][0].offset, run[-1][0].end
            content = _get(self._link, (start, end), end - start)
            for place, name in run:
                yield name, _inflated(name, place, content[place.offset - start :])


@cache
def _session() -> requests.Session:
    """One connection for all requests, which asks again where a server hangs up."""
    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=Retry(total=5, backoff_factor=1)))
    return session


def _runs(places: Iterable[tuple[_Place, str]]) -> Iterator[list[tuple[_Place, str]]]:
    """Join members that lie near each other, so that one request gets them all."""
    run: list[tuple[_Place, str]] = []
    for place, name in places:
        if run and place.offset - run[-1][0].end > _GAP:
            yield run
            run = []
        run.append((place, name))
    if run:
        yield run


def _get(link: Link, span: tuple[int, int] | None, ceiling: int) -> bytes:
    headers = {} if span is None else {"Range": f"bytes={span[0]}-{span[1] - 1}"}
    try:
        with _session().get(link.url, headers=headers, stream=True, timeout=120) as response:
            response.raise_for_status()
            content: bytes = response.raw.read(ceiling + 1)
    except (OSError, requests.RequestException) as error:
        raise IndexFailure(f"{link.filename}: cannot be read: {error}") from error
    if len(content) > ceiling or (span is not None and len(content) != span[1] - span[0]):
        raise IndexFailure(f"{link.filename}: another length than was asked for")
    return content


def _inflated(name: str, place: _Place, content: bytes) -> bytes:
    """Return a member out of the bytes from its local header on."""
    header = 30
    start = header + int.from_bytes(content[26:28], "little")
    start += int.from_bytes(content[28:30], "little")
    if place.size > _MEMBER:
        raise IndexFailure(f"{name}: too large to be read")
    if place.method == zipfile.ZIP_STORED:
        return content[start : start + place.size]
    return zlib.decompressobj(-15).decompress(content[start:], place.size)
