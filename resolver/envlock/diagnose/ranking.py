"""Findings in the order of what matters, consequences under their cause. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from envlock.declared import CONFLICT, MISSING
from envlock.diagnose.symptoms import Symptom
from envlock.diagnose.verdict import Verdict
from envlock.findings import Finding
from envlock.model import Demand, Severity, Stage
from envlock.rules.check import Truth
from envlock.rules.frameworks import families
from envlock.versions import complement, is_within

_SEVERITIES = (Severity.BREAKS, Severity.DEGRADES, Severity.DECLARED)


class Support(IntEnum):
    """What shows a finding, the best first: a text was written by what went wrong."""

    TEXT_AND_VERSIONS = 0
    TEXT_AND_CONDITIONS = 1
    TEXT = 2
    VERSIONS = 3


class Candidate(Struct, frozen=True, kw_only=True):
    """A finding with what it was made from: the verdict of the versions, the symptom, or both."""

    finding: Finding
    verdict: Verdict | None = None
    symptom: Symptom | None = None

    @property
    def support(self) -> Support:
        """What shows it."""
        if self.symptom is None:
            return Support.VERSIONS
        if self.verdict is None or not self.verdict.packages:
            return Support.TEXT
        if self.verdict.truth >= Truth.LIKELY:
            return Support.TEXT_AND_VERSIONS
        likely = self.verdict.applies >= Truth.LIKELY
        return Support.TEXT_AND_CONDITIONS if likely else Support.TEXT

    def rank(self) -> tuple[int | str, ...]:
        """What candidates are sorted by, the root cause first."""
        stage = list(Stage).index(self.finding.stage) if self.finding.stage else len(Stage)
        return (
            self.support,
            _SEVERITIES.index(self.finding.severity),
            -self.symptom.letters if self.symptom else 0,
            self._breadth(),
            self.symptom.end if self.symptom else 0,
            stage,
            self.finding.id,
        )

    def _breadth(self) -> int:
        """How little the conditions say: no packages, open ranges, or bounded ones."""
        if self.verdict is None or not self.verdict.packages:
            return 2
        tight = (
            len(each.specifier) > 1 or "==" in str(each.specifier)
            for each in self.verdict.case.when
        )
        return 0 if any(tight) else 1


def ranked(candidates: Iterable[Candidate]) -> tuple[Finding, ...]:
    """Return the findings, the root cause first, each with those that go away with it."""
    roots: list[tuple[Candidate, list[Finding]]] = []
    for candidate in sorted(candidates, key=Candidate.rank):
        owner = next((under for root, under in roots if _cures(root, candidate)), None)
        if owner is None:
            roots.append((candidate, []))
        else:
            owner.append(candidate.finding)
    return tuple(replace(root.finding, consequences=tuple(under)) for root, under in roots)


def _cures(root: Candidate, other: Candidate) -> bool:
    """Whether what cures the one cures the other, which no text shows by itself."""
    if other.symptom is not None or root.finding.severity is Severity.DECLARED:
        return _same_fact(root, other)
    if _same_fact(root, other):
        return True
    if root.verdict is None or other.verdict is None:
        return False
    cured, wanted = _ranges(root.verdict), _ranges(other.verdict)
    return bool(wanted) and all(
        name in cured and name in wanted and is_within(cured[name], wanted[name])
        for name in other.verdict.offenders
    )


def _same_fact(root: Candidate, other: Candidate) -> bool:
    """Whether a declared conflict is about the packages that a rule is about."""
    return other.finding.id in {CONFLICT, MISSING} and (
        set(other.finding.packages) <= set(root.finding.packages)
    )


def _ranges(verdict: Verdict) -> dict[NormalizedName, SpecifierSet]:
    """What the case asks of each offender."""
    found: dict[NormalizedName, SpecifierSet] = {}
    for demand, condition in verdict.case.demands:
        wanted = complement(condition.specifier) if demand is Demand.REFUSE else condition.specifier
        for name in verdict.offenders.intersection(families().members(condition.package)):
            if wanted is not None:
                found[name] = wanted
    return found
