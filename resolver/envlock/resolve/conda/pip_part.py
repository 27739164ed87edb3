"""pip's part of a conda request, resolved against what conda provides.

What conda provides is exact for pip, and left out of pip's lock, so that no
package comes from both sides. Where pip's part names such a package, conda's
side is bound by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.engine import Engine
from envlock.errors import NoResolution
from envlock.index.filenames import admitted, releases
from envlock.index.pages import Index
from envlock.model import (
    Constraint,
    IndexSettings,
    LockedPackage,
    Requested,
    RuleId,
    Severity,
    Target,
)
from envlock.progress import Progress
from envlock.resolve.candidate import PackageRequirement, framework, merge
from envlock.resolve.question import Asked, Question, Tools
from envlock.resolve.run import Resolution, resolve
from envlock.rules.check import Situation, violations
from envlock.rules.database import Database
from envlock.rules.frameworks import families, frameworks
from envlock.rules.select import select
from envlock.versions import meet

#: The place of a bound that conda's packages are.
CONDA = "conda's packages"
_CONDAS = re.compile(rf"in {CONDA}, change \S+ to (?P<name>[\w.-]+)==(?P<version>\S+)")

Provided = Mapping[NormalizedName, Version]


class PipQuestion(Struct, frozen=True, kw_only=True):
    """pip's requirements that count on a target, and what conda provides there.

    ``settings`` find conda's packages too (`envlock.index.stubs`).
    """

    requirements: tuple[Requested, ...]
    constraints: tuple[Requested, ...]
    provided: Provided
    target: Target
    settings: IndexSettings
    engine: Engine
    database: Database
    verb: str
    preferences: Provided
    exclude_newer: datetime | None = None


class Shared(Struct, frozen=True, kw_only=True):
    """A requirement of pip's part for a package that conda provides."""

    requested: Requested
    version: Version

    @property
    def met(self) -> bool:
        """Whether conda's version answers it."""
        return self.requested.requirement.specifier.contains(self.version, prereleases=True)

    def __str__(self) -> str:
        need = self.requested.requirement
        extras = f"; its extras {', '.join(sorted(need.extras))} are not conda's" * bool(
            need.extras
        )
        return (
            f"{self.requested.origin}: {need.name} is left to conda, which brings {need.name}"
            f" {self.version}{extras}"
        )


def apart(
    requirements: Iterable[Requested], provided: Provided
) -> tuple[tuple[Requested, ...], tuple[Shared, ...]]:
    """Part pip's requirements from those for packages that conda provides."""
    own: list[Requested] = []
    shared: list[Shared] = []
    for requested in requirements:
        version = provided.get(canonicalize_name(requested.requirement.name))
        if version is None:
            own.append(requested)
        else:
            shared.append(Shared(requested=requested, version=version))
    return tuple(own), tuple(shared)


def resolve_pip_part(question: PipQuestion, progress: Progress) -> Resolution:
    """Return the pins of pip's part, without what conda provides.

    Raises:
        NoResolution: nothing fits beside conda's packages; the message says
            what collides, the remedies what would free it.
        WorkError: the index or the engine failed.
    """
    situation = _situation(question)
    fixed = {name: SpecifierSet(f"=={version}") for name, version in question.provided.items()}
    chosen = select(question.database.rules, fixed, situation)
    ours = _frameworks(question)  # chosen by the loop, which says why
    bounds = [
        each
        for each in chosen.constraints
        if not each.include and each.package not in {*question.provided, *ours}
    ]
    try:
        found = _resolve(question, bounds, progress)
    except NoResolution as error:
        message = "\n".join((error.message, *_condas(error.message, question.provided)))
        ways = map(_on_condas_side, _usable(error.remedies))
        raise NoResolution(message, *ways).telling(**error.details) from None
    own = _own(found.packages, question.provided)
    packages = tuple(replace(each, because=_because(each, bounds)) for each in own)
    reasons = {
        **found.reasons,
        **{
            name: rule.because
            for package in packages
            for name in package.because
            if (rule := question.database.find(name)) is not None
        },
    }
    notes = (*found.notes, *_broken(question, packages, situation))
    return Resolution(packages=packages, notes=notes, reasons=reasons)


def _frameworks(question: PipQuestion) -> Sequence[NormalizedName]:
    """The distributions of the framework, where pip's part asks for one."""
    requirement = framework(merge(question.requirements))
    family = families().family_of(requirement.name) if requirement else None
    return families().members(family) if family else ()


