"""What rules it out that a wish and a release come together, found before anything is solved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.utils import NormalizedName

from envlock.model import Demand, Rule, Severity, Violation
from envlock.resolve.anchor import Candidate, admitted
from envlock.resolve.feasible import Infeasible
from envlock.resolve.question import Question, Tools
from envlock.resolve.wishes import Wish
from envlock.rules.check import Packages, Situation, conditions, violations
from envlock.rules.families import families
from envlock.targets.fitting import serves


def refused_together(
    question: Question, candidate: Candidate | None, tools: Tools
) -> Infeasible | None:
    """Whether rules refuse every release of some wish beside a framework release.

    conda's releases are not listed file by file, and asking for them costs
    more than a solve.
    """
    if candidate is None or question.target.manager == "conda":
        return None
    for wish in question.given(candidate).values():
        if candidate.stands_for(wish) or wish.name not in question.wishes:
            continue
        rules = tuple(_about(wish.name, question.rules))
        broken = _broken_by_all(wish, candidate, rules, question, tools) if rules else ()
        if broken:
            return Infeasible(candidate=candidate, broken=broken, beside=wish.name)
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
    wish: Wish, candidate: Candidate, rules: tuple[Rule, ...], question: Question, tools: Tools
) -> tuple[Rule, ...]:
    """The rules that the best release of a wish breaks, where every one breaks some."""
    best: tuple[Rule, ...] = ()
    found = admitted(wish, tools.releases(wish.name))
    for version in sorted(found, reverse=True):
        if not serves(found[version], question.target):
            continue
        pins = {candidate.name: candidate.version, wish.name: version}
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
