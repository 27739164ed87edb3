"""One rule, the versions and the text → a finding, or none. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from envlock.diagnose.ranking import Candidate
from envlock.diagnose.symptoms import Symptom
from envlock.diagnose.verdict import Verdict, judge
from envlock.findings import Finding
from envlock.model import Demand, Remedy, RemedyKind, Rule
from envlock.rules.check import Known, Truth
from envlock.rules.frameworks import families, frameworks
from envlock.versions import complement

_BY_VERSIONS = {Truth.YES: 0.9, Truth.LIKELY: 0.5}
_BY_BOTH = {Truth.YES: 0.99, Truth.LIKELY: 0.9, Truth.MAYBE: 0.7}
_BY_TEXT = 0.85  # the rule names no versions, or those that are known are as it says
_VAGUE = 16  # letters: a pattern with fewer is met by chance
_VAGUE_SHARE = 0.7


def candidate(rule: Rule, known: Known, symptom: Symptom | None) -> Candidate | None:
    """Return what a rule says of an environment and a text.

    Without a symptom the versions have to break it; with one they only have
    to leave it possible.
    """
    verdict = judge(rule, known)
    if verdict.truth is Truth.NO or (symptom is None and not _told_by_versions(verdict)):
        return None
    finding = Finding(
        id=rule.id,
        title=rule.title,
        severity=rule.severity,
        because=rule.because,
        packages=verdict.packages,
        stage=rule.stage,
        aliases=rule.aliases,
        confidence=_confidence(verdict, symptom),
        remedies=tuple(_remedies(rule, verdict, known)),
        sources=_links(rule),
        evidence=symptom.line if symptom else "",
    )
    return Candidate(finding=finding, verdict=verdict, symptom=symptom)


def _told_by_versions(verdict: Verdict) -> bool:
    """Whether versions alone say it: a range may only be open where a demand is about it."""
    return verdict.judged and verdict.truth >= Truth.LIKELY and verdict.applies is Truth.YES


def backed(finding: Finding, rule: Rule) -> Finding:
    """Return a finding that was made elsewhere with what its rule knows beside."""
    own = {each.text for each in finding.remedies}
    more = (each for each in rule.remedies if each.text not in own)
    return replace(
        finding,
        aliases=rule.aliases,
        remedies=(*finding.remedies, *more),
        sources=finding.sources or _links(rule),
    )


def _links(rule: Rule) -> tuple[str, ...]:
    return tuple(dict.fromkeys(link for item in rule.evidence for link in item.links))


def _confidence(verdict: Verdict, symptom: Symptom | None) -> float:
    if symptom is None:
        return _BY_VERSIONS[verdict.truth]
    certain = _BY_BOTH[verdict.truth] if verdict.packages else _BY_TEXT
    if verdict.case.when and verdict.applies >= Truth.LIKELY:
        certain = max(certain, _BY_TEXT)
    return round(certain * _VAGUE_SHARE, 2) if symptom.letters < _VAGUE else certain


def _remedies(rule: Rule, verdict: Verdict, known: Known) -> Iterator[Remedy]:
    """The rule's own, after what its broken case asks for where they do not name the package."""
    named = " ".join(
        each.text for each in rule.remedies if each.kind in {RemedyKind.INSTALL, RemedyKind.COMMAND}
    )
    if verdict.truth >= Truth.LIKELY:
        for name, wanted in _asked(verdict):
            if name not in named:
                yield Remedy(kind=RemedyKind.INSTALL, text=f"{name}{wanted}")
    yield from (_for_build(remedy, known) for remedy in rule.remedies)


def _for_build(remedy: Remedy, known: Known) -> Remedy:
    """A remedy for the build of a framework that is there, so that no second one comes beside."""
    for each in frameworks():
        if each.cpu and remedy.kind is RemedyKind.INSTALL and known.named(each.name) == (each.cpu,):
            plain = rf"(?<![\w-]){re.escape(each.name)}(?![\w-])"
            return replace(remedy, text=re.sub(plain, each.cpu, remedy.text))
    return remedy


def _asked(verdict: Verdict) -> Iterator[tuple[str, str]]:
    for demand, condition in verdict.case.demands:
        wanted = complement(condition.specifier) if demand is Demand.REFUSE else condition.specifier
        offending = verdict.offenders.intersection(families().members(condition.package))
        if wanted is not None:
            yield from ((name, str(wanted)) for name in sorted(offending))
