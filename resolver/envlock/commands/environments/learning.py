"""What a failed proof teaches, and the lock that is made anew with it.

The failure is explained as `envlock diagnose` does, with the environment
beside it. What a finding says would cure it is a rule for this lock: drafted
as `envlock bisect` drafts one, so that it is told, locked and kept alike. It
holds in the proof that comes next, or it was nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import report
from envlock.bisect.differences import Side, differences
from envlock.bisect.draft import DraftFacts, draft
from envlock.bisect.failures import Failure, failures
from envlock.bisect.trials import declared_in
from envlock.changes import Plan, Step
from envlock.commands.environments.building import part_of, pins_in
from envlock.commands.environments.calendar import Calendar, owners
from envlock.commands.environments.explained import ExplainedFailure, Explanation
from envlock.diagnose.dated import of_another_day
from envlock.diagnose.lessons import Lesson, Packages, lessons
from envlock.errors import IndexFailure, NoResolution
from envlock.locking.job import Job, Locked
from envlock.locking.make import make_lock
from envlock.model import Rule
from envlock.outcomes import IMPORTS
from envlock.probes import PROBES
from envlock.progress import Progress
from envlock.rules.frameworks import families
from envlock.rules.schema import Document, read_rule
from envlock.targets.interpreters import find_interpreter
from envlock.versions import meet

#: How often a lock is made anew: what takes more is nothing that a bound cures.
ROUNDS = 3


class Learnt(Struct, frozen=True, kw_only=True):
    """One thing that a failure taught, as a rule, with what the rule was drafted from."""

    lesson: Lesson
    facts: DraftFacts
    document: Document
    rule: Rule

    def __str__(self) -> str:
        """What is needed by whom, and what says so."""
        finding = self.lesson.finding
        return f"{self._who} {self.lesson} ({finding.id}: {finding.title})"

    @property
    def _who(self) -> str:
        victim = self.facts.victim
        return "it needs" if victim is None else f"{victim} {self.facts.good.pins[victim]} needs"


class Round(Struct, frozen=True, kw_only=True):
    """A proof that failed, what it taught, and what was changed for that."""

    number: int
    learnt: tuple[Learnt, ...]
    before: Packages
    steps: tuple[Step, ...]

    def rows(self) -> Iterator[report.Row]:
        """The round in lines."""
        yield from (("failed", str(each.facts.failure)) for each in self.learnt)
        yield from (("learnt", str(each)) for each in self.learnt)
        yield "changed", str(Plan(steps=self.steps))


class Learning(Struct, kw_only=True):
    """A lock that is made anew as long as proofs teach something, with what they taught.

    ``refused`` are remedies that no lock can be made with.
    """

    job: Job
    progress: Progress
    rounds: list[Round] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All that was learnt, as rules."""
        return tuple(each.rule for one in self.rounds for each in one.learnt)

    def again(self, why: Explanation | None, locked: Locked) -> Locked | None:
        """Return the lock with what the failures taught; None where that is nothing.

        What cannot be met is told, and the next way is tried.

        Raises:
            WorkError: the engine or an interpreter failed.
        """
        if why is None or len(self.rounds) >= ROUNDS:
            return None
        found: list[Learnt] = []
        lock = locked
        for failed in why.failures:
            for learnt in self._taught(failed, why):
                if any(each.rule.id == learnt.rule.id for each in found):
                    break
                if (made := self._made(lock, (*found, learnt))) is not None:
                    lock = made
                    found.append(learnt)
                    break
                self.refused.add(learnt.lesson.remedy.text)
        if not found:
            return None
        before, after = self._pins(locked), self._pins(lock)
        one = Round(
            number=len(self.rounds) + 1,
            learnt=tuple(found),
            before=before,
            steps=differences(before, after),
        )
        self.rounds.append(one)
        rows = report.rows_text([*one.rows()])
        said = f"round {one.number} of {ROUNDS} at the most: the proof failed, and taught something"
        self.progress.note(f"{said}\n{rows}")
        return lock

    def _taught(self, failed: ExplainedFailure, why: Explanation) -> Iterator[Learnt]:
        """What a failure teaches, the best way first, as far as the request leaves room."""
        for lesson in self._lessons(failed, why):
            if not _is_open(lesson, self.job):
                self.refused.add(lesson.remedy.text)
            else:
                facts = _facts(failed, lesson, why)
                document = draft(facts)
                rule = read_rule(document, source="what a proof taught")
                yield Learnt(lesson=lesson, facts=facts, document=document, rule=rule)

    def _lessons(self, failed: ExplainedFailure, why: Explanation) -> Iterator[Lesson]:
        """What is known of a failure, and where that is nothing what the days of releases say."""
        packages = why.examined.packages
        known = tuple(lessons(failed.findings, failed.text, packages))
        yield from known
        if known or self.job.subdirs:
            return
        days = Calendar(self.job, self.progress)
        dated = of_another_day(failed.text, owners(why.python), packages, days)
        yield from lessons([dated] if dated else [], failed.text, packages)

    def _made(self, locked: Locked, learnt: Sequence[Learnt]) -> Locked | None:
        """The lock with some rules more; None where none can be, or they change nothing."""
        rules = (*self.rules, *(each.rule for each in learnt))
        job = replace(self.job, learnt=rules, near=locked.lock)
        try:
            made = make_lock(job, self.progress, hashed=True)
        except (NoResolution, IndexFailure) as error:
            first = error.message.partition("\n")[0]
            self.progress.note(f"{learnt[-1]}: no lock can be made with that: {first}")
            return None
        same = self._pins(made) == self._pins(locked)
        return None if same else replace(made, before=locked.before)

    def drafts(self, python: Path, locked: Locked) -> tuple[Document, ...]:
        """What was learnt as drafts of rules, now that the environment of a lock passes."""
        if not self.rounds:
            return ()
        requires = declared_in(python, find_interpreter(str(python)).markers)
        side = Side(pins=self._pins(locked), requires=requires)
        return tuple(
            draft(_seen(each.facts, one.before, side)) for one in self.rounds for each in one.learnt
        )

    def _pins(self, locked: Locked) -> dict[NormalizedName, Version]:
        """The projects of PyPI that are installed of a lock, whoever installs them."""
        return pins_in(part_of(locked.lock))


