"""Can a release meet the wishes at all? Answered from rules and release data. Pure.

Most conflicts are plain here, before any engine is started.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from envlock.model import Constraint, Rule, RuleId, Target
from envlock.releases import declared
from envlock.resolve.anchor import Anchor
from envlock.resolve.wishes import Wish, Wishes
from envlock.rules.check import Situation
from envlock.rules.select import Selection, select
from envlock.versions import meet


class Collision(Struct, frozen=True, kw_only=True):
    """Bounds on one package that no version meets: whose they are, and the rules behind."""

    wish: Wish
    bound: SpecifierSet
    rules: tuple[RuleId, ...] = ()


class Feasible(Struct, frozen=True, kw_only=True):
    """The constraints to solve with."""

    constraints: tuple[Constraint, ...]


class Infeasible(Struct, frozen=True, kw_only=True):
    """Why this release cannot be: a collision, or rules it breaks, with a wish ``beside`` it."""

    anchor: Anchor
    broken: tuple[Rule, ...] = ()
    beside: NormalizedName | None = None
    collision: Collision | None = None


def judge(
    anchor: Anchor | None,
    wishes: Wishes,
    rules: Iterable[Rule],
    target: Target,
) -> Feasible | Infeasible:
    """The constraints for ``anchor``, or the reason why it cannot be chosen.

    ``wishes`` are bounds on packages that will be there. A soft constraint
    that collides with one is left out here; the check of the lock tells the
    user what was given up.
    """
    selection = select(rules, _known(anchor, wishes), Situation.of(target))
    if anchor is not None:
        if selection.broken:
            return Infeasible(anchor=anchor, broken=selection.broken)
        collision = _collision(anchor, wishes, selection, target)
        if collision is not None:
            return Infeasible(anchor=anchor, collision=collision)
    return Feasible(
        constraints=tuple(
            constraint
            for constraint in selection.constraints
            if not constraint.soft or possible(constraint, anchor, wishes, target)
        )
    )


def _known(anchor: Anchor | None, wishes: Wishes) -> dict[NormalizedName, SpecifierSet]:
    known = {
        name: wish.specifier
        for name, wish in wishes.items()
        if anchor is None or not anchor.stands_for(wish)
    }
    if anchor is not None:
        known[anchor.name] = SpecifierSet(f"=={anchor.version}")
    return known


def _collision(
    anchor: Anchor, wishes: Wishes, selection: Selection, target: Target
) -> Collision | None:
    for constraint in selection.hard():
        wish = wishes.get(constraint.package)
        if wish is not None and not meet(wish.specifier, constraint.specifier):
            return Collision(wish=wish, bound=constraint.specifier, rules=constraint.rules)
    for name, wish in wishes.items():
        bound = declared(anchor.version, name, target)
        if wish.specifier and bound is not None and not meet(wish.specifier, bound):
            return Collision(wish=wish, bound=bound)
    return None


def possible(constraint: Constraint, anchor: Anchor | None, wishes: Wishes, target: Target) -> bool:
    """Whether a constraint leaves a version that the wishes and the release admit."""
    bounds = [wishes[constraint.package].specifier] if constraint.package in wishes else []
    if anchor is not None:
        bounds.append(declared(anchor.version, constraint.package, target) or SpecifierSet())
    return meet(constraint.specifier, *bounds)
