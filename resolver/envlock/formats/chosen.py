"""The one file of a Python package that formats of conda's packages name. Pure.

conda-lock.yml, pixi.lock and the explicit list name one of each release:
the best wheel for the platform and the Python that conda installs there.
"""

from __future__ import annotations

from functools import cache
from operator import itemgetter
from urllib.parse import urldefrag

from packaging.version import Version

from envlock.choices import Format
from envlock.errors import WorkError
from envlock.formats.comments import told
from envlock.formats.pylock import usable
from envlock.index.redact import strip_credentials
from envlock.model import DistributionFile, Lock, LockedPackage, Part
from envlock.targets.subdirs import SUBDIRS, Virtual, target_of
from envlock.targets.tags import preference

#: The system that is assumed for another platform, and one that takes any wheel of it.
_SYSTEMS: tuple[tuple[Virtual, ...], ...] = ((), (("__glibc", "2.50", "0"), ("__osx", "26.0", "0")))


def chosen(
    lock: Lock, part: Part, kind: Format
) -> list[tuple[LockedPackage, DistributionFile, str]]:
    """Return each Python package with the file to install and its sha256.

    Raises:
        WorkError: a package has no file for the platform with a sha256.
    """
    systems = [_tags(part.subdir, part.python, system) for system in _SYSTEMS]
    found = []
    for package in told(lock, part):
        best = next(filter(None, (_best(package, tags) for tags in systems)), None)
        if best is None:
            raise WorkError(
                f"{kind} needs a file of every package, and {package.name} {package.version} has"
                f" none with a sha256 for {part.subdir}",
                f"write another format: --format {Format.ENVIRONMENT}",
            )
        found.append((package, best, best.hashes["sha256"]))
    return found


def address(file: DistributionFile) -> str:
    """Return where a file is, without credentials and hash."""
    return urldefrag(strip_credentials(file.url)).url


@cache
def _tags(subdir: str, python: str, system: tuple[Virtual, ...]) -> tuple[str, ...]:
    if subdir not in SUBDIRS or not python:
        return ()
    return target_of(subdir, Version(python), system).tags


def _best(package: LockedPackage, tags: tuple[str, ...]) -> DistributionFile | None:
    ranked = [
        (place, file.filename, file)
        for file, hashes in usable(package)
        if "sha256" in hashes and (place := preference(file.filename, tags)) is not None
    ]
    return min(ranked, key=itemgetter(0, 1), default=(0, "", None))[2]
