"""pylock.toml (PEP 751): the files of every pin, each with the hash that is locked.

Only what an installer may use is listed: wheels, and one sdist a package, as
the standard asks; the ``.tar.gz`` where an old release has a ``.zip`` too.
``[tool.envlock]`` holds what the comments of the other formats say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC
from operator import attrgetter
from typing import TypeVar
from urllib.parse import unquote, urldefrag, urlsplit

from packaging.markers import Marker
from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock
from packaging.specifiers import SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from envlock.choices import Format
from envlock.errors import WorkError
from envlock.index.redact import strip_credentials
from envlock.model import DistributionFile, Lock, LockedPackage, Platform, RuleId
from envlock.targets.platforms import SYSTEMS, markers
from envlock.write.comments import one_line
from envlock.write.interface import default_filename

_DRIVE = re.compile(r"/(?=[A-Za-z]:)")
_Source = TypeVar("_Source", PackageSdist, PackageWheel)


def render(lock: Lock, *, name: str) -> Mapping[str, str]:
    """Write the lock as PEP 751 has it, checked against the standard.

    Raises:
        WorkError: the files of a package are not known, as in a lock that was
            read from a requirements file.
    """
    del name
    import tomli_w  # noqa: PLC0415  (only this format needs it)

    packages = sorted(lock.packages, key=attrgetter("name"))
    _refuse_without_files(packages)
    document = Pylock(
        lock_version=Version("1.0"),
        environments=_environments(lock.platform),
        requires_python=SpecifierSet(f"=={lock.python}.*"),
        created_by="envlock",
        packages=[_package(package, lock.reasons) for package in packages],
        tool={"envlock": _about(lock)},
    )
    document.validate()
    tables = dict(document.to_dict())
    ordered = {"tool": tables.pop("tool")} | tables
    return {default_filename(Format.PYLOCK): tomli_w.dumps(ordered)}


def _refuse_without_files(packages: list[LockedPackage]) -> None:
    lacking = [f"{each.name} {each.version}" for each in packages if not usable(each)]
    if lacking:
        raise WorkError(
            f"{default_filename(Format.PYLOCK)} names the files of every package, and no wheel "
            f"or sdist with a hash is known for {', '.join(lacking)}",
            f"write another format: --format {Format.REQUIREMENTS}",
        )


def _about(lock: Lock) -> dict[str, object]:
    verified = {"verified": one_line(lock.verified)} if lock.verified else {}
    asked = {"indexes": list(lock.indexes), "index-strategy": lock.index_strategy}
    return {
        "command": one_line(lock.command),
        "python": lock.python,
        "platform": lock.platform,
        "request": lock.request_digest,
        **verified,
        **(asked if lock.indexes else {}),
        "notes": [one_line(note) for note in lock.notes],
    }


def _environments(platform: str) -> list[Marker] | None:
    """Mark the one platform the lock is for, so that no other installs it."""
    system, _, machine = platform.partition("-")
    if system not in SYSTEMS:
        return None
    said = markers(Platform(system=system, machine=machine), "")
    names = ("sys_platform", "platform_machine")
    return [Marker(" and ".join(f"{name} == '{said[name]}'" for name in names))]


def _package(package: LockedPackage, reasons: Mapping[RuleId, str]) -> Package:
    files = usable(package)
    wheels = [_source(PackageWheel, *each) for each in files if each[0].filename.endswith(".whl")]
    sdists = [
        _source(PackageSdist, *each) for each in files if not each[0].filename.endswith(".whl")
    ]
    about = {
        "via": sorted(map(one_line, package.via)),
        "because": {rule: one_line(reasons.get(rule, "")) for rule in sorted(package.because)},
    }
    return Package(
        name=package.name,
        version=package.version,
        index=package.index or None,
        sdist=next(iter(sdists), None),
        wheels=wheels or None,
        tool={"envlock": {key: value for key, value in about.items() if value}},
    )


def usable(package: LockedPackage) -> list[tuple[DistributionFile, dict[str, str]]]:
    """List the wheels and sdists of exactly this release with their locked hashes, by name.

    An index lists more: eggs, installers, names that no installer reads.
    """
    usable = []
    for file in sorted(package.files, key=attrgetter("filename")):
        hashes = {
            kind: digest
            for kind, digest in sorted(file.hashes.items())
            if f"{kind}:{digest}" in package.hashes
        }
        if hashes and release_of(file.filename) == (package.name, package.version):
            usable.append((file, hashes))
    return usable


def release_of(filename: str) -> tuple[NormalizedName, Version] | None:
    """Return the name and version that a file's name tells, or None."""
    with suppress(InvalidWheelFilename):
        return parse_wheel_filename(filename)[:2]
    with suppress(InvalidSdistFilename):
        return parse_sdist_filename(filename)
    return None


def _source(kind: type[_Source], file: DistributionFile, hashes: dict[str, str]) -> _Source:
    path = _local_path(file.url)
    return kind(
        name=file.filename,
        upload_time=file.upload_time and file.upload_time.astimezone(UTC),
        url=None if path else strip_credentials(urldefrag(file.url).url),
        path=path,
        size=file.size,
        hashes=hashes,
    )


def _local_path(url: str) -> str | None:
    """Return the path in a ``file:`` URL of any system, with forward slashes; else None."""
    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    path = _DRIVE.sub("", unquote(parts.path), count=1)
    return path if parts.netloc in {"", "localhost"} else f"//{parts.netloc}{path}"
