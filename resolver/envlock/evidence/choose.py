"""Which set that was proved answers a request? Pure.

A set answers when it holds everything that is asked for and nothing is asked
for besides, on the very cell of the target, and the rules of today have
nothing against it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from msgspec import Struct
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.evidence.values import Cell, ProvedSet
from envlock.model import LockedPackage, Rule, Severity, Target
from envlock.releases import wheels_for
from envlock.resolve.candidate import PackageRequirement, Requirements, distributions, framework
from envlock.rules.check import Situation, violations
from envlock.rules.frameworks import families
from envlock.targets.tags import installable


class Asked(Struct, frozen=True, kw_only=True):
    """A request for one target, and what its answer must be seen to do.

    ``levels`` are those of the gate and the capabilities that are needed.
    """

    requirements: Requirements
    constraints: Requirements
    target: Target
    rules: tuple[Rule, ...]
    levels: tuple[str, ...]
    exclude_newer: datetime | None = None

    @property
    def distribution(self) -> NormalizedName | None:
        """The distribution of the framework that the request is for, or None."""
        requirement = framework(self.requirements)
        cuda = self.target.accelerator is Accelerator.CUDA
        if requirement is None or requirement.extras or cuda:
            return None
        return distributions(requirement, self.target.accelerator)[0]


def cells_for(asked: Asked, cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Return the cells whose release is asked for on this target, newest first."""
    name, requirement = asked.distribution, framework(asked.requirements)
    if name is None or requirement is None:
        return ()
    bound = asked.constraints.get(name)
    wanted = requirement.specifier & bound.specifier if bound else requirement.specifier
    found = [
        cell
        for cell in cells
        if cell.distribution == name
        and cell.python == asked.target.minor
        and cell.platform == str(asked.target.platform)
        and wanted.contains(cell.version, prereleases=True)
    ]
    return tuple(sorted(found, key=lambda cell: cell.version, reverse=True))


def newest_on_record(asked: Asked) -> Version | None:
    """Return the newest final release with a wheel for the target that the request admits."""
    requirement = framework(asked.requirements)
    if requirement is None:
        return None
    known = wheels_for(asked.target.minor, asked.target.platform).versions
    return max(requirement.specifier.filter(known, prereleases=False), default=None)


def usable(proved: ProvedSet, asked: Asked) -> bool:
    """Whether a set was seen to do what is needed, and may be installed for this target."""
    dated = asked.exclude_newer is None or proved.circumstances.day <= asked.exclude_newer.date()
    return (
        dated
        and proved.passes(asked.levels)
        and all(
            any(installable(file, asked.target) for file in package.files) or not _wheels(package)
            for package in proved.packages
        )
        and not any(
            broken.rule.severity is not Severity.DECLARED
            for broken in violations(asked.rules, proved.pins, Situation.of(asked.target))
        )
    )


def unmet(proved: ProvedSet, asked: Asked) -> tuple[str, ...]:
    """Return the requirements and constraints that a set does not meet, as they are written."""
    anchor = asked.distribution
    missing = [
        str(requirement)
        for requirement in asked.requirements.values()
        if requirement.extras
        or not _met(requirement, proved, _standing_for(requirement, proved.pins, anchor))
    ]
    missing += [
        str(bound)
        for name, bound in asked.constraints.items()
        if name in proved.pins and not _met(bound, proved, name)
    ]
    return tuple(missing)


def _standing_for(
    requirement: PackageRequirement, pins: Collection[NormalizedName], anchor: NormalizedName | None
) -> NormalizedName:
    """The package of a set that a requirement is for: the framework's build for the framework."""
    if anchor is not None and requirement.name == families().family_of(anchor):
        return anchor
    if requirement.name in pins:
        return requirement.name
    return next(
        (name for name in families().members(requirement.name) if name in pins), requirement.name
    )


def _met(requirement: PackageRequirement, proved: ProvedSet, name: NormalizedName) -> bool:
    version = proved.pins.get(name)
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def _wheels(package: LockedPackage) -> bool:
    return any(file.filename.endswith(".whl") for file in package.files)
