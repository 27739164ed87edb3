"""Which files a lock needs on its platforms, as the index pages list them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from envlock.errors import IndexFailure
from envlock.index.filenames import WHEEL_SUFFIX
from envlock.index.pages import Index
from envlock.model import DistributionFile, IndexSettings, LockedPackage, Part, Target
from envlock.progress import Progress
from envlock.targets.tags import taken

#: A part of a lock, and the targets that its files are for, the one that is asked first.
Goal = tuple[Part, Sequence[Target]]


def named(filename: str) -> tuple[NormalizedName, Version] | None:
    """Return the project and release of a file by its name; None where it is no such name."""
    try:
        if filename.endswith(WHEEL_SUFFIX):
            name, version, *_ = parse_wheel_filename(filename)
        else:
            name, version = parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename, ValueError):
        return None
    return name, version


def files_of(
    goals: Sequence[Goal], settings: IndexSettings, progress: Progress
) -> tuple[DistributionFile, ...]:
    """Return the files that are installed on the targets, each once; its hashes are the lock's.

    Raises:
        IndexFailure: a page cannot be read, or lists no file of a pin that the lock knows.
    """
    with progress.phase("look up the files"):
        listed = _listed(goals, Index(settings, progress=progress))
    found: dict[str, DistributionFile] = {}
    for part, targets in goals:
        for package in part.pypi:
            file = _taken(package, listed[package.name, package.version], targets)
            if file is None:
                place = part.platform or "this machine"
                raise IndexFailure(
                    f"no index has a file of {package.name} {package.version} for {place} that the"
                    " lock knows by its hash",
                    *([f"--index-url {package.index}"] if package.index else []),
                )
            found[file.filename] = file
    return tuple(found[name] for name in sorted(found))


def _listed(
    goals: Sequence[Goal], index: Index
) -> dict[tuple[NormalizedName, Version], tuple[DistributionFile, ...]]:
    """The files of each pin: a lock's own where it says where they are, else the index's."""
    packages = [each for part, _ in goals for each in part.pypi]
    bare = [each for each in packages if not any(file.url for file in each.files)]
    index.read(sorted({each.name for each in bare}))
    own = {(each.name, each.version): each.files for each in packages}
    pages = {(p.name, p.version): index.pinned({p.name: p.version})[p.name] for p in bare}
    return own | pages


def _taken(
    package: LockedPackage, files: Iterable[DistributionFile], targets: Sequence[Target]
) -> DistributionFile | None:
    known = [file for file in files if _allowed(file, package) and named(file.filename)]
    return next(filter(None, (taken(known, target) for target in targets)), None)


def _allowed(file: DistributionFile, package: LockedPackage) -> bool:
    return f"sha256:{file.hashes.get('sha256')}" in package.hashes


def built(files: Iterable[DistributionFile]) -> Iterator[str]:
    """Yield the names of those that are no wheels: what builds them is in no bundle."""
    return (file.filename for file in files if not file.filename.endswith(WHEEL_SUFFIX))
