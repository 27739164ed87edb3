"""The law on wheels that were built for NumPy 1: what its one rule says of given releases. Pure.

``abi.yaml`` has from which release on a package runs with NumPy 2. Of packages
that no rule speaks of, their wheels say it: by the day of their upload, where a
lock is made, or by what stands in an extension module that is installed. Each
makes the law a rule about these releases, for the loop of a lock, for a
diagnosis and a fix alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.model import Case, Condition, Demand, Rule, RuleId, Severity
from envlock.rules.check import Situation, conditions, violations
from envlock.rules.frameworks import families
from envlock.versions import admits, pin

LAW = RuleId("wheel-built-for-numpy1")
NUMPY = NormalizedName("numpy")
TWO = Version("2.0.0")
ONE = Version("1.26.4")
BELOW = SpecifierSet("<2")
#: When the first release candidate of NumPy 2 came, whose headers serve both.
SINCE = datetime(2024, 4, 1, tzinfo=UTC)

_SHOWN = 3  # releases that a title names


def law_among(rules: Iterable[Rule]) -> Rule | None:
    """Return the law, where it is among the rules."""
    return next((rule for rule in rules if rule.id == LAW), None)


def judged(rules: Iterable[Rule]) -> frozenset[NormalizedName]:
    """Return the packages of which rules say what they are beside NumPy 2: no law is needed."""
    return frozenset(name for rule in rules for name in _judged(rule))


def _judged(rule: Rule) -> Iterator[NormalizedName]:
    if rule.severity is not Severity.BREAKS:
        return
    for case in rule.cases:
        said = conditions(case)
        if any(each.package == NUMPY and _tells_apart(each) for each in said):
            for each in said:
                if each.package != NUMPY:
                    yield from families().meant(each)


def _tells_apart(condition: Condition) -> bool:
    return admits(condition.specifier, ONE) is not admits(condition.specifier, TWO)


def law_of(law: Rule, built: Mapping[NormalizedName, Version], *, seen: bool) -> Rule:
    """Return the law about releases that were ``built`` for NumPy 1.

    What was ``seen`` in their files is sure; what their dates tell gives way.
    """
    named = [f"{name} {version}" for name, version in sorted(built.items())]
    shown = ", ".join(named[:_SHOWN]) + (f" and {len(named) - _SHOWN} more") * (len(named) > _SHOWN)
    return replace(
        law,
        title=f"{shown} {'were' if named[1:] else 'was'} built for NumPy 1"
        if seen
        else f"{shown}: compiled before NumPy 2, by the day of the upload",
        cases=tuple(
            Case(
                when=(Condition(package=name, specifier=pin(version)),),
                demands=((Demand.REQUIRE, Condition(package=NUMPY, specifier=BELOW)),),
            )
            for name, version in sorted(built.items())
        ),
        severity=Severity.BREAKS if seen else Severity.DEGRADES,
    )


def with_law(
    rules: Iterable[Rule],
    packages: Mapping[NormalizedName, Version],
    built: Mapping[NormalizedName, Version],
    *,
    seen: bool = True,
) -> tuple[Rule, ...]:
    """Return rules, the law among them about what was ``built`` for NumPy 1 beside another one.

    Where a rule of its own says so of a release, the law does not say it again.
    """
    rules = tuple(rules)
    numpy, law = packages.get(NUMPY), law_among(rules)
    if law is None or numpy is None or not built:
        return rules
    unsaid = {
        name: version
        for name, version in built.items()
        if not violations(rules, {name: version, NUMPY: numpy}, Situation(), lenient=True)
    }
    if not unsaid:
        return rules
    own = law_of(law, unsaid, seen=seen)
    return tuple(own if each is law else each for each in rules)
