"""Packages by their addresses: what an address tells, as rattler derives it. Pure.

A lock leaves out what its readers derive in the same way; source: rattler_lock,
``derived_fields``. Of a Python package conda-lock.yml, pixi.lock and the explicit
list name one file: the best wheel for the platform and the Python that conda
installs there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from operator import itemgetter
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

from msgspec import Struct
from packaging.utils import canonicalize_name, is_normalized_name
from packaging.version import Version

from envlock import standards
from envlock.choices import Format
from envlock.conda.channels import public
from envlock.errors import UsageError, WorkError
from envlock.formats.comments import one_line, told
from envlock.formats.conda_spec import SUBDIRS, parse_archive
from envlock.formats.pylock import usable
from envlock.index.secrets import strip_credentials
from envlock.model import CondaPackage, DistributionFile, Lock, LockedPackage, Part
from envlock.targets.platforms import KNOWN
from envlock.targets.subdirs import Virtual, target_of
from envlock.targets.tags import preference

_NUMBER = re.compile(r"(?:.*_)?(\d+)")
_SPACE = re.compile(r"\s")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HASHES = {"md5": re.compile(r"[0-9a-f]{32}"), "sha256": re.compile(r"[0-9a-f]{64}")}
#: The system that is assumed for another platform, and one that takes any wheel of it.
_SYSTEMS: tuple[tuple[Virtual, ...], ...] = ((), (("__glibc", "2.50", "0"), ("__osx", "26.0", "0")))


class FileAddress(Struct, frozen=True, kw_only=True):
    """What an address tells; empty or None where it does not."""

    name: str = ""
    version: str = ""
    build: str = ""
    build_number: int | None = None
    subdir: str = ""
    channel: str = ""


def told_by(url: str) -> FileAddress:
    """Return what the address of a package tells; a local path tells no channel."""
    folder, _, filename = url.partition("#")[0].rpartition("/")
    channel, _, subdir = folder.rpartition("/")
    known = subdir in SUBDIRS and "://" in channel
    archive = parse_archive(unquote(filename))
    if archive is None:
        return FileAddress(subdir=subdir if known else "", channel=f"{channel}/" if known else "")
    return FileAddress(
        name=archive.name.lower(),
        version=archive.version,
        build=archive.build,
        build_number=build_number(archive.build),
        subdir=subdir if known else "",
        channel=f"{channel}/" if known else "",
    )


def build_number(build: str) -> int | None:
    """Return the number at the end of a build, or None."""
    match = _NUMBER.fullmatch(build)
    return int(match[1]) if match else None


def noarch_of(subdir: str, build: str) -> str:
    """Return "python", "generic" or "" for a package of this folder and build."""
    return ("python" if "py" in build else "generic") if subdir == "noarch" else ""


def address_of(package: CondaPackage) -> str:
    """Return the address that is written: on one line, without credentials."""
    return _SPACE.sub("%20", one_line(public(package.url))).replace("#", "%23")


def is_local(url: str) -> bool:
    """Whether an address is of a file on a Unix machine, which rattler writes as its path."""
    parts = urlsplit(url)
    return parts.scheme == "file" and not re.match(r"/[A-Za-z]:", parts.path)


def in_order(packages: Iterable[CondaPackage]) -> list[CondaPackage]:
    """Return packages so that each comes after what it depends on, else by name.

    Of packages that depend on each other, the one that was come to first is last.
    """
    waiting = {each.name: each for each in sorted(packages, key=lambda each: each.name)}
    ordered: dict[str, CondaPackage] = {}
    entered = set[str]()
    for name in waiting:
        stack = [name]
        while stack:
            package = waiting[stack[-1]]
            entered.add(package.name)
            needs = (each.partition(" ")[0] for each in package.depends)
            first = next((each for each in needs if each in waiting and each not in entered), None)
            if first is None:
                ordered.setdefault(package.name, package)
                stack.pop()
            else:
                stack.append(first)
    return list(ordered.values())


def refuse_without(what: str, lacking: Iterable[str], kind: str) -> None:
    """Refuse to write a format for want of something.

    Raises:
        WorkError: some packages lack it; names them.
    """
    names = list(lacking)
    if names:
        raise WorkError(
            f"{kind} needs {what} of every package, and none is known for {', '.join(names)}",
            "write another format: --format environment",
        )


def conda_package(where: str, url: str, said: Mapping[str, Any]) -> CondaPackage:
    """Return a conda package: what a file says of it, and for the rest what its address tells.

    Raises:
        UsageError: neither tells name, version and build, or a hash is none.
    """
    told = told_by(url)
    facts: dict[str, Any] = {key: value for key, value in said.items() if value not in {None, ""}}
    for key in ("name", "version", "build", "subdir", "channel"):
        facts.setdefault(key, getattr(told, key))
    if not (facts["name"] and facts["version"] and facts["build"]):
        raise UsageError(f"{where}: {one_line(url)} does not tell name, version and build")
    for kind, pattern in _HASHES.items():
        if kind in facts and not pattern.fullmatch(facts[kind]):
            raise UsageError(f"{where}: {facts['name']} has a malformed {kind}")
    facts.setdefault("build_number", told.build_number or 0)
    facts.setdefault("noarch", noarch_of(facts["subdir"], facts["build"]))
    return CondaPackage(url=url, **facts)


def pip_package(where: str, name: str, version: str, url: str, sha256: str) -> LockedPackage:
    """Return a Python package with its one file.

    Raises:
        UsageError: its name, version or hash is malformed, or it is a folder.
    """
    normal, release = canonicalize_name(name), standards.version(version)
    if release is None or not is_normalized_name(normal):
        both = one_line(f"{name} {version}")
        raise UsageError(f"{where}: {both!r} is not a release of a Python package")
    if not _ADDRESS.match(url):
        raise UsageError(f"{where}: {normal} is in {one_line(url)!r}, which is no file of an index")
    if not _HASHES["sha256"].fullmatch(sha256):
        raise UsageError(f"{where}: {normal} has no sha256: only what a hash pins is a lock")
    file = DistributionFile(
        filename=unquote(url.partition("#")[0].rpartition("/")[2]),
        url=url,
        hashes={"sha256": sha256},
    )
    return LockedPackage(name=normal, version=release, hashes=(f"sha256:{sha256}",), files=(file,))


def chosen(
    lock: Lock, part: Part, kind: Format
) -> list[tuple[LockedPackage, DistributionFile, str]]:
    """Return each Python package of an index with the file to install and its sha256.

    Raises:
        WorkError: a package has no file for the platform with a sha256.
    """
    systems = [_tags(part.subdir, part.python, system) for system in _SYSTEMS]
    found = []
    for package in told(lock, part):
        if package.direct is not None:
            continue
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
    if not python or subdir not in {each.conda for each in KNOWN}:
        return ()
    return target_of(subdir, Version(python), system).tags


def _best(package: LockedPackage, tags: tuple[str, ...]) -> DistributionFile | None:
    ranked = [
        (place, file.filename, file)
        for file, hashes in usable(package)
        if "sha256" in hashes and (place := preference(file.filename, tags)) is not None
    ]
    return min(ranked, key=itemgetter(0, 1), default=(0, "", None))[2]
