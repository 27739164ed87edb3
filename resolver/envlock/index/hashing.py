"""Hashes of files whose index states none: the files are read once, and nothing is kept of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from envlock.errors import IndexFailure
from envlock.index.ceiling import amount, for_file
from envlock.index.gather import gather
from envlock.index.local import is_local
from envlock.index.redact import redact
from envlock.model import DistributionFile, IndexSettings
from envlock.progress import Progress
from envlock.words import counted

if TYPE_CHECKING:
    from envlock.index.fetch import Client

Name = TypeVar("Name")

_PAUSES = (0.1, 0.4)  # as of pages


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
    from envlock.index.fetch import Client  # noqa: PLC0415  (0.1 s that indexes with hashes save)

    with (
        Client(settings) as client,
        closing(gather(lambda url: _digest(client, url, settings), tuple(urls), client.abort)) as g,
    ):
        found: dict[str, str] = {}
        for url, (digest, size) in g:
            progress.detail(f"{redact(url)}: {amount(size)}, sha256 {digest}")
            found[url] = digest
        return found


def _digest(client: Client, url: str, settings: IndexSettings) -> tuple[str, int]:
    from envlock.index.trouble import Passing  # noqa: PLC0415  (as above)

    pauses = iter(_PAUSES)
    while True:
        try:
            with client.stream(url, for_file(settings.timeout), {}) as answer:
                client.check_file(url, answer)
                digest, size = hashlib.sha256(), 0
                for chunk in answer.iter_raw():
                    digest.update(chunk)
                    size += len(chunk)
                return digest.hexdigest(), size
        except Passing as passing:
            pause = next(pauses, None)
            if pause is None:
                raise IndexFailure(f"{redact(url)} cannot be hashed: {passing} (3 tries)") from None
            time.sleep(pause)
