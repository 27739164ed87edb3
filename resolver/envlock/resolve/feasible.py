"""Can a release meet the wishes at all? Answered from rules and release data. Pure.

Most conflicts are plain here, before any engine is started.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from envlock.model import Constraint, Rule, RuleId, Target
from envlock.releases import declarations, declared
from envlock.resolve.anchor import Candidate
from envlock.resolve.wishes import Wish, Wishes
from envlock.rules.check import Situation
from envlock.rules.families import families
from envlock.rules.select import Selection, select
from envlock.versions import meet


class Collision(Struct, frozen=True, kw_only=True):
    """Bounds on one package that no version meets: whose they are, and the rules behind."""

    wish: Wish
    bound: SpecifierSet
    rules: tuple[RuleId, ...] = ()


class Feasible(Struct, frozen=True, kw_only=True):
    """The constraints to solve with; ``inferred`` are those of them that only save a solve."""

    constraints: tuple[Constraint, ...]
    inferred: tuple[Constraint, ...] = ()


class Infeasible(Struct, frozen=True, kw_only=True):
    """Why this release cannot be: a collision, or rules it breaks, with a wish ``beside`` it."""

    candidate: Candidate
    broken: tuple[Rule, ...] = ()
    beside: NormalizedName | None = None
    collision: Collision | None = None


def judge(
    candidate: Candidate | None,
    wishes: Wishes,
    rules: Iterable[Rule],
    target: Target,
) -> Feasible | Infeasible:
    """The constraints for ``candidate``, or the reason why it cannot be chosen.

    ``wishes`` are bounds on packages that will be there. A soft constraint
    that collides with one is left out here; the check of the lock tells the
    user what was given up.
    """
    rules = tuple(rules)
    selection = select(rules, _known(candidate, wishes), Situation.of(target))
    if candidate is not None:
        if selection.broken:
            return Infeasible(candidate=candidate, broken=selection.broken)
        collision = _collision(candidate, wishes, selection, target)
        if collision is not None:
            return Infeasible(candidate=candidate, collision=collision)
    more = _inferred(candidate, wishes, rules, target)
    inferred = tuple(each for each in more if each not in selection.constraints)
    return Feasible(
        constraints=tuple(
            constraint
            for constraint in (*selection.constraints, *inferred)
            if not constraint.soft or possible(constraint, candidate, wishes, target)
        ),
        inferred=inferred,
    )


def _inferred(
    candidate: Candidate | None, wishes: Wishes, rules: tuple[Rule, ...], target: Target
) -> tuple[Constraint, ...]:
    """What follows for other packages from those that come with a release, in its ranges.

    Found now, it saves a solve whose answer would break it.
    """
    if candidate is None:
        return ()
    brought = {
        name: bound
        for name, bound in declarations(candidate.version, target).items()
        if name not in wishes and name not in families().members(candidate.name)
    }
    known = {**brought, **_known(candidate, wishes)}
    return select(rules, known, Situation.of(target)).constraints


def _known(candidate: Candidate | None, wishes: Wishes) -> dict[NormalizedName, SpecifierSet]:
    known = {
        name: wish.specifier
        for name, wish in wishes.items()
        if candidate is None or not candidate.stands_for(wish)
    }
    if candidate is not None:
        known[candidate.name] = SpecifierSet(f"=={candidate.version}")
    return known


def _collision(
    candidate: Candidate, wishes: Wishes, selection: Selection, target: Target
) -> Collision | None:
    for constraint in selection.hard():
        wish = wishes.get(constraint.package)
        if wish is not None and not meet(wish.specifier, constraint.specifier):
            return Collision(wish=wish, bound=constraint.specifier, rules=constraint.rules)
    for name, wish in wishes.items():
        bound = declared(candidate.version, name, target)
        if wish.specifier and bound is not None and not meet(wish.specifier, bound):
            return Collision(wish=wish, bound=bound)
    return None


def possible(
    constraint: Constraint, candidate: Candidate | None, wishes: Wishes, target: Target
) -> bool:
    """Whether a constraint leaves a version that the wishes and the release admit."""
    bounds = [wishes[constraint.package].specifier] if constraint.package in wishes else []
    if candidate is not None:
        bounds.append(declared(candidate.version, constraint.package, target) or SpecifierSet())
    return meet(constraint.specifier, *bounds)
