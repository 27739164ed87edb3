"""What a base image holds, as ``pip freeze`` prints it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.errors import UsageError
from envlock.model import Requested

_PIN = re.compile(r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?:\[[\w,. -]*\])?={2,3}(\S+)", re.ASCII)


class Frozen(Struct, frozen=True, kw_only=True):
    """The packages of a base image; ``unread`` are lines that name no version."""

    name: str
    pins: Mapping[NormalizedName, Version]
    constraints: tuple[Requested, ...]
    unread: tuple[str, ...] = ()


def parse_freeze(name: str, text: str) -> Frozen:
    """Read the output of ``pip freeze``; ``name`` is how its file was named.

    Raises:
        UsageError: there is no pin in it.
    """
    pins: dict[NormalizedName, Version] = {}
    constraints: list[Requested] = []
    unread: list[str] = []
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line.startswith("#"):
            continue
        found = _PIN.fullmatch(line)
        version = standards.version(found[2]) if found else None
        if found is None or version is None:
            unread.append(f"{name}:{number}")
            continue
        package = canonicalize_name(found[1])
        pins[package] = version
        wish = Requirement(f"{package}=={version}")
        constraints.append(Requested(requirement=wish, origin=f"{name}:{number}"))
    if not pins:
        raise UsageError(
            f"--base-freeze {name}: there is no line NAME==VERSION in it",
            f"docker run --rm --entrypoint python3 IMAGE -m pip freeze --all > {name}",
        )
    return Frozen(name=name, pins=pins, constraints=tuple(constraints), unread=tuple(unread))
