"""What a base image holds, as ``pip freeze`` prints it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.errors import UsageError
from envlock.formats.listings import frozen
from envlock.model import Requested


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
    for row in frozen(text):
        version = standards.version(row.version)
        if row.fault is not None or version is None:
            unread.append(f"{name}:{row.where}")
            continue
        package = canonicalize_name(row.name)
        pins[package] = version
        wish = Requirement(f"{package}=={version}")
        constraints.append(Requested(requirement=wish, origin=f"{name}:{row.where}"))
    if not pins:
        raise UsageError(
            f"--base-freeze {name}: there is no line NAME==VERSION in it",
            f"docker run --rm --entrypoint python3 IMAGE -m pip freeze --all > {name}",
        )
    return Frozen(name=name, pins=pins, constraints=tuple(constraints), unread=tuple(unread))
