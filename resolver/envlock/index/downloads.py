"""Distributions, fetched into a folder and kept only when they are what was locked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from envlock.errors import InstallFailure
from envlock.index.gather import connected, gather
from envlock.index.local import is_local
from envlock.index.secrets import redact
from envlock.model import DistributionFile, IndexSettings
from envlock.progress import Progress
from envlock.system import Mismatch, parts_of, store

_MOST = 4_000_000_000  # bytes of a file whose size no page tells


def download(
    files: Sequence[DistributionFile], folder: Path, settings: IndexSettings, progress: Progress
) -> None:
    """Fetch files, which have their sha256, under their names.

    Raises:
        IndexFailure: one cannot be read.
        InstallFailure: one is not what its hash says.
    """

    def take(file: DistributionFile) -> None:
        if is_local(file.url):
            _keep(file, folder, parts_of(Path(unquote(urlsplit(file.url).path))))
        else:
            client.file(file.url, lambda parts: _keep(file, folder, parts), "fetched")

    with connected(settings) as client, closing(gather(take, files, client.abort)) as done:
        for file, _ in done:
            progress.detail(redact(file.url))


def _keep(file: DistributionFile, folder: Path, parts: Iterable[bytes]) -> None:
    wanted = file.hashes["sha256"]
    try:
        store(folder / file.filename, parts, {wanted}, file.size or _MOST)
    except Mismatch as error:
        got = f"sha256:{error.digest}" if error.digest else "more than the index said"
        raise InstallFailure(
            f"{file.filename}: the file that the index gave is not the one that was locked\n"
            f"  locked sha256:{wanted}\n  got    {got}",
        ) from None
