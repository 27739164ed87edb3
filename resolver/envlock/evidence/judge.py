"""Rules held against evidence: what it shows, what it contradicts, what it does not know. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from envlock.evidence.explain import (
    EARLY,
    broken_rules,
    explain,
    failure_text,
    failures,
    failures_of,
    matches,
)
from envlock.evidence.values import PLAIN, RULES, Cell, CellEvidence, ProvedSet
from envlock.model import Rule, RuleId, Severity, Stage
from envlock.probes import levels_of
from envlock.rules.schema import demands

_LINE = 120


class Witness(Struct, frozen=True, kw_only=True):
    """A set that tells something about a rule (None: about one that is missing), in words."""

    rule: RuleId | None
    cell: Cell
    name: str
    words: str

    def __str__(self) -> str:
        return f"{self.cell}, {self.name}: {self.words}"


class RuleSupport(Struct):
    """What shows that a rule is so.

    ``seen`` are the sets that failed with one of its symptoms, or that pass
    although metadata forbids it; ``compared`` those that failed where the set
    of the rules passes. ``broken`` counts the sets that it speaks of.
    """

    broken: int = 0
    seen: list[Witness] = field(default_factory=list)
    compared: list[Witness] = field(default_factory=list)


class Judgement(Struct, frozen=True, kw_only=True):
    """Rules against evidence.

    ``unsupported`` says why; ``contradictions`` are sets that a rule is wrong
    about, ``unexplained`` those that fail and that no rule speaks of.
    """

    supported: Mapping[RuleId, RuleSupport]
    unsupported: Mapping[RuleId, str]
    contradictions: tuple[Witness, ...]
    unexplained: tuple[Witness, ...]


def judge(rules: Sequence[Rule], cells: Iterable[CellEvidence], gate: tuple[str, ...]) -> Judgement:
    """Hold rules against every set of every cell; ``gate`` are the levels that must pass."""
    told = {rule.id: RuleSupport() for rule in rules}
    contradictions: list[Witness] = []
    unexplained: list[Witness] = []
    for evidence in cells:
        for proved in evidence.sets:
            for rule in broken_rules(rules, evidence.cell, proved):
                _weigh(rule, evidence, proved, told[rule.id], gate)
                contradictions.extend(_refuted(rule, evidence.cell, proved))
            _note_incurable(rules, evidence.cell, proved, told)
            unexplained.extend(_unexplained(rules, evidence, proved, gate))
    return Judgement(
        supported={name: each for name, each in told.items() if each.seen or each.compared},
        unsupported={
            rule.id: _why(rule, told[rule.id])
            for rule in rules
            if not (told[rule.id].seen or told[rule.id].compared)
        },
        contradictions=tuple(contradictions),
        unexplained=tuple(unexplained),
    )


def _weigh(
    rule: Rule, evidence: CellEvidence, proved: ProvedSet, told: RuleSupport, gate: tuple[str, ...]
) -> None:
    """Add what a set that breaks a rule tells for it."""
    cell = evidence.cell
    told.broken += 1
    if rule.severity is Severity.DECLARED:
        if proved.passes(gate):
            words = "passes the gate, though metadata forbids it"
            told.seen.append(_witness(rule, cell, proved, words))
    elif (symptom := _symptom(rule, proved)) is not None:
        told.seen.append(_witness(rule, cell, proved, symptom))
    elif (level := _lost(rule, evidence, proved)) is not None:
        words = f"fails at {level}, which the set of the rules passes"
        told.compared.append(_witness(rule, cell, proved, words))


def _symptom(rule: Rule, proved: ProvedSet) -> str | None:
    """The failure in which a symptom of a rule was seen."""
    if rule.stage in EARLY and matches(rule, proved.problem):
        return _short(proved.problem)
    for failure in failures_of(rule.stage, proved):
        if matches(rule, failure_text(failure)):
            return f"fails at {failure.level}: {_short(failure_text(failure))}"
    return None


def _lost(rule: Rule, evidence: CellEvidence, proved: ProvedSet) -> str | None:
    """The first level of the rule's stage or later that fails here and passes by the rules."""
    good = evidence.find(RULES)
    if good is None or proved.name == RULES:
        return None
    if rule.stage is Stage.INSTALL and proved.problem and good.outcomes:
        return "install"
    failed = (each.level for each in failures_of(rule.stage, proved))
    return next((each for each in failed if each in good.capabilities), None)


def _note_incurable(
    rules: Sequence[Rule], cell: Cell, proved: ProvedSet, told: Mapping[RuleId, RuleSupport]
) -> None:
    for level, found in explain(rules, cell, proved).items():
        for each in found:
            if not any(map(demands, each.rule.cases)):
                words = f"fails at {level}"
                told[each.rule.id].seen.append(_witness(each.rule, cell, proved, words))


def _refuted(rule: Rule, cell: Cell, proved: ProvedSet) -> Iterator[Witness]:
    """The set, if it breaks a rule and passed the stage that the rule speaks of all the same."""
    levels = levels_of(rule.stage)
    if rule.severity is not Severity.BREAKS or not proved.outcomes:
        return
    if rule.stage in EARLY:
        # A package that was put in by hand says nothing about the resolution.
        if not (rule.stage is Stage.RESOLVE and proved.against):
            yield _witness(rule, cell, proved, f"breaks it, and passed {rule.stage}")
    elif levels and proved.capabilities.issuperset(levels):
        yield _witness(rule, cell, proved, f"breaks it, and passed {', '.join(levels)}")


def _unexplained(
    rules: Sequence[Rule], evidence: CellEvidence, proved: ProvedSet, gate: tuple[str, ...]
) -> Iterator[Witness]:
    """The set, if it does not pass the gate and neither a rule nor metadata says why."""
    cell, plain = evidence.cell, evidence.find(PLAIN)
    if proved.passes(gate) or proved.against:
        return
    if not proved.packages:
        if proved.name == RULES and plain is not None and plain.passes(gate):
            words = f"the rules leave nothing, a plain resolve passes: {_short(proved.problem)}"
            yield _witness(None, cell, proved, words)
        return
    bad = next((each for each in failures(proved) if each.level in gate), None)
    if bad is None:
        if not broken_rules(rules, cell, proved):
            words = f"obeys every rule, and cannot be installed: {_short(proved.problem)}"
            yield _witness(None, cell, proved, words)
    elif not explain(rules, cell, proved)[bad.level]:
        words = f"fails at {bad.level}, and no rule says why: {_short(failure_text(bad))}"
        yield _witness(None, cell, proved, words)


def _why(rule: Rule, told: RuleSupport) -> str:
    """Why nothing supports a rule."""
    if not levels_of(rule.stage) and rule.stage not in EARLY:
        return f"stage {rule.stage} is not probed"
    if not any(map(demands, rule.cases)):
        return "no set shows its symptoms"
    if not told.broken:
        return "no set breaks it"
    return "no set that breaks it fails as it says"


def _witness(rule: Rule | None, cell: Cell, proved: ProvedSet, words: str) -> Witness:
    return Witness(rule=rule.id if rule else None, cell=cell, name=proved.name, words=words)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LINE else f"{line[: _LINE - 1]}…"
