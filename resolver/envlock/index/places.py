"""What one index or find-links has of a project, and the files of several as one. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.index.local import DiskHashes
from envlock.index.releases import project_of, version_of
from envlock.model import DistributionFile

Files = tuple[DistributionFile, ...]


class Place(Struct, frozen=True, kw_only=True):
    """An index or find-links, and what it has of a project; ``url`` may carry credentials."""

    url: str
    files: Files


def of_release(
    name: NormalizedName, version: Version | None, files: Iterable[DistributionFile]
) -> Files:
    """Return the files of a project, of one version or with None of all."""
    return tuple(
        file
        for file in files
        if project_of(file.filename) == name and (version is None or version_of(file) == version)
    )


def distinct(files: Iterable[DistributionFile]) -> Files:
    """Return the files without repetitions, and without those that know less than another."""
    files = tuple(files)
    if len({file.filename for file in files}) == len(files):
        return files
    hashed = {file.filename for file in files if file.hashes}
    kept: dict[tuple[object, ...], DistributionFile] = {}
    for file in files:
        if file.hashes or file.filename not in hashed:
            # A hash that is still on disk is not worth reading for this.
            known = file.url if isinstance(file.hashes, DiskHashes) else tuple(file.hashes.items())
            kept.setdefault((file.filename, known), file)
    return tuple(kept.values())


def copies(files: Iterable[DistributionFile], of: Iterable[DistributionFile]) -> bool:
    """Tell whether files are copies of some that another place has, by name and hash.

    A hash that is still on disk is not read for this.
    """
    files = tuple(files)
    there = {(file.filename, *each) for file in of for each in _stated(file)}
    return bool(files) and all(
        any((file.filename, *each) in there for each in _stated(file)) for file in files
    )


def _stated(file: DistributionFile) -> Iterable[tuple[str, str]]:
    return () if isinstance(file.hashes, DiskHashes) else file.hashes.items()
