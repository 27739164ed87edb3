"""What is wrong with what was examined, the root cause first. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envlock.diagnose.cures import Cures
from envlock.diagnose.deduced import (
    conflicts_by_release,
    conflicts_told,
    known_of,
    told_edges,
    unsure,
)
from envlock.diagnose.lost import find_lost, told_of
from envlock.diagnose.missing import missing_module
from envlock.diagnose.models import Loads, loads, model_findings
from envlock.diagnose.outside import OUTSIDE, outside
from envlock.diagnose.rulings import Candidate, backed, candidate, ranked, shown_by
from envlock.diagnose.unexplained import UNEXPLAINED, VERIFY, unexplained
from envlock.findings import CONFLICT, MISSING, Examined, Finding, Kind
from envlock.model import Rule, Severity

__all__ = [
    "OUTSIDE",
    "UNEXPLAINED",
    "VERIFY",
    "Loads",
    "diagnose",
    "loads",
    "model_findings",
    "outside",
    "troubled",
]


def diagnose(
    examined: Examined, rules: Iterable[Rule], others: Sequence[Finding] = ()
) -> tuple[Finding, ...]:
    """Return the findings on an environment, a file or a text.

    ``others`` are findings from elsewhere, such as the state of an
    environment's files; they are ranked with the rest. One that has the id of
    a rule stands for what the rule says of the versions.
    """
    by_id: dict[str, Rule] = {rule.id: rule for rule in rules}
    known = known_of(examined)
    doubted = unsure(known, examined)
    shown = shown_by(examined.text, by_id.values())
    told = {each.id for each in others}
    spoken = [
        candidate(rule, doubted if name in shown else known, shown.get(name))
        for name, rule in by_id.items()
        if name not in told
    ]
    candidates = [each for each in spoken if each is not None]
    declared = conflicts_by_release(known) if examined.kind is not Kind.ENVIRONMENT else ()
    edges = told_edges(examined.text)
    for finding in _unique((*others, *conflicts_told(edges), *declared)):
        rule = by_id.get(finding.id)
        enriched = backed(finding, rule) if rule else finding
        candidates.append(Candidate(finding=enriched, symptom=shown.get(finding.id)))
    missing = find_lost(examined.text, known) if examined.text else None
    gone = told_of(missing, examined.text, known, candidates) if missing else None
    absent = missing_module(examined.text, known) if examined.text and not gone else None
    candidates += [each for each in (gone, absent) if each]
    kept = {each.finding.id for each in candidates}
    unknown = (
        None
        if OUTSIDE in kept
        else unexplained(
            examined.text, known, candidates, [name for name in shown if name not in kept]
        )
    )
    cures = Cures(known, by_id.values(), edges, told)
    found = [
        cures.checked(each, examined.text)
        for each in ranked([*candidates, *([Candidate(finding=unknown)] if unknown else [])])
    ]
    # What another package does says nothing of the environment's own.
    return tuple(sorted(found, key=lambda each: each.id != OUTSIDE))


def _unique(findings: Iterable[Finding]) -> list[Finding]:
    """Each declared conflict once, however many tell of it."""
    first: dict[object, Finding] = {}
    for finding in findings:
        declared = finding.id in {CONFLICT, MISSING}
        first.setdefault((finding.id, *finding.packages) if declared else id(finding), finding)
    return list(first.values())


def troubled(findings: Iterable[Finding], text: str = "") -> bool:
    """Whether something is wrong: it breaks, or it was met, as the text shows."""
    return any(
        finding.severity is Severity.BREAKS
        or (finding.evidence and finding.evidence.strip("…") in text)
        for finding in findings
    )
