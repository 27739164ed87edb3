"""The pip part of a conda lock: requirements with hashes, and one file a package. Pure.

conda-lock.yml, pixi.lock and the explicit list name one file of each package:
the best wheel for the platform and the Python that conda installs there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from operator import itemgetter
from urllib.parse import urldefrag

from msgspec.structs import replace
from packaging.version import Version

from envlock.choices import Format
from envlock.conda.values import CondaLock, CondaPlatformLock
from envlock.errors import WorkError
from envlock.index.redact import strip_credentials
from envlock.model import DistributionFile, LockedPackage
from envlock.targets.platforms import KNOWN
from envlock.targets.subdirs import SUBDIRS, Virtual, target_of
from envlock.targets.tags import preference
from envlock.write import requirements
from envlock.write.comments import told
from envlock.write.conda.file_names import file_name
from envlock.write.conda.gathered import Gathered
from envlock.write.pylock import usable
from envlock.write.reading import read_lock

#: The system that is assumed for another platform, and one that takes any wheel of it.
_SYSTEMS: tuple[tuple[Virtual, ...], ...] = ((), (("__glibc", "2.50", "0"), ("__osx", "26.0", "0")))


def render(lock: CondaLock) -> Mapping[str, str]:
    """Write the pip part as hashed requirements, a file for each platform that has one."""
    texts: dict[str, str] = {}
    for platform in lock.platforms:
        if platform.pip is not None:
            whole = replace(platform.pip, command=lock.command, request_digest=lock.request_digest)
            (text,) = requirements.render(whole, name="").values()
            alone = len(lock.platforms) == 1
            texts[file_name(Format.REQUIREMENTS, platform.subdir, alone=alone)] = text
    return texts


def read(name: str, text: str, gathered: Gathered) -> None:
    """Read hashed requirements as the pip part of the platform that their header names.

    Raises:
        UsageError: they are no exact pins; says the line.
    """
    lock = read_lock(name, text)
    known = next((each.conda for each in KNOWN if str(each.platform) == lock.platform), None)
    gathered.of(known or lock.platform)
    for package in lock.packages:
        gathered.known_pip(name, known or lock.platform, package, lock.python)
    gathered.reasons |= lock.reasons


def chosen(
    platform: CondaPlatformLock, kind: Format
) -> list[tuple[LockedPackage, DistributionFile, str]]:
    """Return each package of the pip part with the file to install and its sha256.

    Raises:
        WorkError: a package has no file for the platform with a sha256.
    """
    if platform.pip is None:
        return []
    systems = [_tags(platform.subdir, platform.pip.python, system) for system in _SYSTEMS]
    found = []
    for package in told(platform.pip):
        best = next(filter(None, (_best(package, tags) for tags in systems)), None)
        if best is None:
            raise WorkError(
                f"{kind} needs a file of every package, and {package.name} {package.version} has"
                f" none with a sha256 for {platform.subdir}",
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
