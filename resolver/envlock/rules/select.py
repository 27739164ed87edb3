"""What do the rules mean, once the framework release is chosen? Pure.

A case is a clause: its conditions and the opposite of its demand must not all
hold. Where all parts but one are known to hold, the one left over must not:
that is a bound on its package, whichever side of the rule it stands on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from envlock.model import Case, Condition, Constraint, Demand, Rule, Severity
from envlock.rules.check import Known, Situation, Truth
from envlock.rules.frameworks import families
from envlock.versions import complement


class _Part(Struct, frozen=True, kw_only=True):
    """One part of a clause: a condition that holds, or a demand on it that is broken."""

    condition: Condition
    demand: Demand | None = None

    def truth(self, known: Known) -> Truth:
        """How far it is so."""
        if self.demand is None:
            return known.holds(self.condition)
        return known.broken(self.demand, self.condition)

    def excluded(self) -> SpecifierSet | None:
        """The versions that make it false, where PEP 440 can say them."""
        if self.demand is Demand.REQUIRE:
            return self.condition.specifier
        return complement(self.condition.specifier)


class Consequences(Struct, frozen=True, kw_only=True):
    """The bounds that follow, and the rules that what is known breaks already."""

    constraints: tuple[Constraint, ...]
    broken: tuple[Rule, ...]

    def hard(self) -> tuple[Constraint, ...]:
        """The bounds that never give way."""
        return tuple(item for item in self.constraints if not item.soft)


def select(
    rules: Iterable[Rule], ranges: Mapping[NormalizedName, SpecifierSet], situation: Situation
) -> Consequences:
    """The constraints that rules put on packages beside those of known ``ranges``.

    Rules of severity ``degrades`` give soft constraints, ``declared`` none.
    A family member stands for its family; bounds on a family go to each of
    its members. Where a bound has no PEP 440 form it is left to the check of
    the finished lock.
    """
    known = Known(situation=situation, ranges=ranges)
    found: list[Constraint] = []
    broken: list[Rule] = []
    for rule in rules:
        if rule.severity is Severity.DECLARED:
            continue
        for case in rule.cases:
            if situation.suits(case) is not Truth.YES:
                continue
            when = _open((_Part(condition=condition) for condition in case.when), known)
            if when is None:
                continue
            found.extend(_constraints(case, when, rule, known))
            if not when and rule.severity is Severity.BREAKS and _is_unmet(case, known):
                broken.append(rule)
    return Consequences(
        constraints=_merge(found), broken=tuple({rule.id: rule for rule in broken}.values())
    )


def _constraints(case: Case, when: list[_Part], rule: Rule, known: Known) -> Iterator[Constraint]:
    """The bounds of a case, of whose conditions ``when`` are open.

    One for each clause with one open part, and for each package to be added.
    """
    for demand, condition in case.demands:
        if demand is Demand.INCLUDE:
            if not when:
                yield _constraint(condition, rule, include=True)
            continue
        left = _open((_Part(condition=condition, demand=demand),), known)
        if left is not None and len(when) + len(left) == 1:
            yield from _bounds((*when, *left)[0], rule)


def _is_unmet(case: Case, known: Known) -> bool:
    """Whether something that no open package decides is not as a case asks."""
    crowded = case.alone is not None and known.crowded(case) is Truth.YES
    return crowded or any(
        known.broken(demand, condition) is Truth.YES
        for demand, condition in case.demands
        if demand is not Demand.INCLUDE  # what is not there is added
    )


def _open(clause: Iterable[_Part], known: Known) -> list[_Part] | None:
    """The parts that are not known, or None when one is known to be false."""
    left: list[_Part] = []
    for part in clause:
        truth = part.truth(known)
        if truth is Truth.NO:
            return None
        if truth is not Truth.YES:
            left.append(part)
    return left


def _bounds(part: _Part, rule: Rule) -> Iterator[Constraint]:
    specifier = part.excluded()
    if specifier is not None:
        for name in families().meant(part.condition):
            yield _constraint(Condition(package=name, specifier=specifier), rule)


def _constraint(condition: Condition, rule: Rule, *, include: bool = False) -> Constraint:
    return Constraint(
        package=condition.package,
        specifier=condition.specifier,
        rules=(rule.id,),
        include=include,
        soft=rule.severity is not Severity.BREAKS,
    )


def _merge(found: Iterable[Constraint]) -> tuple[Constraint, ...]:
    """One constraint for each package, bound, kind and strength, sorted."""
    merged: dict[tuple[str, str, bool, bool], Constraint] = {}
    for item in found:
        key = (item.package, str(item.specifier), item.include, item.soft)
        before = merged[key].rules if key in merged else ()
        merged[key] = Constraint(
            package=item.package,
            specifier=item.specifier,
            rules=tuple(sorted({*before, *item.rules})),
            include=item.include,
            soft=item.soft,
        )
    return tuple(merged[key] for key in sorted(merged))
