"""How far an environment breaks a rule. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.model import Case, Rule
from envlock.rules.check import Known, Truth


class Verdict(Struct, frozen=True, kw_only=True):
    """What the versions say about a rule.

    ``truth`` is NO where they rule it out, ``applies`` how far its conditions
    hold, whatever it demands. ``judged`` is False for a rule
    that demands nothing: only a symptom can show it. ``packages`` are those
    it is about; a version that is not known is None.
    """

    truth: Truth
    applies: Truth
    judged: bool
    case: Case
    offenders: frozenset[NormalizedName]
    packages: Mapping[NormalizedName, Version | None]


def judge(rule: Rule, known: Known) -> Verdict:
    """Return the verdict of the case that is the most broken, with what all such cases name."""
    verdicts = [_case(case, known) for case in rule.cases]
    worst = max(verdicts, key=lambda each: (each.truth, each.judged))
    alike = [each for each in verdicts if each.truth is worst.truth and each.judged is worst.judged]
    if worst.truth < Truth.LIKELY:
        return worst
    return Verdict(
        truth=worst.truth,
        applies=worst.applies,
        judged=worst.judged,
        case=worst.case,
        offenders=frozenset().union(*(each.offenders for each in alike)),
        packages={name: v for each in alike for name, v in each.packages.items()},
    )


def _case(case: Case, known: Known) -> Verdict:
    applies = known.applies(case)
    judged = bool(case.demands) or case.alone is not None
    broken = [(known.broken(*each), each[1].package) for each in case.demands]
    if case.alone is not None:
        broken.append((known.crowded(case.alone), case.alone))
    worst = max((each for each, _ in broken), default=applies)
    offending = [name for each, name in broken if each is worst]
    about = [*(each.package for each in case.when), *offending]
    return Verdict(
        truth=min(applies, worst),
        applies=applies,
        judged=judged,
        case=case,
        offenders=frozenset(n for name in offending for n in known.named(name) or (name,)),
        packages=_packages(about, known),
    )


def _packages(names: list[NormalizedName], known: Known) -> dict[NormalizedName, Version | None]:
    """The versions of packages, families by the members that are there."""
    found: dict[NormalizedName, Version | None] = {}
    for name in names:
        for member in known.named(name) or (name,):
            found[member] = known.versions.get(member)
    return found
