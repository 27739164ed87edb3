"""``@EXPLICIT``: the addresses of one platform, which conda and mamba install without solving.

The hash after ``#`` is an md5, the one that every conda, mamba and rattler
checks there (newer ones take ``sha256:`` too); the sha256 stands under it. The
pip part is in comments as conda-lock has it, which itself and micromamba
install: ``# pip NAME @ URL#sha256=…``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from urllib.parse import unquote

from envlock.choices import Format
from envlock.errors import UsageError
from envlock.formats.archives import (
    address,
    address_of,
    chosen,
    conda_package,
    in_order,
    pip_package,
    refuse_without,
)
from envlock.formats.comments import of_conda, one_line, remarks
from envlock.formats.lockfile import LockEntries
from envlock.formats.pylock import release_of
from envlock.formats.yaml_text import comments_under
from envlock.model import CondaPackage, Lock, LockedPackage, Part
from envlock.standards import LONGEST

_MARK = "@EXPLICIT"
_SHA256 = "# sha256: "
_PIP = "# pip "
_LISTED = re.compile(
    r"(?P<url>\S+://\S+?\.(?:conda|tar\.bz2))"
    r"(?:#(?:(?P<md5>[0-9a-f]{32})|(?:sha256:)?(?P<sha256>[0-9a-f]{64})))?"
)
_PIP_LINE = re.compile(
    r"(?P<name>\S+) @ (?P<url>[^\s#]+)(?:#sha256=| --hash=sha256:)(?P<sha256>\S+)"
)
_PLATFORM = re.compile(r"#\s*platform:\s*(\S+)")


def render(lock: Lock) -> list[str]:
    """Write the lock as lists of addresses, a text for each platform.

    Raises:
        WorkError: a package has no hash.
    """
    texts: list[str] = []
    for part in lock.parts:
        lacking = (each.name for each in part.conda if not (each.md5 or each.sha256))
        refuse_without("a hash", lacking, "the explicit list")
        lines = [*of_conda(lock, [part]), _MARK, *_packages(lock, part)]
        texts.append("\n".join(lines) + "\n")
    return texts


def _packages(lock: Lock, part: Part) -> Iterator[str]:
    for package in in_order(part.conda):
        yield f"{address_of(package)}#{_hash(package)}"
        if package.md5 and package.sha256:
            yield f"{_SHA256}{package.sha256}"
        yield from remarks(package, lock.reasons, indent="")
    for pinned, file, sha256 in chosen(lock, part, Format.EXPLICIT):
        yield one_line(f"{_PIP}{pinned.name} @ {address(file)}#sha256={sha256}")
        yield from remarks(pinned, lock.reasons, indent="")


def _hash(package: CondaPackage) -> str:
    return package.md5 or f"sha256:{package.sha256}"


def read(name: str, text: str, gathered: LockEntries) -> None:
    """Read the addresses, their hashes and the comments under them.

    Raises:
        UsageError: a line is not the address of a package; says which.
    """
    lines = text.splitlines()
    said = next(filter(None, map(_PLATFORM.fullmatch, lines)), None)
    platform = said[1] if said else ""
    if platform:
        gathered.of(platform)
    for number, line in enumerate(lines, 1):
        where = f"{name}:{number}"
        under = list(takewhile(_is_no_pin, comments_under(lines, number)))
        if line.startswith(_PIP):
            gathered.add(where, platform, _pip_package(where, line), under)
        elif line.strip() and not line.startswith(("#", _MARK)):
            package = _conda_package(where, line.strip(), under)
            gathered.add(where, platform or package.subdir, package, under)


def _is_no_pin(comment: str) -> bool:
    return not f"#{comment}".startswith(_PIP)


def _conda_package(where: str, line: str, under: list[str]) -> CondaPackage:
    match = _LISTED.fullmatch(line) if len(line) <= LONGEST else None
    if match is None:
        raise UsageError(f"{where}: {one_line(line)!r} is not the address of a conda package")
    stronger = (f"#{each}" for each in under if f"#{each}".startswith(_SHA256))
    sha256 = match["sha256"] or next(stronger, "").removeprefix(_SHA256)
    return conda_package(where, match["url"], {"md5": match["md5"], "sha256": sha256})


def _pip_package(where: str, line: str) -> LockedPackage:
    match = _PIP_LINE.fullmatch(line.removeprefix(_PIP))
    release = release_of(unquote(match["url"].rpartition("/")[2])) if match else None
    if match is None or release is None:
        raise UsageError(f"{where}: {one_line(line)!r} is not a Python package and its hash")
    return pip_package(where, match["name"], str(release[1]), match["url"], match["sha256"])
