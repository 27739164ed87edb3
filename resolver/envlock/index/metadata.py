"""What a wheel says of itself, read without the wheel, and kept by the hash of the file.

A program that reads one wheel after the other waits for the network each time:
here many are asked for at once, and none a second time. Nothing is fetched
that is larger than metadata are: where a server gives no parts of files and no
metadata beside them, nothing is known of its wheels.

Files whose index states no hash are read once for it, and nothing is kept of
them.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from email.parser import BytesHeaderParser
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from envlock import standards
from envlock.errors import IndexFailure
from envlock.index.ceiling import Passing, amount, for_metadata
from envlock.index.filenames import project_of, version_of
from envlock.index.gather import connected, gather, join
from envlock.index.local import DiskHashes, is_local
from envlock.index.secrets import redact
from envlock.model import DistributionFile, IndexSettings
from envlock.progress import Progress
from envlock.system import keep, kept_folder, left, load_kept
from envlock.trace import trace
from envlock.words import counted

if TYPE_CHECKING:
    from envlock.index.fetch import Client

Name = TypeVar("Name")
_PAUSES = (0.1, 0.4)  # as of pages
_MOST = 10_000_000  # bytes of metadata, as of a directory of a wheel
_TAIL = 32_000  # bytes of a wheel's end that are read at first: mostly its metadata are there
#: Seconds that all of it may take.
_PATIENCE = 60.0
_METADATA = re.compile(r"[^/]+\.dist-info/METADATA")


def with_hashes(
    listed: Mapping[Name, Sequence[DistributionFile]],
    choose: Callable[[Sequence[DistributionFile]], Collection[DistributionFile]],
    settings: IndexSettings,
    progress: Progress,
) -> dict[Name, tuple[DistributionFile, ...]]:
    """Return the files of each release; where none has a hash, those that are chosen get theirs.

    They are downloaded for it, which is told, and each may be as large as a
    distribution may be and take as long.

    Raises:
        IndexFailure: a file cannot be read.
    """
    bare = [name for name, files in listed.items() if not any(file.hashes for file in files)]
    files = {file.url: file for name in bare for file in choose(listed[name])}
    remote = [url for url in files if not is_local(url)]
    if not remote:
        return {name: tuple(those) for name, those in listed.items()}
    hosts = " and ".join(sorted({urlsplit(url).hostname or "" for url in remote}))
    progress.note(
        f"{hosts} states no hashes: {counted(len(remote), 'file')} downloaded to be hashed"
    )
    found = _digests(remote, settings, progress)
    return {
        name: tuple(
            replace(file, hashes={"sha256": found[file.url]}) if file.url in found else file
            for file in those
        )
        for name, those in listed.items()
    }


def _digests(urls: Iterable[str], settings: IndexSettings, progress: Progress) -> dict[str, str]:
    with (
        connected(settings) as client,
        closing(gather(lambda url: _digest(client, url), tuple(urls), client.abort)) as g,
    ):
        found: dict[str, str] = {}
        for url, (digest, size) in g:
            progress.detail(f"{redact(url)}: {amount(size)}, sha256 {digest}")
            found[url] = digest
        return found


def _digest(client: Client, url: str) -> tuple[str, int]:
    def take(parts: Iterator[bytes]) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        for part in parts:
            digest.update(part)
            size += len(part)
        return digest.hexdigest(), size

    return client.file(url, take, "hashed")


class MetadataCache:
    """The METADATA of files, each by the sha256 of its file and what it was ``made`` with.

    That is "" for a wheel, which says it itself, and names a Python for a
    source archive. Only a cache: see `envlock.system.caches`.
    """

    def __init__(self, settings: IndexSettings) -> None:
        self._folder = None if settings.no_cache else kept_folder("metadata")

    def load(self, file: DistributionFile, made: str = "") -> bytes | None:
        """Return what is kept of a file, or None."""
        place = self._place(file, made)
        found = None if place is None else load_kept(place)
        if found is None or not _is_of(file, found):
            return None
        trace(lambda: f"kept {file.filename}: metadata of envlock's cache")
        return found

    def store(self, found: Iterable[tuple[DistributionFile, bytes]], made: str = "") -> None:
        """Keep what files say, if the disk lets us."""
        places = {self._place(file, made): text for file, text in found}
        keep({place: text for place, text in places.items() if place is not None})

    def _place(self, file: DistributionFile, made: str) -> Path | None:
        # The hash of a file on this disk would have to be worked out, and reading it is as quick.
        digest = "" if isinstance(file.hashes, DiskHashes) else file.hashes.get("sha256", "")
        if self._folder is None or not re.fullmatch(r"[0-9a-f]{64}", digest):
            return None
        return self._folder / f"{digest}{f'-{made}' if made else ''}"


def read_wheels(wheels: Iterable[DistributionFile], settings: IndexSettings) -> dict[str, bytes]:
    """Return the METADATA of wheels by file name, as far as it could be had cheaply.

    A fault is nothing: whoever reads the wheel meets it.
    """
    cache = MetadataCache(settings)
    wheels = [file for file in wheels if not is_local(file.url)]
    found = {file.filename: text for file in wheels if (text := cache.load(file)) is not None}
    lacking = {f.filename: f for f in wheels if f.filename not in found and not settings.offline}
    read = dict(_read(tuple(lacking.values()), settings)) if lacking else {}
    cache.store((lacking[name], text) for name, text in read.items())
    return found | read


def read_needs(
    wheels: Iterable[DistributionFile], settings: IndexSettings
) -> dict[str, tuple[str, ...]]:
    """Return the Requires-Dist of wheels by file name, as far as `read_wheels` has them."""
    return {
        name: tuple(map(str, BytesHeaderParser().parsebytes(text).get_all("Requires-Dist", [])))
        for name, text in read_wheels(wheels, settings).items()
    }


def _read(
    wheels: tuple[DistributionFile, ...], settings: IndexSettings
) -> Iterator[tuple[str, bytes]]:
    with connected(settings) as client, _within(client):
        reader = _Reader(client, settings)
        with closing(gather(reader.read, wheels, client.abort)) as results:
            for file, text in results:
                if text is not None and _is_of(file, text):
                    yield file.filename, text


@contextmanager
def _within(client: Client) -> Iterator[None]:
    """Break off what is read in a block after a while: it saves time, or is not worth it."""
    alarm = threading.Timer(min(_PATIENCE, left()), client.abort)
    alarm.daemon, alarm.name = True, "index"
    alarm.start()
    try:
        yield
    finally:
        alarm.cancel()
        join([alarm])


class _Reader:
    """Reads metadata beside files (PEP 658), or out of them; threads may share it."""

    def __init__(self, client: Client, settings: IndexSettings) -> None:
        self._client = client
        self._settings = settings
        self._bare: set[str] = set()  # hosts that have no metadata beside files

    def read(self, file: DistributionFile) -> bytes | None:
        try:
            return self._beside(file.url) or self._inside(file.url)
        except (IndexFailure, Passing):
            return None
        # Whatever a server gives that is no wheel.
        except (ValueError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError):
            return None

    def _beside(self, url: str) -> bytes | None:
        host = urlsplit(url).netloc
        if host in self._bare:
            return None
        with self._client.stream(f"{url}.metadata", for_metadata(self._settings.timeout), {}) as a:
            if a.status_code == HTTPStatus.OK:
                return a.read()
        self._bare.add(host)
        return None

    def _inside(self, url: str) -> bytes | None:
        with zipfile.ZipFile(_Parts(self._client, url, self._settings.timeout)) as wheel:
            named = (each for each in wheel.infolist() if _METADATA.fullmatch(each.filename))
            entry = next(named, None)
            return None if entry is None or entry.file_size > _MOST else wheel.read(entry)


class _Parts(io.RawIOBase):
    """A file on a server, of which only what is read is fetched.

    Raises:
        ValueError: the server gives no parts of files.
    """

    def __init__(self, client: Client, url: str, timeout: float) -> None:
        super().__init__()
        self._client = client
        self._url = url
        self._timeout = timeout
        self._start, self._known, self._size = 0, b"", 0
        self._position = 0
        self._start, self._known, self._size = self._fetch(f"-{_TAIL}")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning of the file")
        self._position = base + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._size, self._position + size)
        first = self._position - self._start
        if not 0 <= first <= end - self._start <= len(self._known):
            # A little more than is asked for: an archive is read in many small steps.
            last = min(self._size, max(end, self._position + _TAIL)) - 1
            if end - self._position > _MOST:
                raise ValueError("more than metadata are")
            self._start, self._known, _ = self._fetch(f"{self._position}-{last}")
            first = 0
        found = self._known[first : end - self._start]
        self._position += len(found)
        return found

    def _fetch(self, part: str) -> tuple[int, bytes, int]:
        """The first byte of a part, the part, and the size of the whole file."""
        headers = {"Range": f"bytes={part}", "Accept-Encoding": "identity"}
        with self._client.stream(self._url, for_metadata(self._timeout), headers) as answer:
            said = re.fullmatch(
                r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})", answer.headers.get("Content-Range", "")
            )
            if answer.status_code != HTTPStatus.PARTIAL_CONTENT or said is None:
                raise ValueError("no parts of files are given")
            content = answer.read()
        start, end, size = map(int, said.groups())
        if len(content) != end + 1 - start:
            raise ValueError("the part is not the one that was asked for")
        return start, content, size


def _is_of(file: DistributionFile, text: bytes) -> bool:
    """Whether metadata are those of a file: a server may answer anything to anything."""
    said = BytesHeaderParser().parsebytes(text)
    name, version = (str(said.get(field, "")) for field in ("Name", "Version"))
    stated = standards.version(version)
    return (
        stated is not None
        and stated == version_of(file)
        and canonicalize_name(name) == project_of(file.filename)
    )
