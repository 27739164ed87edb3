"""What is known of an environment, asked one condition at a time. Pure.

The answers are in between yes and no where versions are ranges, the list is
not complete, or nobody said which Python or system is meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from itertools import combinations

from msgspec import Struct
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.diagnose.deduced import pythons_of, ranges_of, region, system_of
from envlock.findings import Examined
from envlock.model import Case, Condition, Demand, Platform
from envlock.rules.check import admits
from envlock.rules.families import families


class Truth(IntEnum):
    """How far something is known to be so; of all together, as far as the least of them."""

    NO = 0
    MAYBE = 1
    LIKELY = 2  # an installer would choose so today
    YES = 3


_NEWER_THAN_ALL = Version("99999")


class Known(Struct, frozen=True, kw_only=True):
    """An `Examined` and what follows from it.

    ``pythons`` are the minor releases that are likely meant, ``platform`` what
    is said or follows from packages that one system has; ``ranges`` are the
    loose ranges within what an installer would look at.
    """

    examined: Examined
    pythons: tuple[str, ...]
    platform: Platform | None
    ranges: Mapping[NormalizedName, SpecifierSet]

    @classmethod
    def of(cls, examined: Examined) -> Known:
        """Work out what follows."""
        platform = examined.platform or system_of(examined)
        pythons = pythons_of(examined, platform)
        ranges = ranges_of(examined, pythons, platform)
        return cls(examined=examined, pythons=pythons, platform=platform, ranges=ranges)

    def named(self, package: NormalizedName) -> tuple[NormalizedName, ...]:
        """Return the members of a family that are known to be there."""
        there = self.examined
        members = families().members(package)
        return tuple(name for name in members if name in there.packages or name in there.loose)

    def holds(self, condition: Condition) -> Truth:
        """Whether the package, or one of its family, is there and in the range."""
        named = self.named(condition.package)
        if not named:
            return self._untold()
        return max(self._inside(name, condition.specifier) for name in named)

    def broken(self, demand: Demand, condition: Condition) -> Truth:
        """Whether what a rule demands is not so."""
        named = self.named(condition.package)
        if demand is Demand.REFUSE:
            return self.holds(condition)
        if not named:
            absent = self.examined.complete and demand is Demand.INCLUDE
            return Truth.YES if absent else self._untold()
        outside = [self._outside(name, condition.specifier) for name in named]
        return min(outside) if demand is Demand.INCLUDE else max(outside)

    def crowded(self, family: NormalizedName) -> Truth:
        """Whether two of a family are there that do not belong together."""
        versions = self.examined.packages
        for one, other in combinations(self.named(family), 2):
            same = versions.get(one) == versions.get(other)
            if not (same and families().is_stub_pair(one, other)):
                return Truth.YES
        return self._untold()

    def situation(self, case: Case) -> Truth:
        """Whether a case speaks of this Python, system, manager and variables."""
        there = self.examined
        variables = [
            _told(there.variables.get(key), (value,)) for key, value in case.variables.items()
        ]
        accelerator = Truth.MAYBE if case.accelerators else Truth.YES
        return min(
            self._python(case.python),
            self._platform(case.platforms),
            self._manager(case.managers),
            accelerator,
            *variables,
        )

    def _untold(self) -> Truth:
        return Truth.NO if self.examined.complete else Truth.MAYBE

    def _inside(self, name: NormalizedName, specifier: SpecifierSet) -> Truth:
        version = self.examined.packages.get(name)
        if version is not None:
            return _within(version, specifier)
        wanted, has = region(specifier), region(self.examined.loose[name])
        if has.is_subset(wanted):
            return Truth.YES
        if has.is_disjoint(wanted):
            return Truth.NO
        return self._today(name, specifier, inside=True)

    def _outside(self, name: NormalizedName, specifier: SpecifierSet) -> Truth:
        version = self.examined.packages.get(name)
        if version is not None:
            return Truth(Truth.YES - _within(version, specifier))
        wanted, has = region(specifier), region(self.examined.loose[name])
        if has.is_subset(wanted):
            return Truth.NO
        if has.is_disjoint(wanted):
            return Truth.YES
        return self._today(name, specifier, inside=False)

    def _today(self, name: NormalizedName, specifier: SpecifierSet, *, inside: bool) -> Truth:
        """What the newest version of a range is like, where a range is still to be installed."""
        if self.examined.complete:
            return Truth.MAYBE
        newest = _newest(self.ranges[name])
        return Truth.LIKELY if admits(specifier, newest) is inside else Truth.MAYBE

    def _python(self, wanted: SpecifierSet) -> Truth:
        if self.examined.python is not None:
            return Truth.YES if admits(wanted, self.examined.python) else Truth.NO
        if all(admits(wanted, Version(minor)) for minor in self.pythons):
            return Truth.YES
        return Truth.MAYBE

    def _platform(self, wanted: Iterable[str]) -> Truth:
        truths = [_is(each, self.platform) for each in wanted]
        return max(truths, default=Truth.YES)

    def _manager(self, wanted: tuple[str, ...]) -> Truth:
        if not wanted:
            return Truth.YES
        if self.examined.manager is None:
            return Truth.LIKELY if "pip" in wanted else Truth.MAYBE
        return _told(self.examined.manager, wanted)


def _told(value: str | None, wanted: tuple[str, ...]) -> Truth:
    if value is None:
        return Truth.MAYBE
    return Truth.YES if value in wanted else Truth.NO


def _is(wanted: str, platform: Platform | None) -> Truth:
    """Whether a platform is the one that a rule names; its machine or C library may be unknown."""
    if platform is None:
        return Truth.MAYBE
    system, _, machine = wanted.partition("-")
    if system != platform.system:
        return Truth.NO
    own = platform.libc.partition(" ")[0] if machine == "musl" else platform.machine
    return Truth.YES if machine in {"", own} else Truth.NO if own else Truth.MAYBE


def _within(version: Version, specifier: SpecifierSet) -> Truth:
    """Whether a version is in a range; a pre-release of a bound itself may have either side."""
    strict = admits(specifier, version)
    if not version.is_prerelease:
        return Truth.YES if strict else Truth.NO
    ordered = all(_ordered(version, each) for each in specifier)
    return Truth.MAYBE if strict != ordered else Truth.YES if strict else Truth.NO


def _ordered(version: Version, part: Specifier) -> bool:
    if part.operator == "<":
        return version < Version(part.version)
    if part.operator == ">":
        return version > Version(part.version)
    return part.contains(version, prereleases=True)


def _newest(specifier: SpecifierSet) -> Version:
    """A version near the upper end of a range."""
    ends = [_NEWER_THAN_ALL, *(_end(part) for part in specifier)]
    return max((each for each in ends if admits(specifier, each)), default=_NEWER_THAN_ALL)


def _end(part: Specifier) -> Version:
    """The newest version below a bound, or the newest that begins like it."""
    number = part.version.removesuffix(".*")
    release = list(Version(number).release)
    if part.operator == "<":
        while len(release) > 1 and release[-1] == 0:
            release.pop()
        return Version(".".join(map(str, [*release[:-1], max(release[-1] - 1, 0), 99999])))
    if part.operator == "~=":
        return Version(".".join(map(str, [*release[:-1], 99999])))
    return Version(f"{number}.99999" if part.version.endswith(".*") else number)
