"""What versions and ranges say, pre-releases counted: what is there is a fact. Pure."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache

from packaging.ranges import VersionRange
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

#: How PEP 440 says the opposite of one specifier.
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def admits(specifier: SpecifierSet, version: Version | str) -> bool:
    """Whether a version is in a range."""
    return not specifier or specifier.contains(version, prereleases=True)


def version_range(specifier: SpecifierSet) -> VersionRange:
    """The range of a specifier, so that sets compare by version alone."""
    return _range(str(specifier))


@lru_cache(maxsize=1024)
def _range(specifier: str) -> VersionRange:
    return SpecifierSet(specifier, prereleases=True).to_range()


def meet(*specifiers: SpecifierSet) -> bool:
    """Whether some version is in all of the ranges."""
    merged = version_range(SpecifierSet())
    for specifier in specifiers:
        merged &= version_range(specifier)
    return not merged.is_empty


def is_within(inner: SpecifierSet, outer: SpecifierSet) -> bool:
    """Whether every version of one range is in the other."""
    return version_range(inner).is_subset(version_range(outer))


def complement(specifier: SpecifierSet) -> SpecifierSet | None:
    """The versions outside a range, or None where one specifier cannot say it.

    `packaging.ranges` can spell more, but with bounds such as ``>=2.5.dev0``
    that would let pre-releases in.
    """
    parts = list(specifier)
    if len(parts) != 1 or parts[0].operator not in _OPPOSITE:
        return None
    return SpecifierSet(f"{_OPPOSITE[parts[0].operator]}{parts[0].version}")


def pin(version: Version) -> SpecifierSet:
    """The range that is one version."""
    return SpecifierSet(f"=={version}")


def exact(specifier: SpecifierSet) -> Version | None:
    """Return the one version that a range admits by naming it."""
    for part in specifier:
        if part.operator in {"==", "==="} and not part.version.endswith(".*"):
            with suppress(InvalidVersion):  # after ``===`` anything may stand
                return Version(part.version)
    return None


def minor_of(version: Version) -> str:
    """The ``X.Y`` of a version."""
    return f"{version.major}.{version.minor}"
