"""What a file of conda packages holds, while it is read, and the lock it becomes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar
from urllib.parse import unquote

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.utils import canonicalize_name, is_normalized_name

from envlock import standards
from envlock.conda.values import CondaLock, CondaPackage, CondaPlatformLock
from envlock.errors import UsageError
from envlock.index.origin import public
from envlock.model import DistributionFile, Lock, LockedPackage, RuleId
from envlock.targets.subdirs import SUBDIRS, platform_of
from envlock.write.comments import Remarks, one_line, read_remarks
from envlock.write.conda.archives import noarch_of, told_by
from envlock.write.conda.heading import Heading

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HASHES = {"md5": re.compile(r"[0-9a-f]{32}"), "sha256": re.compile(r"[0-9a-f]{64}")}
_Package = TypeVar("_Package", CondaPackage, LockedPackage)


class Found(Struct, kw_only=True):
    """What a file holds of one platform."""

    conda: dict[str, CondaPackage] = field(default_factory=dict)
    pip: dict[str, LockedPackage] = field(default_factory=dict)
    python: str = ""


class Gathered(Struct, kw_only=True):
    """What a file holds; `lock` puts it together."""

    heading: Heading
    platforms: dict[str, Found] = field(default_factory=dict)
    reasons: dict[RuleId, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    def of(self, subdir: str) -> Found:
        """Return the place for what a platform has."""
        return self.platforms.setdefault(subdir, Found())

    def conda(
        self, where: str, subdir: str, package: CondaPackage, comments: Sequence[str]
    ) -> None:
        """Take in a conda package and the comments under it.

        Raises:
            UsageError: there is another of its name.
        """
        said = self._remarks(comments)
        explained = replace(package, via=said.via, because=tuple(sorted(said.because)))
        _once(where, self.of(subdir).conda, package.name, explained)

    def pip(self, where: str, subdir: str, package: LockedPackage, comments: Sequence[str]) -> None:
        """Take in a package of the pip part and the comments under it.

        Raises:
            UsageError: there is another of its name.
        """
        said = self._remarks(comments)
        because = tuple(sorted(said.because))
        explained = replace(
            package, via=said.via, because=because, index=one_line(public(said.index))
        )
        _once(where, self.of(subdir).pip, package.name, explained)

    def known_pip(self, where: str, subdir: str, package: LockedPackage, python: str) -> None:
        """Take in a package of the pip part that is whole; ``python`` is what it is for.

        Raises:
            UsageError: there is another of its name.
        """
        self.of(subdir).python = python
        _once(where, self.of(subdir).pip, package.name, package)

    def _remarks(self, comments: Sequence[str]) -> Remarks:
        said = read_remarks(comments)
        self.reasons |= {rule: why for rule, why in said.because.items() if why}
        return said

    def lock(self) -> CondaLock:
        """Return everything as a lock."""
        head = self.heading
        for subdir in head.virtual:
            self.of(subdir)
        return CondaLock(
            platforms=tuple(self._platform(each) for each in sorted(self.platforms)),
            name=head.name,
            channels=head.channels,
            nodefaults=head.nodefaults,
            requested=tuple(head.requested),
            variables=self.variables,
            command=head.command,
            request_digest=head.request_digest,
            notes=tuple(head.notes),
            reasons=self.reasons,
        )

    def _platform(self, subdir: str) -> CondaPlatformLock:
        found = self.platforms[subdir]
        return CondaPlatformLock(
            subdir=subdir,
            packages=tuple(sorted(found.conda.values(), key=attrgetter("name"))),
            virtual=self.heading.virtual.get(subdir, ()),
            pip=self._pip(subdir, found) if found.pip else None,
        )

    def _pip(self, subdir: str, found: Found) -> Lock:
        python = found.conda.get("python")
        packages = tuple(sorted(found.pip.values(), key=attrgetter("name")))
        rules = {rule for each in packages for rule in each.because}
        return Lock(
            python=".".join(python.version.split(".")[:2]) if python else found.python,
            platform=str(platform_of(subdir)) if subdir in SUBDIRS else subdir,
            packages=packages,
            command="",
            request_digest="",
            reasons={rule: why for rule, why in self.reasons.items() if rule in rules},
            indexes=tuple(dict.fromkeys(each.index for each in packages if each.index)),
        )


def _once(where: str, found: dict[str, _Package], name: str, package: _Package) -> None:
    if name in found:
        raise UsageError(f"{where}: {name} is pinned a second time")
    found[name] = package


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
    """Return a package of the pip part with its one file.

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
