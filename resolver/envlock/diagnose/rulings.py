"""One rule, the versions and the text → a finding, or none; findings in the order that matters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from functools import cache

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.findings import CONFLICT, MISSING, Finding
from envlock.model import Case, Condition, Demand, Remedy, RemedyKind, Rule, Severity, Stage
from envlock.rules.check import Known, Truth, conditions
from envlock.rules.frameworks import families, frameworks
from envlock.rules.messages import Folded
from envlock.rules.patterns import needs
from envlock.rules.schema import demands
from envlock.rules.shown import place
from envlock.rules.traces import Raised
from envlock.versions import complement, is_within

_WIDTH = 200  # characters of a line that are quoted

_BEHIND = 80  # of them behind where it was found, where that is far from the beginning


class Symptom(Struct, frozen=True, kw_only=True):
    """Where a rule's pattern or message was found.

    It is between ``start`` and ``end`` in the text; ``letters`` is how much it
    spells out, ``line`` what is quoted as evidence, ``whole`` tells that it is
    a message, whose lines are all about it.
    """

    start: int
    end: int
    letters: int
    line: str
    whole: bool = False

    def meets(self, other: Symptom) -> bool:
        """Tell whether two stand in the same lines."""
        return self.start < other.end and other.start < self.end


def symptom_of(text: str, one: Raised, letters: int) -> Symptom:
    """Return the first line of an exception as what shows a finding that a law makes of it."""
    end = text.find("\n", one.at)
    return Symptom(
        start=one.at,
        end=len(text) if end < 0 else end,
        letters=letters,
        line=quoted(text, one.at),
    )


def shown_by(text: str, rules: Iterable[Rule]) -> dict[str, Symptom]:
    """Return the rules of which a symptom is in the text, by id, with the most specific one."""
    if not text:
        return {}
    flat = " ".join(text.split())
    there = cache(flat.__contains__)
    folded = Folded(text)
    found: dict[str, Symptom] = {}
    for rule in rules:
        matches = [_match(text, each, rule) for each in rule.symptoms if needs(each).are_in(there)]
        matches += [_message(text, folded, each) for each in rule.messages]
        best = max(filter(None, matches), key=lambda m: (m.letters, -m.end), default=None)
        if best is not None:
            found[rule.id] = best
    return found


def _match(text: str, pattern: str, rule: Rule) -> Symptom | None:
    match = place(text, pattern, rule)
    if match is None:
        return None
    line = quoted(text, match.end() - 1)
    letters = needs(pattern).letters
    return Symptom(start=match.start(), end=match.end(), letters=letters, line=line)


def _message(text: str, folded: Folded, message: str) -> Symptom | None:
    found = folded.find(message)
    if found is None:
        return None
    return Symptom(
        start=found.start,
        end=found.end,
        letters=found.letters,
        line=quoted(text, found.start),
        whole=True,
    )


def quoted(text: str, at: int) -> str:
    """Return the line around a place, cut to what a reader takes in."""
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line = text[start : len(text) if end < 0 else end].rstrip()
    line, at = line.lstrip(), at - start - (len(line) - len(line.lstrip()))
    if len(line) <= _WIDTH:
        return line
    if at < _WIDTH - 1:
        return f"{line[: _WIDTH - 1]}…"
    after = min(len(line), at + _BEHIND)
    return f"…{line[after - _WIDTH + 2 : after]}{'…' * (after < len(line))}"


class Standing(Struct, frozen=True, kw_only=True):
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


def judge(rule: Rule, known: Known) -> Standing:
    """Return the verdict of the case that is the most broken, with what all such cases name."""
    verdicts = [_case(case, known) for case in rule.cases]
    worst = max(verdicts, key=lambda each: (each.truth, each.judged))
    alike = [each for each in verdicts if each.truth is worst.truth and each.judged is worst.judged]
    if worst.truth < Truth.LIKELY:
        return worst
    return Standing(
        truth=worst.truth,
        applies=worst.applies,
        judged=worst.judged,
        case=worst.case,
        offenders=frozenset().union(*(each.offenders for each in alike)),
        packages={name: v for each in alike for name, v in each.packages.items()},
    )


def _case(case: Case, known: Known) -> Standing:
    applies = known.applies(case)
    broken = [(known.broken(*each), _spoken_of(each[1], known)) for each in case.demands]
    unset = known.situation.unset(case)
    if case.alone is not None:
        broken.append((known.crowded(case), known.named(case.alone) or (case.alone,)))
    worst = max(
        (*(each for each, _ in broken), *([unset] if case.settings else ())), default=applies
    )
    offending = [name for each, names in broken if each is worst for name in names]
    about = [*(name for each in case.when for name in _spoken_of(each, known)), *offending]
    return Standing(
        truth=min(applies, worst),
        applies=applies,
        judged=demands(case),
        case=case,
        offenders=frozenset(offending),
        packages={name: known.versions.get(name) for name in about},
    )


def _spoken_of(condition: Condition, known: Known) -> tuple[NormalizedName, ...]:
    """The packages that a condition is about, a family by the members that are there."""
    return known.meant(condition) or (condition.package,)


_SEVERITIES = (Severity.BREAKS, Severity.DEGRADES, Severity.DECLARED)


class Support(IntEnum):
    """What shows a finding, the best first: a text was written by what went wrong."""

    TEXT_AND_VERSIONS = 0
    TEXT_AND_CONDITIONS = 1
    TEXT = 2
    VERSIONS = 3


class Ruling(Struct, frozen=True, kw_only=True):
    """A finding with what it was made from: the verdict of the versions, the symptom, or both."""

    finding: Finding
    verdict: Standing | None = None
    symptom: Symptom | None = None
    told: Support | None = None
    aside: bool = False
    rule: Rule | None = None

    @property
    def general(self) -> bool:
        """Whether it is told only where nothing more particular explains the text."""
        return self.rule is not None and self.rule.general

    @property
    def support(self) -> Support:
        """What shows it."""
        if self.symptom is None:
            return Support.VERSIONS
        if self.told is not None:
            return self.told
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
            self.aside,
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
            for each in conditions(self.verdict.case)
        )
        return 0 if any(tight) else 1


def ranked(candidates: Iterable[Ruling]) -> tuple[Finding, ...]:
    """Return the findings, the root cause first, each with those that go away with it."""
    roots: list[tuple[Ruling, list[Finding]]] = []
    for candidate in sorted(_most_exact(list(candidates)), key=Ruling.rank):
        owner = next((under for root, under in roots if _cures(root, candidate)), None)
        if owner is None:
            roots.append((candidate, []))
        else:
            owner.append(candidate.finding)
    return tuple(replace(root.finding, consequences=tuple(under)) for root, under in roots)


def _most_exact(candidates: Sequence[Ruling]) -> Iterator[Ruling]:
    """Those that stay when, of several for the same lines, one spells out more of them.

    A message that is part of a longer one is not what was meant; a rule whose
    versions nobody told leaves it standing.
    """
    particular = [each for each in candidates if each.symptom and not each.general]
    candidates = [
        each
        for each in candidates
        if not each.general or not any(_explains(other, each) for other in particular)
    ]
    shown = [
        each.symptom
        for each in candidates
        if each.symptom is not None
        and (each.symptom.whole or each.verdict is None or each.verdict.truth >= Truth.LIKELY)
    ]
    for each in candidates:
        own = each.symptom
        if own is None or not own.whole or not any(_within(own, other) for other in shown):
            yield each


def _explains(particular: Ruling, general: Ruling) -> bool:
    """Whether a particular explanation stands where a general one does, or near by.

    What a log says of the GPU stands near everything.
    """
    own, other = particular.symptom, general.symptom
    if own is None or other is None:
        return False
    gpu = particular.finding.stage is Stage.GPU and general.finding.stage is not Stage.GPU
    apart = max(own.start - other.end, other.start - own.end)
    return apart < (0 if gpu else _NEAR)


def _within(own: Symptom, other: Symptom) -> bool:
    """Whether a message stands in the lines of something that spells out more."""
    return own.meets(other) and other.letters > own.letters


def is_told(symptom: Symptom, others: Iterable[Ruling]) -> bool:
    """Tell whether something particular among others explains the same lines already."""
    near = (each.symptom for each in others if each.symptom is not None and not each.general)
    return any(each.meets(symptom) for each in near)


def _cures(root: Ruling, other: Ruling) -> bool:
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


def _same_fact(root: Ruling, other: Ruling) -> bool:
    """Whether a declared conflict is about the packages that a rule is about."""
    return other.finding.id in {CONFLICT, MISSING} and (
        set(other.finding.packages) <= set(root.finding.packages)
    )


def _ranges(verdict: Standing) -> dict[NormalizedName, SpecifierSet]:
    """What the case asks of each offender."""
    found: dict[NormalizedName, SpecifierSet] = {}
    for demand, condition in verdict.case.demands:
        wanted = complement(condition.specifier) if demand is Demand.REFUSE else condition.specifier
        for name in verdict.offenders.intersection(families().meant(condition)):
            if wanted is not None:
                found[name] = wanted
    return found


_BY_VERSIONS = {Truth.YES: 0.9, Truth.LIKELY: 0.5}

_BY_BOTH = {Truth.YES: 0.99, Truth.LIKELY: 0.9, Truth.MAYBE: 0.7}

_BY_TEXT = 0.85  # the rule names no versions, or those that are known are as it says

_ELSEWHERE = 0.5  # by the text, of a release that is not known to say so

_NEAR = 3000  # characters between what is said of one error

_VAGUE = 16  # letters: a pattern with fewer is met by chance

_VAGUE_SHARE = 0.7


def candidate(rule: Rule, known: Known, symptom: Symptom | None) -> Ruling | None:
    """Return what a rule says of an environment and a text.

    Without a symptom the versions have to break it; with one they only have
    to leave it possible.
    """
    verdict = judge(rule, known)
    if verdict.truth is Truth.NO or (symptom is None and not _told_by_versions(verdict)):
        return None
    if rule.certain and verdict.applies < Truth.LIKELY:
        return None
    finding = Finding(
        id=rule.id,
        title=rule.title,
        severity=rule.severity,
        because=rule.because,
        packages=verdict.packages,
        cause=rule.cause,
        releases=rule.releases,
        stage=rule.stage,
        aliases=rule.aliases,
        confidence=_confidence(rule, known, verdict, symptom),
        remedies=tuple(_remedies(rule, verdict, known)),
        sources=_links(rule),
        evidence=symptom.line if symptom else "",
    )
    return Ruling(finding=finding, verdict=verdict, symptom=symptom, rule=rule)


def breaks(rule: Rule, known: Known) -> bool:
    """Tell whether versions alone show that a rule is broken, quickly."""
    return any(
        known.applies(case) is Truth.YES
        and (
            any(known.broken(*each) >= Truth.LIKELY for each in case.demands)
            or (case.alone is not None and known.crowded(case) >= Truth.LIKELY)
            or known.situation.unset(case) >= Truth.LIKELY
        )
        for case in rule.cases
    )


def _told_by_versions(verdict: Standing) -> bool:
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


def _confidence(rule: Rule, known: Known, verdict: Standing, symptom: Symptom | None) -> float:
    if symptom is None:
        return _BY_VERSIONS[verdict.truth]
    if rule.releases and max(map(known.holds, rule.releases)) is Truth.NO:
        return _ELSEWHERE
    certain = _BY_BOTH[verdict.truth] if verdict.packages else _BY_TEXT
    if verdict.case.when and verdict.applies >= Truth.LIKELY:
        certain = max(certain, _BY_TEXT)
    return round(certain * _VAGUE_SHARE, 2) if symptom.letters < _VAGUE else certain


def _remedies(rule: Rule, verdict: Standing, known: Known) -> Iterator[Remedy]:
    """The rule's own, after what its case asks for where they do not name the package."""
    named = " ".join(
        each.text for each in rule.remedies if each.kind in {RemedyKind.INSTALL, RemedyKind.COMMAND}
    )
    if verdict.judged and max(verdict.truth, verdict.applies) >= Truth.LIKELY:
        asked = [f"{name}{wanted}" for name, wanted in _asked(verdict) if name not in named]
        if asked:
            yield Remedy(kind=RemedyKind.INSTALL, text=" ".join(asked))
        own = {each.text for each in rule.remedies}
        settings = (f"{name}={value}" for name, value in verdict.case.settings.items())
        unset = known.situation.unset(verdict.case) is not Truth.NO
        yield from (
            Remedy(kind=RemedyKind.SETTING, text=each)
            for each in settings
            if unset and each not in own
        )
    yield from (_for_build(remedy, rule, known) for remedy in rule.remedies)


