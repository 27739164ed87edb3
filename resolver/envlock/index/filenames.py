"""Which project and version a file belongs to, and which files a date admits. Pure.

Pages hold thousands of files, so names are taken apart by hand: the wheel
parser of `packaging` also expands every tag, at twenty times the cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.errors import IndexFailure
from envlock.index.secrets import redact
from envlock.model import DistributionFile

WHEEL_SUFFIX = ".whl"
SDIST_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz")
_WHEEL_PARTS = (5, 6)  # name, version, an optional build number, and three tags


def project_of(filename: str) -> NormalizedName | None:
    """Return the project a wheel or sdist belongs to; None for any other file."""
    parts = _split(filename)
    return None if parts is None else _normalised(parts[0])


def version_of(file: DistributionFile) -> Version | None:
    """Return the version in a file's name; None where it is no PEP 440 version."""
    parts = _split(file.filename)
    return None if parts is None else _version(parts[1])


def releases(files: Iterable[DistributionFile]) -> dict[Version, tuple[DistributionFile, ...]]:
    """Group files by version, newest first; files without a valid version are left out."""
    grouped: dict[Version, list[DistributionFile]] = {}
    for file in files:
        version = version_of(file)
        if version is not None:
            grouped.setdefault(version, []).append(file)
    return {version: tuple(grouped[version]) for version in sorted(grouped, reverse=True)}


def released_on(files: Iterable[DistributionFile]) -> date | None:
    """Return the day of a release: of its first file, as others may follow years after it."""
    return min((each.upload_time.date() for each in files if each.upload_time), default=None)


def admitted(
    files: Sequence[DistributionFile], exclude_newer: datetime | None
) -> tuple[DistributionFile, ...]:
    """Return the files uploaded at or before ``exclude_newer``, an aware date.

    Local files (folders, find-links) have no upload time and stay. A remote
    file without one counts as not there, as uv has it; where that leaves
    nothing at all, it is an error and not an empty answer.

    Raises:
        IndexFailure: the index gives no upload times, so no date can be held.
    """
    if exclude_newer is None:
        return tuple(files)
    kept = tuple(
        file
        for file in files
        if (
            file.url.startswith("file:")
            if file.upload_time is None
            else file.upload_time <= exclude_newer
        )
    )
    if not kept and any(file.upload_time is None for file in files):
        undated = next(file for file in files if file.upload_time is None)
        raise IndexFailure(
            f"{redact(undated.url)} has no upload time, so it cannot be told whether it was there"
            f" on {exclude_newer.isoformat()}: its index does not give upload times (PEP 700)",
            "leave --exclude-newer out",
            "name an index that gives upload times: --index-url https://pypi.org/simple",
        )
    return kept


@lru_cache(maxsize=16384)  # the name of a file is asked for its parts several times
def _split(filename: str) -> tuple[str, str] | None:
    """Return the name and version parts of a distribution's file name."""
    if filename.endswith(WHEEL_SUFFIX):
        parts = filename.removesuffix(WHEEL_SUFFIX).split("-")
        return (parts[0], parts[1]) if len(parts) in _WHEEL_PARTS else None
    for suffix in SDIST_SUFFIXES:
        if filename.endswith(suffix):
            name, dash, version = filename.removesuffix(suffix).rpartition("-")
            return (name, version) if dash else None
    return None


@lru_cache(maxsize=4096)
def _normalised(name: str) -> NormalizedName:
    return canonicalize_name(name)


@lru_cache(maxsize=65536)
def _version(text: str) -> Version | None:
    return standards.version(text)
