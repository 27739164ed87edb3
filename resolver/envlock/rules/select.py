"""What do the rules mean, once the framework release is chosen? Pure.

A case is a clause: its conditions and the opposite of its demand must not all
hold. Where all parts but one are known to hold, the one left over must not:
that is a bound on its package, whichever side of the rule it stands on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from itertools import combinations

from msgspec import Struct
from packaging.ranges import VersionRange
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from envlock.model import Case, Condition, Constraint, Demand, Rule, RuleId, Severity
from envlock.rules.check import Situation, applies
from envlock.rules.families import families

#: Versions a package may have, as far as they are known: one, or a range.
Known = Mapping[NormalizedName, SpecifierSet]


class _Truth(Enum):
    HOLDS = 1
    FAILS = 2
    OPEN = 3


class _Part(Struct, frozen=True, kw_only=True):
    """One part of a clause: the package is in the range, or (``outside``) is not."""

    condition: Condition
    outside: bool = False


class Selection(Struct, frozen=True, kw_only=True):
    """The bounds that follow, and the rules that what is known breaks already."""

    constraints: tuple[Constraint, ...]
    broken: tuple[Rule, ...]

    def hard(self) -> tuple[Constraint, ...]:
        """The bounds that never give way."""
        return tuple(item for item in self.constraints if not item.soft)


def select(rules: Iterable[Rule], known: Known, situation: Situation) -> Selection:
    """The constraints that rules put on packages beside the ``known`` ones.

    Rules of severity ``degrades`` give soft constraints, ``declared`` none.
    A family member stands for its family; bounds on a family go to each of
    its members. Where a bound has no PEP 440 form it is left to the check of
    the finished lock.
    """
    rules = tuple(rules)
    found: list[Constraint] = []
    broken: list[Rule] = []
    for rule, clause, include in _active(rules, situation):
        left = _reduce(clause, known)
        if left is None:
            continue
        if include is not None:
            if not left:
                found.append(_constraint(include, include.specifier, rule, include=True))
        elif len(left) == 1:
            found.extend(_bounds(left[0], rule))
        elif not left and rule.severity is Severity.BREAKS:
            broken.append(rule)
    broken.extend(_crowded(rules, known, situation))
    return Selection(
        constraints=_merge(found), broken=tuple({rule.id: rule for rule in broken}.values())
    )


def _active(
    rules: Iterable[Rule], situation: Situation
) -> Iterator[tuple[Rule, list[_Part], Condition | None]]:
    """The clauses of all rules that speak about this situation and ask for something."""
    for rule in rules:
        if rule.severity is not Severity.DECLARED:
            for case in rule.cases:
                if applies(case, situation):
                    for clause, include in _clauses(case):
                        yield rule, clause, include


def _clauses(case: Case) -> Iterator[tuple[list[_Part], Condition | None]]:
    """The clauses of a case; for an ``include`` its conditions and the package to add."""
    when = [_Part(condition=condition) for condition in case.when]
    for demand, condition in case.demands:
        match demand:
            case Demand.REQUIRE:
                yield [*when, _Part(condition=condition, outside=True)], None
            case Demand.REFUSE:
                yield [*when, _Part(condition=condition)], None
            case Demand.INCLUDE:
                yield when, condition


def _crowded(rules: Iterable[Rule], known: Known, situation: Situation) -> Iterator[Rule]:
    """The rules that ask for one member of a family where two are known to be there."""
    for rule in rules:
        for case in rule.cases:
            if case.alone is None or not applies(case, situation):
                continue
            owners = [name for name in families().members(case.alone) if name in known]
            pairs = (pair for pair in combinations(owners, 2) if not families().is_stub_pair(*pair))
            held = _reduce((_Part(condition=each) for each in case.when), known) == []
            if rule.severity is Severity.BREAKS and held and any(pairs):
                yield rule


def _reduce(clause: Iterable[_Part], known: Known) -> list[_Part] | None:
    """The open parts, or None when a part is known to fail."""
    left: list[_Part] = []
    for part in clause:
        truth = _truth(part, known)
        if truth is _Truth.FAILS:
            return None
        if truth is _Truth.OPEN:
            left.append(part)
    return left


def _truth(part: _Part, known: Known) -> _Truth:
    ranges = [known[n] for n in families().members(part.condition.package) if n in known]
    if not ranges:
        return _Truth.OPEN
    wanted = version_range(part.condition.specifier)
    inside = [version_range(item) for item in ranges]
    if all(item.is_subset(wanted) for item in inside):
        return _Truth.FAILS if part.outside else _Truth.HOLDS
    if all(item.is_disjoint(wanted) for item in inside):
        return _Truth.HOLDS if part.outside else _Truth.FAILS
    return _Truth.OPEN


def _bounds(part: _Part, rule: Rule) -> Iterator[Constraint]:
    specifier = part.condition.specifier if part.outside else complement(part.condition.specifier)
    if specifier is None:
        return
    for name in families().members(part.condition.package):
        yield _constraint(Condition(package=name, specifier=specifier), specifier, rule)


#: How PEP 440 says the opposite of one specifier.
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def complement(specifier: SpecifierSet) -> SpecifierSet | None:
    """The versions outside a range, or None where one specifier cannot say it.

    `packaging.ranges` can spell more, but with bounds such as ``>=2.5.dev0``
    that would let pre-releases in.
    """
    parts = list(specifier)
    if len(parts) != 1 or parts[0].operator not in _OPPOSITE:
        return None
    return SpecifierSet(f"{_OPPOSITE[parts[0].operator]}{parts[0].version}")


def _constraint(
    condition: Condition, specifier: SpecifierSet, rule: Rule, *, include: bool = False
) -> Constraint:
    return Constraint(
        package=condition.package,
        specifier=specifier,
        rules=(RuleId(rule.id),),
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


def version_range(specifier: SpecifierSet) -> VersionRange:
    """The range of a specifier with pre-releases counted, so that sets compare by version alone."""
    return _range(str(specifier))


@lru_cache(maxsize=1024)
def _range(specifier: str) -> VersionRange:
    return SpecifierSet(specifier, prereleases=True).to_range()
