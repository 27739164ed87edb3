"""What is wrong with an environment, as a case for `envlock.plan`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from envlock import standards
from envlock.diagnose import diagnose
from envlock.environment.records import Distribution, recorded
from envlock.environment.state import examine_environment
from envlock.findings import MISSING, Examined, Finding
from envlock.model import IndexSettings, Rule, Severity, Target, Violation
from envlock.plan import Complaint, Owners
from envlock.rules.abi import with_law
from envlock.rules.check import Situation, violations
from envlock.targets.description import target
from envlock.targets.interpreters import find_interpreter

#: Findings that a reinstall of the package cures.
_REINSTALL = frozenset(
    {
        "leftover-files",
        "missing-files",
        "overwritten-files",
        "tf-stale-files-after-upgrade",
        "two-versions",
    }
)

_OWNERS = frozenset({"tf-two-owners", "two-owners"})


class Steering(Struct, frozen=True, kw_only=True):
    """What may move: ``keep`` not, ``allow`` from the start."""

    keep: frozenset[NormalizedName] = frozenset()
    allow: frozenset[NormalizedName] = frozenset()


def environment_case(
    python: Path, rules: tuple[Rule, ...], settings: IndexSettings, steering: Steering
) -> tuple[Complaint, tuple[Finding, ...]]:
    """Examine an environment and word what is wrong with it; none of its packages is run.

    What a diagnosis finds beside that, in the user's own folder for one, comes second.

    Raises:
        WorkError: its interpreter does not start.
    """
    goal = target(find_interpreter(str(python)))
    examination = examine_environment(python)
    there = examination.own
    packages = {name: each.version for name, each in sorted(there.items())}
    rules = with_law(rules, packages, examination.examined.built)
    situation = _situation(examination.examined, goal)
    found = violations(rules, packages, situation, lenient=True)
    broken = tuple(each for each in found if each.rule.severity is Severity.BREAKS)
    breaking = [each for each in examination.findings if each.severity is Severity.BREAKS]
    case = Complaint(
        packages=packages,
        target=goal,
        situation=situation,
        rules=rules,
        settings=settings,
        requires={
            name: tuple(standards.applicable(each.requires, goal.markers))
            for name, each in there.items()
        },
        broken=tuple(each for each in broken if each.case.demands),
        owners=tuple(owners_of(broken, breaking, there)),
        reinstall={n: f.because for f in breaking if f.id in _REINSTALL for n in f.packages},
        missing=_missing(breaking, there),
        fixed=frozenset(name for name, each in there.items() if _is_fixed(each)),
        keep=steering.keep,
        allow=steering.allow,
    )
    return case, untold(case, diagnose(examination.examined, rules, examination.findings))


def _situation(examined: Examined, goal: Target) -> Situation:
    return Situation(
        python=goal.python,
        platform=goal.platform,
        manager=examined.manager,
        variables=examined.variables,
        settled=True,
    )


def _is_fixed(distribution: Distribution) -> bool:
    """Whether it could not be put back, or is a checkout: without a RECORD uv cannot remove it."""
    return distribution.editable or isinstance(recorded(distribution), str)


def owners_of(
    broken: Iterable[Violation], breaking: Iterable[Finding], there: Collection[NormalizedName]
) -> Iterator[Owners]:
    """The packages of ``there`` that own one import package, each pair once."""
    seen: set[frozenset[NormalizedName]] = set()
    told = [
        (frozenset(each.packages), str(each.rule.id), each.rule.because)
        for each in broken
        if each.case.alone is not None
    ]
    told += [(frozenset(f.packages), f.id, f.because) for f in breaking if f.id in _OWNERS]
    for names, rule, because in told:
        owners = names.intersection(there)
        if len(owners) > 1 and owners not in seen:
            seen.add(owners)
            yield Owners(names=owners, rule=rule, because=because)


def untold(case: Complaint, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What a diagnosis finds to break and a case is not about: nobody may call that fine."""
    about = set(case.faults())
    about |= _REINSTALL if case.reinstall else set()
    about |= {MISSING} if case.missing else set()
    found = (each for one in findings for each in (one, *one.consequences))
    return tuple(e for e in found if e.severity is Severity.BREAKS and e.id not in about)


def _missing(
    breaking: Iterable[Finding], there: Mapping[NormalizedName, Distribution]
) -> dict[Requirement, str]:
    """The requirements that nothing installed meets, as the package that declares them has it."""
    found: dict[Requirement, str] = {}
    for finding in breaking:
        if finding.id == MISSING:
            absent = {name for name, version in finding.packages.items() if version is None}
            for name in finding.packages.keys() & there.keys():
                for line in there[name].requires:
                    requirement = standards.requirement(line)
                    if requirement and canonicalize_name(requirement.name) in absent:
                        requirement.marker = None
                        found[requirement] = finding.because
    return found
