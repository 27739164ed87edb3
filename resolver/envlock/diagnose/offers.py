"""What an installer would take of a package, by the releases on record. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from msgspec import Struct
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.diagnose.deduced import usual_platform
from envlock.model import Platform, Target
from envlock.releases import WheelRange, declarations, release, wheels_for
from envlock.rules.check import Situation
from envlock.rules.frameworks import framework, framework_of
from envlock.rules.tables import pythons
from envlock.targets.platforms import NamedPlatform, foreign_target
from envlock.versions import admits, minor_of

CONDA = "conda"
_NONE = Version("0")  # no release at all


class Offer(Struct, frozen=True, kw_only=True):
    """The newest release of a range for the Pythons that are meant; None: some one of the range."""

    version: Version | None
    minor: str


def newest_offered(name: NormalizedName, wish: Requirement, situation: Situation) -> Offer | None:
    """Return what a requirement would bring; None where there is nothing to install."""
    minors = minors_of(situation)
    if not _is_recorded(name) or situation.manager == CONDA:
        too_new = not all(_reaches(wish.specifier, each) for each in _last(name, situation))
        return None if too_new else Offer(version=None, minor=minors[-1])
    platform = usual_platform(situation.platform)
    found = [
        (version, minor)
        for minor in minors
        for version in _wheels(minor, platform, name).versions
        if admits(wish.specifier, version)
        and (not wish.extras or wish.extras <= extras_of(name, version))
    ]
    if not found:
        return None
    version, minor = max(found, key=lambda each: (each[0], Version(each[1])))
    return Offer(version=version, minor=minor)


def python_for(
    wishes: Iterable[tuple[NormalizedName, Requirement]], situation: Situation
) -> str | None:
    """Return the newest Python that has all of what is wished; None where none has."""
    if situation.manager == CONDA:
        return None
    recorded = [(name, wish) for name, wish in wishes if _is_recorded(name)]
    for minor in reversed(pythons().minors):
        there = replace(situation, python=Version(minor))
        if recorded and all(newest_offered(*each, there) for each in recorded):
            return minor
    return None


def is_empty(name: NormalizedName, version: Version) -> bool:
    """Whether a release on record has no wheel at all: nothing of it can be there."""
    if not _is_recorded(name) or name == "h5py":
        return False
    found = release(version)
    return found is not None and not found.wheels.get(name)


def _last(name: NormalizedName, situation: Situation) -> Iterator[Version]:
    """The last releases that the newest Python meant has, and that pip has for the system."""
    found = [pythons().last.get(name, {}).get(minors_of(situation)[-1])]
    if situation.platform is not None and situation.manager != CONDA:
        found.append(pythons().last_on.get(situation.platform.system, {}).get(name))
    yield from (Version(each) for each in found if each is not None)


def _reaches(specifier: SpecifierSet, last: Version) -> bool:
    """Whether a range begins at or below the last release that a Python has."""
    floors = [Version(each.version) for each in specifier if each.operator in {">=", ">", "~="}]
    pinned = [
        Version(each.version.removesuffix(".*")) for each in specifier if each.operator == "=="
    ]
    return last > _NONE and all(each <= last for each in (*floors, *pinned))


def extras_of(name: NormalizedName, version: Version) -> frozenset[str]:
    """Return the extras of a framework's release, none of any other package."""
    own = framework_of(name)
    found = release(version) if own is not None and own.name == framework().name else None
    return frozenset(found.extras) if found is not None else frozenset()


def brought(
    name: NormalizedName, offer: Offer, situation: Situation
) -> Mapping[NormalizedName, SpecifierSet]:
    """Return the ranges that come with a release that is on record."""
    if offer.version is None:
        return {}
    target = _target(offer.minor, usual_platform(situation.platform))
    return declarations(offer.version, target, name)


def minors_of(situation: Situation) -> tuple[str, ...]:
    """Return the minors of Python that are meant, or likely, oldest first."""
    if situation.python is not None:
        return (minor_of(situation.python),)
    return tuple(map(minor_of, situation.pythons)) or pythons().minors


def _is_recorded(name: NormalizedName) -> bool:
    own = framework_of(name)
    return name == "h5py" or (own is not None and name in own.recorded)


@cache
def _wheels(minor: str, platform: Platform, name: NormalizedName) -> WheelRange:
    return wheels_for(minor, platform, name)


@cache
def _target(minor: str, platform: Platform) -> Target:
    return foreign_target(NamedPlatform(platform=platform, option=""), Version(minor))
