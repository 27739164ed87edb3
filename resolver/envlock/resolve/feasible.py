"""Can a release meet the requirements at all? Answered from rules and release data. Pure.

Most conflicts are plain here, before any engine is started.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from envlock.model import Constraint, Demand, Rule, RuleId, Severity, Target, Violation
from envlock.releases import declarations, declared
from envlock.resolve.candidate import Candidate, PackageRequirement, Requirements, admitted
from envlock.resolve.question import Question, Tools
from envlock.rules.check import Packages, Situation, conditions, violations
from envlock.rules.frameworks import families
from envlock.rules.select import Consequences, select
from envlock.targets.tags import serves
from envlock.versions import meet


class Collision(Struct, frozen=True, kw_only=True):
    """Bounds on one package that no version meets: whose they are, and the rules behind."""

    requirement: PackageRequirement
    bound: SpecifierSet
    rules: tuple[RuleId, ...] = ()


class Feasible(Struct, frozen=True, kw_only=True):
    """The constraints to solve with; ``inferred`` are those of them that only save a solve."""

    constraints: tuple[Constraint, ...]
    inferred: tuple[Constraint, ...] = ()


class Infeasible(Struct, frozen=True, kw_only=True):
    """Why this release cannot be: a collision, or rules it breaks, with one ``beside`` it."""

    candidate: Candidate
    broken: tuple[Rule, ...] = ()
    beside: NormalizedName | None = None
    collision: Collision | None = None


def judge(
    candidate: Candidate | None,
    requirements: Requirements,
    rules: Iterable[Rule],
    target: Target,
) -> Feasible | Infeasible:
    """The constraints for ``candidate``, or the reason why it cannot be chosen.

    ``requirements`` are bounds on packages that will be there. A soft constraint
    that collides with one is left out here; the check of the lock tells the
    user what was given up.
    """
    rules = tuple(rules)
    selection = select(rules, _known(candidate, requirements), Situation.of(target))
    if candidate is not None:
        if selection.broken:
            return Infeasible(candidate=candidate, broken=selection.broken)
        collision = _collision(candidate, requirements, selection, target)
        if collision is not None:
            return Infeasible(candidate=candidate, collision=collision)
    more = _inferred(candidate, requirements, rules, target)
    inferred = tuple(each for each in more if each not in selection.constraints)
    return Feasible(
        constraints=tuple(
            constraint
            for constraint in (*selection.constraints, *inferred)
            if not constraint.soft or possible(constraint, candidate, requirements, target)
        ),
        inferred=inferred,
    )


def _inferred(
    candidate: Candidate | None, requirements: Requirements, rules: tuple[Rule, ...], target: Target
) -> tuple[Constraint, ...]:
    """What follows for other packages from those that come with a release, in its ranges.

    Found now, it saves a solve whose answer would break it.
    """
    if candidate is None:
        return ()
    brought = {
        name: bound
        for name, bound in declarations(candidate.version, target).items()
        if name not in requirements and name not in families().members(candidate.name)
    }
    known = {**brought, **_known(candidate, requirements)}
    return select(rules, known, Situation.of(target)).constraints


def _known(
    candidate: Candidate | None, requirements: Requirements
) -> dict[NormalizedName, SpecifierSet]:
    known = {
        name: requirement.specifier
        for name, requirement in requirements.items()
        if candidate is None or not candidate.stands_for(requirement)
    }
    if candidate is not None:
        known[candidate.name] = SpecifierSet(f"=={candidate.version}")
    return known


def _collision(
    candidate: Candidate, requirements: Requirements, selection: Consequences, target: Target
) -> Collision | None:
    for constraint in selection.hard():
        requirement = requirements.get(constraint.package)
        if requirement is not None and not meet(requirement.specifier, constraint.specifier):
            return Collision(
                requirement=requirement, bound=constraint.specifier, rules=constraint.rules
            )
    for name, requirement in requirements.items():
        bound = declared(candidate.version, name, target)
        if requirement.specifier and bound is not None and not meet(requirement.specifier, bound):
            return Collision(requirement=requirement, bound=bound)
    return None


def possible(
    constraint: Constraint, candidate: Candidate | None, requirements: Requirements, target: Target
) -> bool:
    """Whether a constraint leaves a version that the requirements and the release admit."""
    bounds = (
        [requirements[constraint.package].specifier] if constraint.package in requirements else []
    )
    if candidate is not None:
        bounds.append(declared(candidate.version, constraint.package, target) or SpecifierSet())
    return meet(constraint.specifier, *bounds)


def refused_together(
    question: Question, candidate: Candidate | None, tools: Tools
) -> Infeasible | None:
    """Whether rules refuse every release of some requirement beside a framework release.

    conda's releases are not listed file by file, and asking for them costs
    more than a solve.
    """
    if candidate is None or question.target.manager == "conda":
        return None
    for requirement in question.given(candidate).values():
        if candidate.stands_for(requirement) or requirement.name not in question.requirements:
            continue
        rules = tuple(_about(requirement.name, question.rules))
        broken = _broken_by_all(requirement, candidate, rules, question, tools) if rules else ()
        if broken:
            return Infeasible(candidate=candidate, broken=broken, beside=requirement.name)
    return None


def _about(name: NormalizedName, rules: Iterable[Rule]) -> Iterator[Rule]:
    """The rules that a release of a package alone can break beside a framework release."""
    names = {name, families().family_of(name)}
    for rule in rules:
        if rule.severity is Severity.BREAKS and any(
            each.package in names for case in rule.cases for each in conditions(case)
        ):
            yield rule


def _broken_by_all(
    requirement: PackageRequirement,
    candidate: Candidate,
    rules: tuple[Rule, ...],
    question: Question,
    tools: Tools,
) -> tuple[Rule, ...]:
    """The rules that the best release of a requirement breaks, where every one breaks some."""
    best: tuple[Rule, ...] = ()
    found = admitted(requirement, tools.releases(requirement.name))
    for version in sorted(found, reverse=True):
        if not serves(found[version], question.target):
            continue
        pins = {candidate.name: candidate.version, requirement.name: version}
        broken = violations(rules, pins, Situation.of(question.target))
        certain = {each.rule.id: each.rule for each in broken if _of_both(each, pins)}
        if not certain:
            return ()
        best = best or tuple(certain.values())
    return best


def _of_both(violation: Violation, pins: Packages) -> bool:
    """Whether it is these two that break a rule, and not that a third package is not there."""
    included = any(demand is Demand.INCLUDE for demand, _ in violation.case.demands)
    return not included and set(violation.packages) <= set(pins)