def _own(packages: Iterable[LockedPackage], provided: Provided) -> tuple[LockedPackage, ...]:
    """The pins that pip installs: not conda's, nor what only those would need."""
    packages = tuple(packages)
    known = {each.name for each in packages}
    kept: set[NormalizedName] = set()
    while True:
        more = {
            each.name
            for each in packages
            if each.name not in provided
            and (not known.issuperset(each.via) or not kept.isdisjoint(each.via))
        }
        if more == kept:
            return tuple(each for each in packages if each.name in kept)
        kept = more


def _situation(question: PipQuestion) -> Situation:
    conda = any(each.name in question.provided for each in frameworks())
    return replace(Situation.of(question.target), manager="conda" if conda else "pip")


def _resolve(question: PipQuestion, bounds: Iterable[Constraint], progress: Progress) -> Resolution:
    index = Index(question.settings, progress=progress)
    date = question.exclude_newer
    asked = Question(
        requirements=merge(question.requirements),
        constraints=_constraints(question, bounds),
        rules=question.database.rules,
        target=question.target,
        settings=question.settings,
        preferences=question.preferences,
        exclude_newer=date,
    )
    tools = Tools(
        engine=question.engine,
        releases=cache(lambda name: releases(admitted(index.files(name), date))),
        progress=progress,
    )
    why = Asked(
        database=question.database,
        verb=question.verb,
        targets_here=tuple,
    )
    return resolve(asked, tools, index, why)


def _constraints(
    question: PipQuestion, bounds: Iterable[Constraint]
) -> dict[NormalizedName, PackageRequirement]:
    """The user's bounds, conda's exact versions, and what the rules make of those.

    A soft bound that collides with a requirement is left out; the check tells of it.
    """
    found = merge(question.constraints)
    required = merge(question.requirements)
    for name, version in question.provided.items():
        found[name] = PackageRequirement(
            name=name, specifier=SpecifierSet(f"=={version}"), origins=(CONDA,)
        )
    for bound in bounds:
        requirement = required.get(bound.package)
        if (
            bound.soft
            and requirement is not None
            and not meet(requirement.specifier, bound.specifier)
        ):
            continue
        said = PackageRequirement(
            name=bound.package,
            specifier=bound.specifier,
            origins=tuple(f"rule {rule}" for rule in bound.rules),
        )
        known = found.get(bound.package)
        found[bound.package] = said if known is None else known.within(said)
    return dict(sorted(found.items()))


def _because(package: LockedPackage, bounds: Iterable[Constraint]) -> tuple[RuleId, ...]:
    newer = SpecifierSet(f">{package.version}")
    moved = {
        rule
        for bound in bounds
        if bound.package == package.name and not meet(newer, bound.specifier)
        for rule in bound.rules
    }
    return tuple(sorted({*package.because, *moved}))


def _broken(
    question: PipQuestion, packages: Iterable[LockedPackage], situation: Situation
) -> Iterator[str]:
    """What both sides together break: told, or refused where it breaks for sure."""
    pins = {**question.provided, **{each.name: each.version for each in packages}}
    sides = {each.name: "pip" for each in packages}
    for found in violations(question.database.rules, pins, situation):
        if found.rule.severity is Severity.DECLARED or not sides.keys() & found.packages.keys():
            continue
        seen = " and ".join(
            f"{name} {version} ({sides.get(name, 'conda')})" if version else f"no {name}"
            for name, version in found.packages.items()
        )
        said = f"{seen} cannot be together: {found.rule.because} (rule {found.rule.id})"
        if found.rule.severity is Severity.BREAKS:
            raise NoResolution(f"pip's part does not fit conda's packages\n  because {said}")
        yield said


def _condas(message: str, provided: Provided) -> Iterator[str]:
    """Say whose the exact versions are that an engine speaks of."""
    for name, version in provided.items():
        if re.search(rf"(?<![\w.-]){name}=={re.escape(str(version))}(?! \({CONDA})", message):
            yield f"  because conda brings {name} {version}"


def _usable(remedies: Iterable[str]) -> Iterator[str]:
    """The ways out that hold here: a command of pip's side alone would ask something else."""
    return (each for each in remedies if not each.startswith("envlock"))


def _on_condas_side(remedy: str) -> str:
    found = _CONDAS.fullmatch(remedy)
    if found is None:
        return remedy
    return f'add "{found["name"]}={found["version"]}" to conda\'s dependencies'
