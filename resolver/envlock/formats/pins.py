"""One exact pin, from a requirement as it stands in a lock file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.errors import UsageError
from envlock.formats.comments import one_line, read_remarks
from envlock.index.origin import public
from envlock.model import LockedPackage, RuleId

STRONG_HASH = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")

_OPTION_STARTS = re.compile(r"(?:^|(?<!\s)\s+)(?=--?[A-Za-z])")
_OPTION = re.compile(r"(--[A-Za-z][\w-]*|-[A-Za-z])[=\s]*")


class Pin(Struct, frozen=True, kw_only=True):
    """A package that was read, where, its marker, and rule → reason."""

    where: str
    package: LockedPackage
    reasons: Mapping[RuleId, str]
    marker: Marker | None = None


def read_pin(where: str, text: str, comments: Sequence[str]) -> Pin:
    """Read a requirement with its hashes and the comments under it; extras are dropped.

    Raises:
        UsageError: it is no exact pin, or has an option that is not a good
            ``--hash``; ``where`` begins the message.
    """
    wish, *options = _OPTION_STARTS.split(text)
    hashes = [_hash(where, option) for option in options]
    requirement, version = _exact(where, wish)
    said = read_remarks(comments)
    package = LockedPackage(
        name=canonicalize_name(requirement.name),
        version=version,
        hashes=tuple(sorted(hashes)),
        via=said.via,
        because=tuple(sorted(said.because)),
        index=one_line(public(said.index)),
    )
    return Pin(where=where, package=package, reasons=said.because, marker=requirement.marker)


def _exact(where: str, wish: str) -> tuple[Requirement, Version]:
    requirement = standards.requirement(wish)
    specifiers = () if requirement is None else tuple(requirement.specifier)
    if requirement is None or [each.operator for each in specifiers] != ["=="]:
        raise _not_exact(where, wish)
    version = standards.version(specifiers[0].version)
    if version is None:
        raise _not_exact(where, wish)
    return requirement, version


def _not_exact(where: str, wish: str) -> UsageError:
    return UsageError(
        f"{where}: {one_line(wish)!r} is not an exact pin (name==version)",
        "make a lock from this file with `envlock lock`, and give that",
    )


def _hash(where: str, option: str) -> str:
    _, name, value = _OPTION.split(option, maxsplit=1)
    if name != "--hash":
        raise UsageError(
            f"{where}: the option {name} is not read from a lock, only --hash is",
            "delete it: indexes and the like come from pip's configuration",
        )
    lowered = value.strip().lower()
    if not STRONG_HASH.fullmatch(lowered):
        raise UsageError(f"{where}: {one_line(lowered)!r} is not a sha256, sha384 or sha512 hash")
    return lowered