def _is_open(lesson: Lesson, job: Job) -> bool:
    """Whether what was asked for leaves a version; what does not is no question for an engine."""
    request = job.request
    for each in (*request.requirements, *request.bounds, *request.pip_constraints):
        wish = each.requirement
        bound = lesson.bounds.get(canonicalize_name(wish.name))
        if bound is not None and not meet(bound, wish.specifier):
            return False
    return True


def _facts(failed: ExplainedFailure, lesson: Lesson, why: Explanation) -> DraftFacts:
    """What is known before the proof that comes next: what fails, and with what."""
    examined = why.examined
    assert examined.python is not None  # noqa: S101  (it was proved by it)
    assert examined.platform is not None  # noqa: S101  (as above)
    (failure,) = failures((failed.outcome,), (failed.outcome.level,))
    there = examined.packages
    because = "what is not met"
    return DraftFacts(
        culprits=[
            Step(package=name, before=None, after=there.get(name), because=because)
            for name in lesson.bounds
        ],
        between=None,
        failure=failure,
        good=Side(pins=there, requires={}),
        victim=_victim(failure, lesson, there),
        breaks=True,
        python=examined.python,
        platform=examined.platform,
        today=datetime.now(UTC).date(),
        bounds=lesson.bounds,
        why=lesson.finding.because,
    )


def _seen(facts: DraftFacts, before: Packages, good: Side) -> DraftFacts:
    """The same facts with what was seen to work in the end."""
    steps = {each.package: each for each in differences(good.pins, before)}
    known = [each.package for each in facts.culprits]
    culprits = [replace(each, before=good.pins.get(each.package)) for each in facts.culprits]
    besides = [each for name, each in steps.items() if name not in known]
    victim = facts.victim if facts.victim in good.pins else None
    return replace(facts, culprits=culprits, besides=besides, good=good, victim=victim)


def _victim(failure: Failure, lesson: Lesson, there: Packages) -> NormalizedName | None:
    """The package that needs something else: of an import its own, else one that was named."""
    own: tuple[NormalizedName, ...] = ()
    if failure.level.startswith(IMPORTS):
        own = (canonicalize_name(failure.level.removeprefix(IMPORTS)),)
    named = [*lesson.finding.packages]
    if not own or own[0] not in named:
        own = (*named, *own, *_of_level(failure.level))
    kin = {families().family_of(name) or name for name in lesson.bounds}
    fit = (n for n in own if n in there and (families().family_of(n) or n) not in kin)
    return next(fit, None)


def _of_level(level: str) -> Sequence[NormalizedName]:
    """The distributions that a level of a probe is about."""
    known = {each.name: each.package for probe in PROBES.values() for each in probe.levels}
    return families().members(canonicalize_name(known[level])) if level in known else ()


def rounds_data(rounds: Sequence[Round], drafts: Sequence[Document]) -> list[dict[str, Any]]:
    """Rounds as JSON; a rule is told of what then passed alone."""
    rules: Mapping[str, Document] = {each["id"]: each for each in drafts}
    return [
        {
            "round": one.number,
            "failures": [_failure_data(each.facts.failure) for each in one.learnt],
            "learnt": [
                {
                    "bounds": {name: str(bound) for name, bound in each.lesson.bounds.items()},
                    "finding": each.lesson.finding.id,
                    "because": each.rule.because,
                    "rule": rules.get(each.rule.id),
                }
                for each in one.learnt
            ],
            "changed": [
                {
                    "package": step.package,
                    "before": None if step.before is None else str(step.before),
                    "after": None if step.after is None else str(step.after),
                }
                for step in one.steps
            ],
        }
        for one in rounds
    ]


def _failure_data(failure: Failure) -> dict[str, str]:
    return {"level": failure.level, "error": failure.error, "message": failure.message}
