"""A broken rule → the bound that mends it. Pure, but for the releases it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.model import Constraint, Demand, Rule, Severity, Violation
from envlock.resolve.anchor import Releases
from envlock.rules.check import Situation
from envlock.rules.families import families
from envlock.rules.select import select
from envlock.versions import admits


def bounds_for(
    violation: Violation,
    pins: Mapping[NormalizedName, Version],
    situation: Situation,
    allowed: Callable[[Constraint], bool],
    releases: Callable[[NormalizedName], Releases],
) -> tuple[Constraint, ...]:
    """The constraints on one package that keep a rule, everything else as pinned.

    What the rule demands moves first, its conditions after; only ``allowed``
    bounds are given. Empty when nothing may move.
    """
    rule = replace(violation.rule, cases=(violation.case,))
    missing = [c for c in _select(rule, pins, None, situation) if c.include]
    if missing and all(map(allowed, missing)):
        return tuple(missing)
    for name in reversed(tuple(violation.packages)):
        if name not in pins:
            continue
        found = [c for c in _select(rule, pins, name, situation) if c.package == name]
        if found and all(map(allowed, found)):
            return tuple(found)
        spelled = _spelled_out(violation, name, releases(name))
        if spelled is not None and allowed(spelled):
            return (spelled,)
    return ()


def _select(
    rule: Rule,
    pins: Mapping[NormalizedName, Version],
    free: NormalizedName | None,
    situation: Situation,
) -> tuple[Constraint, ...]:
    known = {n: SpecifierSet(f"=={v}") for n, v in pins.items() if n != free}
    return select([rule], known, situation).constraints


def _spelled_out(
    violation: Violation, name: NormalizedName, releases: Releases
) -> Constraint | None:
    """The forbidden versions one by one, for ranges whose opposite no specifier can say."""
    members = {name, families().family_of(name)}
    case = violation.case
    refusals = (condition for demand, condition in case.demands if demand is Demand.REFUSE)
    ranges = [c.specifier for c in (*case.when, *refusals) if c.package in members]
    if len(ranges) != 1:
        return None
    refused = sorted(version for version in releases if admits(ranges[0], version))
    if not refused or len(refused) == len(releases):
        return None
    return Constraint(
        package=name,
        specifier=SpecifierSet(",".join(f"!={version}" for version in refused)),
        rules=(violation.rule.id,),
        soft=violation.rule.severity is not Severity.BREAKS,
    )
