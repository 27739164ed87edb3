"""Versions, ranges, markers and requirements as somebody wrote them → values, or None. Pure.

`packaging` raises several errors, some of them late, when a value is used:
for numbers that Python refuses to read, for markers that end the stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from packaging.markers import (
    InvalidMarker,
    Marker,
    UndefinedComparison,
    UndefinedEnvironmentName,
)
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from envlock.errors import UsageError

#: Characters; the longest markers that tools export have a few hundred.
LONGEST = 2000
MOST_PACKAGES = 10_000
"""Of one file; the largest environments have some thousands."""


def refuse_crowd(name: str, count: int) -> None:
    """Refuse a file with more packages than any environment has; ``name`` is for the error.

    Raises:
        UsageError: there are more.
    """
    if count > MOST_PACKAGES:
        raise UsageError(
            f"{name}: more than the {MOST_PACKAGES:,} packages that are read of one file"
        )


def version(text: str) -> Version | None:
    """Return a version of PEP 440."""
    try:
        return Version(text) if len(text) <= LONGEST else None
    except InvalidVersion:
        return None


def specifiers(text: str) -> SpecifierSet | None:
    """Return a range of versions; "" is any."""
    try:
        return SpecifierSet(text) if len(text) <= LONGEST else None
    except InvalidSpecifier:
        return None


def marker(text: str) -> Marker | None:
    """Return a marker that reads as itself when it is written again."""
    try:
        found = Marker(text) if len(text) <= LONGEST else None
        return found if found is None or Marker(str(found)) == found else None
    except (InvalidMarker, RecursionError):
        return None


def requirement(text: str) -> Requirement | None:
    """Return a requirement that reads as itself when it is written again."""
    try:
        found = Requirement(text) if len(text) <= LONGEST else None
        if found is not None and found.marker is not None and Requirement(str(found)) != found:
            return None
    except (InvalidRequirement, RecursionError):
        return None
    return found


def applicable(lines: Iterable[str], environment: Mapping[str, str]) -> Iterator[Requirement]:
    """Yield what counts in a PEP 508 environment, without its marker and without extras.

    A line that cannot be read or judged says nothing.
    """
    for line in lines:
        found = requirement(line)
        if found is None:
            continue
        if found.marker is None or judged(found.marker, {**environment, "extra": ""}):
            found.marker = None
            yield found


def judged(condition: Marker, environment: Mapping[str, str]) -> bool | None:
    """Whether a marker holds; None where it compares what cannot be compared."""
    try:
        return condition.evaluate(dict(environment))
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion, InvalidSpecifier):
        return None
