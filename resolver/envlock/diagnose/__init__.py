"""What is wrong with what was examined, the root cause first. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec.structs import replace

from envlock.causes import Cause
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
from envlock.diagnose.models import Loads, Looked, content_finding, loads, model_findings
from envlock.diagnose.outside import OUTSIDE, outside
from envlock.diagnose.pairs import pair_of, told_of_pair
from envlock.diagnose.places import by_place
from envlock.diagnose.rulings import Ruling, backed, candidate, ranked, shown_by
from envlock.diagnose.shadowed import SHADOWED, shadowed
from envlock.diagnose.standard import told_of_python
from envlock.diagnose.syntax import told_of_syntax
from envlock.diagnose.unexplained import UNEXPLAINED, VERIFY, unexplained
from envlock.diagnose.written import told_needs, written_findings
from envlock.findings import CONFLICT, MISSING, NOT_INSTALLABLE, Examined, Finding, Kind, clashing
from envlock.model import Rule, Severity
from envlock.rules.abi import with_law
from envlock.rules.check import Known, spoken_of
from envlock.rules.shown import without

__all__ = [
    "OUTSIDE",
    "UNEXPLAINED",
    "VERIFY",
    "Loads",
    "Looked",
    "content_finding",
    "diagnose",
    "loads",
    "model_findings",
    "outside",
    "told_needs",
    "troubled",
]


#: Findings about whose code runs, or that none does, which come before all that is said of it.
_FIRST = frozenset({NOT_INSTALLABLE, OUTSIDE, SHADOWED})


def diagnose(
    examined: Examined, rules: Iterable[Rule], others: Sequence[Finding] = ()
) -> tuple[Finding, ...]:
    """Return the findings on an environment, a file or a text.

    ``others`` are findings from elsewhere, such as the state of an
    environment's files; they are ranked with the rest. One that has the id of
    a rule stands for what the rule says of the versions.
    """
    seen = examined.kind is Kind.ENVIRONMENT  # of a file the wheels' days alone are known
    rules = with_law(rules, examined.packages, examined.built, seen=seen)
    by_id: dict[str, Rule] = {rule.id: rule for rule in rules}
    known = known_of(examined)
    packages = spoken_of(by_id.values())
    hidden = shadowed(examined.text, packages) if examined.text else None
    others = (*others, *([hidden] if hidden else []))
    doubted = unsure(known, examined)
    shown = shown_by(examined.text, by_id.values())
    told = {each.id for each in others}
    spoken = [
        candidate(rule, doubted if name in shown else known, shown.get(name))
        for name, rule in by_id.items()
        if name not in told
    ]
    candidates = [each for each in spoken if each is not None]
    candidates += [Ruling(finding=each) for each in written_findings(examined, known)]
    if NOT_INSTALLABLE not in told:  # who has solved it says more
        candidates += [Ruling(finding=clashing(each)) for each in examined.clashes]
    declared = conflicts_by_release(known) if examined.kind is not Kind.ENVIRONMENT else ()
    edges = told_edges(examined.text)
    for finding in _unique((*others, *conflicts_told(edges), *declared)):
        rule = by_id.get(finding.id)
        enriched = backed(finding, rule) if rule else finding
        candidates.append(Ruling(finding=enriched, symptom=shown.get(finding.id)))
    candidates = _with_laws(candidates, examined.text, by_id.values(), known)
    candidates = by_place(candidates, examined.text)
    loud = [each for each in candidates if each.finding.cause is not Cause.NOISE]
    loud += _unknown(examined.text, known, candidates, shown, packages)
    cures = Cures(known, by_id.values(), edges, told)
    found = [cures.checked(each, examined.text) for each in ranked(loud) or ranked(candidates)]
    found = _decided(found, {each.id for each in others if each.cause is Cause.FILE})
    # What another package does says nothing of the environment's own.
    return tuple(sorted(found, key=lambda each: each.id not in _FIRST))


def _unknown(
    text: str,
    known: Known,
    candidates: Sequence[Ruling],
    shown: Iterable[str],
    packages: Collection[str],
) -> list[Ruling]:
    """What can be said of an error that no candidate explains; what is only noise explains none."""
    kept = {each.finding.id for each in candidates}
    if kept & _FIRST:
        return []
    noise = [each.rule for each in candidates if each.finding.cause is Cause.NOISE and each.rule]
    loud = [each for each in candidates if each.finding.cause is not Cause.NOISE]
    ruled_out = [name for name in shown if name not in kept]
    found = unexplained(without(text, noise), known, loud, ruled_out, packages)
    return [Ruling(finding=found)] if found else []


def _decided(found: list[Finding], seen: Collection[str]) -> list[Finding]:
    """Findings, those that a text leaves open under what a file was seen to be."""
    root = next((each for each in found if each.id in seen), None)
    if root is None:
        return found
    open_ = [each for each in found if each.cause is Cause.FILE and each.id not in seen]
    rest = [each for each in found if each is not root and each not in open_]
    return [replace(root, consequences=(*root.consequences, *open_)), *rest]


def _with_laws(
    candidates: list[Ruling], text: str, rules: Iterable[Rule], known: Known
) -> list[Ruling]:
    """Candidates, and what the laws of names and of packages that go together say of a text."""
    if not text:
        return candidates
    missing = find_lost(text, known)
    pair = pair_of(text, missing, known)
    pairs = [] if pair is None else list(told_of_pair(pair, rules, known, text, candidates))
    again = {each.finding.id for each in pairs}
    candidates = [each for each in candidates if each.finding.id not in again] + pairs
    gone = told_of(missing, text, known, candidates) if missing else None
    candidates += [gone] if gone else []
    python = told_of_python(text, known, candidates) or told_of_syntax(text, known, candidates)
    absent = missing_module(text, known) if not (gone or python) else None
    return [*candidates, *(each for each in (python, absent) if each)]


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
        finding.cause is not Cause.NOISE
        and (
            finding.severity is Severity.BREAKS
            or (finding.evidence and finding.evidence.strip("…") in text)
        )
        for finding in findings
    )
