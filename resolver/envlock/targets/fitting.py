"""Which files of a release a target takes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from packaging.version import Version

from envlock import standards
from envlock.model import DistributionFile, Target
from envlock.targets.tags import preference


def installable(file: DistributionFile, target: Target) -> bool:
    """Whether a file is a wheel that the target takes."""
    return file.filename.endswith(".whl") and fits(file, target)


def fits(file: DistributionFile, target: Target) -> bool:
    """Whether a file's Requires-Python and tags admit the target (a source file has no tags)."""
    return admits_python(file, target) and tagged_for(file, target)


def serves(files: Iterable[DistributionFile], target: Target) -> bool:
    """Whether a release can be installed on a target.

    Where its Python is not at hand, source does for what has no wheels at all:
    what has wheels, and none for the target, would have to be compiled there.
    """
    files = tuple(files)
    if any(installable(file, target) for file in files):
        return True
    compiled = any(file.filename.endswith(".whl") for file in files)
    if target.interpreter is None and compiled:
        return False
    return any(fits(file, target) for file in files)


def admits_python(file: DistributionFile, target: Target) -> bool:
    """Whether a file's Requires-Python admits the target; pip ignores one it cannot read."""
    return _admits_python(file.requires_python or "", target.python)


@lru_cache(maxsize=1024)
def _admits_python(said: str, python: Version) -> bool:
    wanted = standards.specifiers(said)
    return wanted is None or wanted.contains(python, prereleases=True)


def tagged_for(file: DistributionFile, target: Target) -> bool:
    """Whether a file is not a wheel, or one whose tags the target takes."""
    return preference(file.filename, target.tags) is not None


def taken(files: Iterable[DistributionFile], target: Target) -> DistributionFile | None:
    """Return the file of a release that an installer takes: the wheel with the best tag, or source.

    Yanked ones only where there is nothing else.
    """

    def rank(file: DistributionFile) -> tuple[bool, int, str]:
        place = preference(file.filename, target.tags)
        return file.yanked is not None, len(target.tags) if place is None else place, file.filename

    return min((file for file in files if fits(file, target)), key=rank, default=None)
