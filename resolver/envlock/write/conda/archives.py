"""What the address of a conda package tells about it, as rattler derives it. Pure.

A lock leaves out what its readers derive in the same way; source: rattler_lock,
``derived_fields``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from envlock.conda.channels import public
from envlock.conda.values import CondaPackage
from envlock.errors import WorkError
from envlock.formats.conda_spec import parse_archive
from envlock.formats.selectors import SUBDIRS
from envlock.write.comments import one_line

_NUMBER = re.compile(r"(?:.*_)?(\d+)")
_SPACE = re.compile(r"\s")


class Address(Struct, frozen=True, kw_only=True):
    """What an address tells; empty or None where it does not."""

    name: str = ""
    version: str = ""
    build: str = ""
    build_number: int | None = None
    subdir: str = ""
    channel: str = ""


def told_by(url: str) -> Address:
    """Return what the address of a package tells; a local path tells no channel."""
    folder, _, filename = url.partition("#")[0].rpartition("/")
    channel, _, subdir = folder.rpartition("/")
    known = subdir in SUBDIRS and "://" in channel
    archive = parse_archive(unquote(filename))
    if archive is None:
        return Address(subdir=subdir if known else "", channel=f"{channel}/" if known else "")
    return Address(
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