def installs_of(rule: Rule, verdict: Standing, known: Known) -> Iterator[Remedy]:
    """Yield the changes of versions that end what a rule says."""
    for each in _remedies(rule, verdict, known):
        if each.kind is RemedyKind.INSTALL:
            yield each


def _for_build(remedy: Remedy, rule: Rule, known: Known) -> Remedy:
    """A remedy for the build of a framework that is there, so that no second one comes beside.

    A rule that is about that build alone says itself which one to take.
    """
    if remedy.kind is not RemedyKind.INSTALL:
        return remedy
    blamed = {condition.package for case in rule.cases for _, condition in case.demands}
    for each in frameworks():
        there = known.named(each.name)
        other = len(there) == 1 and there[0] != each.name and there[0] in each.recorded
        if other and there[0] not in blamed:
            plain = rf"(?<![\w-]){re.escape(each.name)}(?![\w-])"
            return replace(remedy, text=re.sub(plain, there[0], remedy.text))
    return remedy


def _asked(verdict: Standing) -> Iterator[tuple[str, str]]:
    for demand, condition in verdict.case.demands:
        wanted = complement(condition.specifier) if demand is Demand.REFUSE else condition.specifier
        offending = verdict.offenders.intersection(families().meant(condition))
        if wanted is not None:
            yield from ((name, str(wanted)) for name in sorted(offending))
