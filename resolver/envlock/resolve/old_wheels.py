"""Pins whose wheels were uploaded before any could be built for NumPy 2. Pure.

What is asked costs nothing: who needs NumPy stands in the engine's answer, and
the days of upload on the index pages that were read for the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from msgspec import Struct
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.index.filenames import WHEEL_SUFFIX
from envlock.model import (
    Constraint,
    DistributionFile,
    LockedPackage,
    Rule,
    Target,
    Violation,
)
from envlock.resolve.question import Listed
from envlock.rules.abi import BELOW, LAW, NUMPY, SINCE, TWO, judged, law_among, law_of
from envlock.rules.check import Situation, violations
from envlock.targets.tags import taken

#: What the law asks for: another old release of a package would not help.
HELD = Constraint(package=NUMPY, specifier=BELOW, rules=(LAW,), soft=True)


class OldWheel(Struct, frozen=True, kw_only=True):
    """A pin whose wheel has compiled code of before NumPy 2."""

    name: NormalizedName
    version: Version
    uploaded: date

    def __str__(self) -> str:
        return f"{self.name} {self.version}, whose wheel is of {self.uploaded.isoformat()}"


class Dates(Struct, frozen=True, kw_only=True):
    """The law as a lock asks it; silent where ``law`` is None, and of ``judged`` packages."""

    law: Rule | None = None
    judged: frozenset[NormalizedName] = frozenset()

    @classmethod
    def of(cls, rules: tuple[Rule, ...]) -> Dates:
        """The law among rules, and the packages that the others speak of."""
        return cls(law=law_among(rules), judged=judged(rules))

    def found(
        self, packages: Iterable[LockedPackage], listed: Listed, target: Target
    ) -> tuple[OldWheel, ...]:
        """Return the pins beside NumPy 2 that it is about."""
        if self.law is None:
            return ()
        there = old_wheels(packages, listed, target)
        return tuple(each for each in there if each.name not in self.judged)

    def broken(
        self,
        found: Iterable[OldWheel],
        pins: Mapping[NormalizedName, Version],
        situation: Situation,
    ) -> tuple[Violation, ...]:
        """Return how the pins do not meet it."""
        built = {each.name: each.version for each in found}
        if self.law is None or not built:
            return ()
        return violations([law_of(self.law, built, seen=False)], pins, situation)


def old_wheels(
    packages: Iterable[LockedPackage], listed: Listed, target: Target
) -> tuple[OldWheel, ...]:
    """Return the pins beside NumPy 2 that need NumPy and are of before, by their wheels."""
    pins = {package.name: package for package in packages}
    numpy = pins.get(NUMPY)
    if numpy is None or numpy.version < TWO:
        return ()
    return tuple(
        OldWheel(name=name, version=pins[name].version, uploaded=day)
        for name in sorted(pins.keys() & set(numpy.via))
        if (day := _built(taken(listed.get(name, ()), target))) is not None
    )


def _built(file: DistributionFile | None) -> date | None:
    """The day of a wheel of before NumPy 2 whose code is for one interface of Python's."""
    if file is None or file.upload_time is None or file.upload_time >= SINCE:
        return None
    if not file.filename.endswith(WHEEL_SUFFIX):
        return None
    _, abi, platform = file.filename.removesuffix(WHEEL_SUFFIX).rsplit("-", 2)
    # What has no such interface is loaded by ctypes, and knows nothing of NumPy.
    return None if abi == "none" or platform == "any" else file.upload_time.date()
