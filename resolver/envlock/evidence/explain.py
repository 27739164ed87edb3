"""Which rules a set breaks, and which of them explain how it ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from packaging.version import Version

from envlock.evidence.values import Cell, ProvedSet
from envlock.model import Platform, Rule, Severity, Stage
from envlock.outcomes import Crashed, Failed
from envlock.probes import levels_of
from envlock.rules.check import Known, Situation, Truth, violations
from envlock.rules.schema import demands
from envlock.rules.shown import speaks

#: The stages that come before any level of a probe.
EARLY = (Stage.RESOLVE, Stage.INSTALL)

Failure = Failed | Crashed


class Explained(Struct, frozen=True, kw_only=True):
    """A rule that explains a failure; ``by_symptom`` when one of its symptoms was seen in it."""

    rule: Rule
    by_symptom: bool


def situation_of(cell: Cell, proved: ProvedSet) -> Situation:
    """What rules may ask about a set besides its versions."""
    system, _, machine = cell.platform.partition("-")
    where = proved.circumstances
    return Situation(
        python=Version(where.interpreter.rpartition(" ")[2]),
        platform=Platform(system=system, machine=machine, libc=where.libc),
        manager="pip",
        accelerator="cpu" if cell.distribution.endswith("-cpu") else None,
        variables=proved.variables,
    )


def failures(proved: ProvedSet) -> tuple[Failure, ...]:
    """The levels that were tried and did not pass."""
    return tuple(each for each in proved.outcomes if isinstance(each, Failed | Crashed))


def failure_text(failure: Failure) -> str:
    """What a failure said, as a log has it."""
    error = f"{failure.error}: " if isinstance(failure, Failed) else ""
    return f"{error}{failure.detail}"


def failures_of(stage: Stage, proved: ProvedSet) -> tuple[Failure, ...]:
    """The failures that can be trouble of a stage: at its levels or later, if it is probed."""
    if stage in EARLY:
        return failures(proved)
    levels = [each.level for each in proved.outcomes]
    own = [levels.index(each) for each in levels_of(stage) if each in levels]
    return tuple(each for each in failures(proved) if own and levels.index(each.level) >= min(own))


def broken_rules(rules: Iterable[Rule], cell: Cell, proved: ProvedSet) -> tuple[Rule, ...]:
    """The rules that a set breaks, each once."""
    found = violations(rules, proved.pins, situation_of(cell, proved))
    return tuple({each.rule.id: each.rule for each in found}.values())


def is_refused(rules: Iterable[Rule], cell: Cell, proved: ProvedSet) -> bool:
    """Whether envlock makes no such lock: then it was refused, or a rule of today refuses it."""
    return proved.against or any(
        rule.severity is Severity.BREAKS for rule in broken_rules(rules, cell, proved)
    )


def explain(
    rules: Sequence[Rule], cell: Cell, proved: ProvedSet
) -> dict[str, tuple[Explained, ...]]:
    """The rules that explain each failed level, those whose symptom was seen first.

    That is the rules that the set breaks, and those that no version cures and
    whose symptom was seen. Rules that only repeat what metadata declares are
    no explanation.
    """
    failed = failures(proved)
    if not failed:
        return {}
    real = [rule for rule in rules if rule.severity is not Severity.DECLARED]
    broken = broken_rules(real, cell, proved)
    others = [
        rule for rule in real if not any(map(demands, rule.cases)) and _speaks(rule, cell, proved)
    ]
    found: dict[str, list[Explained]] = {each.level: [] for each in failed}
    for rule in (*broken, *others):
        for failure in failures_of(rule.stage, proved):
            seen = matches(rule, failure_text(failure))
            if seen or rule in broken:
                found[failure.level].append(Explained(rule=rule, by_symptom=seen))
    return {
        level: tuple(sorted(each, key=lambda one: not one.by_symptom))
        for level, each in found.items()
    }


def matches(rule: Rule, text: str) -> bool:
    """Whether one of a rule's symptoms or messages is in a text."""
    return speaks(rule, text)


def _speaks(rule: Rule, cell: Cell, proved: ProvedSet) -> bool:
    known = Known(situation=situation_of(cell, proved), versions=proved.pins, complete=True)
    return any(known.applies(case) is Truth.YES for case in rule.cases)
