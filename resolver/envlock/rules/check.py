"""Which rules does a set of versions break? Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

from msgspec import Struct, field
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.model import Case, Condition, Demand, Platform, Rule, Target, Violation
from envlock.rules.families import families

Packages = Mapping[NormalizedName, Version]


class Situation(Struct, frozen=True, kw_only=True):
    """What a rule may ask besides versions.

    ``manager`` (pip, conda), ``accelerator`` (cpu, cuda) and ``variables``
    that are not known leave the cases that ask for them inactive.
    """

    python: Version
    platform: Platform
    manager: str | None = None
    accelerator: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, target: Target) -> Situation:
        """The situation of a lock for ``target``."""
        accelerator = None if target.accelerator == "auto" else target.accelerator.value
        return cls(
            python=target.python,
            platform=target.platform,
            manager=target.manager,
            accelerator=accelerator,
        )


def violations(
    rules: Iterable[Rule], packages: Packages, situation: Situation
) -> tuple[Violation, ...]:
    """Every rule that ``packages``, as a whole environment, breaks, a line each."""
    return tuple(
        Violation(rule=rule, case=case, packages=seen)
        for rule in rules
        for case in rule.cases
        if applies(case, situation)
        for seen in _broken(case, packages)
    )


def applies(case: Case, situation: Situation) -> bool:
    """Whether a case speaks about this Python, platform, manager and accelerator."""
    return (
        admits(case.python, situation.python)
        and (not case.platforms or any(_is(p, situation.platform) for p in case.platforms))
        and (not case.managers or situation.manager in case.managers)
        and (not case.accelerators or situation.accelerator in case.accelerators)
        and all(situation.variables.get(k) == v for k, v in case.variables.items())
    )


def _is(wanted: str, platform: Platform) -> bool:
    system, _, machine = wanted.partition("-")
    if machine == "musl":
        return platform.system == system and platform.libc.startswith("musl")
    return platform.system == system and machine in {"", platform.machine}


def admits(specifier: SpecifierSet, version: Version) -> bool:
    """Membership with pre-releases counted: an installed version is a fact."""
    return not specifier or specifier.contains(version, prereleases=True)


def matching(condition: Condition, packages: Packages) -> tuple[NormalizedName, Version] | None:
    """The installed member of the condition's family that is in its range."""
    for name in families().members(condition.package):
        version = packages.get(name)
        if version is not None and admits(condition.specifier, version):
            return name, version
    return None


def conditions(case: Case) -> tuple[Condition, ...]:
    """Everything a case says about packages: its conditions and its demands."""
    return (*case.when, *(condition for _, condition in case.demands))


def _broken(case: Case, packages: Packages) -> Iterator[dict[NormalizedName, Version | None]]:
    seen: dict[NormalizedName, Version | None] = {}
    for condition in case.when:
        found = matching(condition, packages)
        if found is None:
            return
        seen[found[0]] = found[1]
    for demand, condition in case.demands:
        for name, version in _offenders(demand, condition, packages):
            yield {**seen, name: version}
    if case.alone is not None:
        owners = [name for name in families().members(case.alone) if name in packages]
        for one, other in combinations(owners, 2):
            if not (families().is_stub_pair(one, other) and packages[one] == packages[other]):
                yield {**seen, one: packages[one], other: packages[other]}


def _offenders(
    demand: Demand, condition: Condition, packages: Packages
) -> Iterator[tuple[NormalizedName, Version | None]]:
    members = families().members(condition.package)
    there = [(name, packages[name]) for name in members if name in packages]
    match demand:
        case Demand.REQUIRE:
            yield from (pair for pair in there if not admits(condition.specifier, pair[1]))
        case Demand.REFUSE:
            yield from (pair for pair in there if admits(condition.specifier, pair[1]))
        case Demand.INCLUDE:
            if not any(admits(condition.specifier, version) for _, version in there):
                yield there[0] if there else (condition.package, None)
