"""`envlock bisect`: which few version changes between two sets of pins break something."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.bisect.closing import closed, other_python
from envlock.bisect.ddmin import Reduction, Verdict, flip
from envlock.bisect.differences import (
    Changes,
    Pins,
    Side,
    Ties,
    applied,
    differences,
    likely,
    owners_in_frames,
    ranked,
    spoken_of,
    ties,
)
from envlock.bisect.draft import DraftFacts, draft
from envlock.bisect.failures import Failure, verdict
from envlock.bisect.pinsets import PinSet, read_pin_set
from envlock.bisect.trials import Bench, GateJudge, Judge, Trial, bench
from envlock.changes import Action, Plan, Step
from envlock.errors import InstallFailure, ProblemFound, UsageError
from envlock.examine.gathered import Given
from envlock.index.filenames import releases
from envlock.index.pages import Index
from envlock.locking.outputs import try_new
from envlock.model import IndexSettings
from envlock.probes import PROBES
from envlock.progress import Progress
from envlock.rules.frameworks import families
from envlock.rules.schema import Document
from envlock.rules.tables import render
from envlock.system import write_texts
from envlock.targets.description import Interpreter, target
from envlock.targets.interpreters import find_interpreter, find_version
from envlock.targets.tags import fits


class BisectOrder(Struct, frozen=True, kw_only=True):
    """Two sets of pins, and what tells them apart.

    ``python`` is a version or a path; None takes the one that the sets are
    for. ``narrow`` goes on to the release that a culprit begins to fail with.
    ``output`` is a new file for the draft of a rule.
    """

    good: Path
    bad: Path
    judge: Judge
    settings: IndexSettings
    today: date
    python: str | None = None
    narrow: bool = False
    output: Path | None = None


def bisect(order: BisectOrder, progress: Progress) -> Bisected:
    """Find the smallest set of changes that fails as the bad set does, by trying.

    Raises:
        ProblemFound: the sets are equal, the good one fails, or the bad one works.
        UsageError: a set cannot be read, or the two are for different Pythons.
        WorkError: network, disk, interpreter or installer failed.
    """
    start = time.monotonic()
    try_new("-o", order.output, progress)
    good, bad, interpreter = _read(order, progress)
    changes = differences(good.pins, bad.pins)
    if not changes:
        raise ProblemFound(
            f"{order.good} and {order.bad} pin the same versions: there is nothing to find"
        )
    order = replace(order, judge=_of_sets(order.judge, good, bad))
    _refuse_nothing_to_judge(order, {**good.pins, **bad.pins})
    with bench(interpreter, order.settings, order.judge, progress) as there:
        work = _Work(order=order, bench=there, good=good, bad=bad, changes=changes)
        culprits = work.search()
        narrowed = work.narrow(culprits) if order.narrow else ()
        rule = work.rule(culprits, narrowed)
        if order.output is not None:
            write_texts({order.output: render(rule)}, users=True)
        return Bisected(
            good=order.good,
            bad=order.bad,
            python=interpreter.version,
            differing=changes,
            culprits=culprits,
            companions=work.together.companions(culprits),
            narrowed=narrowed,
            failure=work.wanted,
            trials=tuple(map(work.told, there.trials)),
            rule=rule,
            seconds=round(time.monotonic() - start, 1),
        )


def _read(order: BisectOrder, progress: Progress) -> tuple[PinSet, PinSet, Interpreter]:
    told = [read_pin_set(each).python for each in (order.good, order.bad)]
    pythons = list(dict.fromkeys(filter(None, told)))
    if order.python is None and len(pythons) > 1:
        raise UsageError(
            f"{order.good} is for Python {pythons[0]} and {order.bad} for {pythons[1]}: both are"
            " tried with one Python, so that only packages differ",
            *(f"--python {each}" for each in pythons),
        )
    if order.python or not pythons:
        interpreter = find_interpreter(order.python)
    else:
        interpreter = find_version(pythons[0], str(order.good if told[0] else order.bad))
    given = Given(python=interpreter.version, platform=interpreter.platform)
    sets = [read_pin_set(each, given) for each in (order.good, order.bad)]
    for note in dict.fromkeys(note for each in sets for note in each.notes):
        progress.note(note)
    good, bad = closed(tuple(sets), interpreter, order.settings, progress)
    return good, bad, interpreter


def _of_sets(judge: Judge, good: PinSet, bad: PinSet) -> Judge:
    """The judge with the imports of what the sets were asked for, where none was named."""
    if isinstance(judge, GateJudge) and not judge.imports:
        return replace(judge, imports=sorted(good.asked | bad.asked))
    return judge


def _refuse_nothing_to_judge(order: BisectOrder, pins: Pins) -> None:
    if not isinstance(order.judge, GateJudge) or order.judge.imports:
        return
    packages = {each.package for probe in PROBES.values() for each in probe.levels}
    known = (families().members(canonicalize_name(each)) for each in packages)
    if pins.keys().isdisjoint(chain.from_iterable(known)):
        raise UsageError(
            "neither set has TensorFlow or h5py, so the probes have nothing to try",
            "--run COMMAND",
            "--probe FILE",
        )


class _Work:
    """The search; what it has learned of both ends is set by `search`."""

    wanted: Failure
    side: Side
    together: Ties
    frames: tuple[NormalizedName, ...] = ()

    def __init__(
        self,
        *,
        order: BisectOrder,
        bench: Bench,
        good: PinSet,
        bad: PinSet,
        changes: tuple[Step, ...],
    ) -> None:
        self.order = order
        self.bench = bench
        self.good = good
        self.bad = bad
        self.changes = changes

    def search(self) -> tuple[Step, ...]:
        """Check both ends and find the smallest set of changes between them."""
        good = self._end(self.good, "good")
        if good.failures:
            raise ProblemFound(
                f"{self.good.origin} was given as good and does not pass: {good.failures[0]}",
                f"envlock diagnose {shlex.quote(self.good.origin)}",
            )
        self.side = self.bench.side(self.good.pins)
        bad = self._end(self.bad, "bad")
        if not bad.failures:
            raise ProblemFound(
                f"{self.bad.origin} was given as bad and passes, with Python"
                f" {self.bench.interpreter.version}: there is nothing to find"
            )
        self.wanted = bad.failures[0]
        self.frames = owners_in_frames(self.wanted.text, self.bench.files())
        spoken = spoken_of(self.wanted.text, (each.package for each in self.changes))
        named = tuple(dict.fromkeys((*self.frames, *spoken)))
        sides = (self.side, self.bench.side(self.bad.pins))
        self.together = ties(self.changes, *sides)
        order = ranked(self.changes, named, sides)
        found = Reduction(order, self._test).smallest(
            likely(order, named, self.together), self.together.close
        )
        return tuple(sorted(found, key=lambda step: step.package))

    def _end(self, pins: PinSet, which: str) -> Trial:
        trial = self.bench.test(pins.pins, f"{pins.origin}, the {which} set")
        if not trial.built:
            why = trial.failures[0].message
            other = other_python(pins.pins, self.bench.interpreter, self.order.settings)
            raise InstallFailure(
                f"{pins.origin}, the {which} set, cannot be built: {why}",
                *([f"--python {other}"] if other else []),
            )
        return trial

    def _test(self, some: Changes) -> Verdict:
        trial = self.bench.test(applied(self.good.pins, some), title(some))
        return verdict(trial.failures, self.wanted)

    def narrow(self, culprits: Sequence[Step]) -> tuple[Flip, ...]:
        """Move the ends of each culprit together, the others being as they fail."""
        failing = {each.package: each for each in culprits}
        found: list[Flip] = []
        for culprit in culprits:
            if culprit.action in {Action.UPGRADE, Action.DOWNGRADE}:
                others = frozenset(failing.values()) - {failing[culprit.package]}
                found.append(self._narrowed(culprit, others))
                failing[culprit.package] = replace(culprit, after=found[-1].step.after)
        return tuple(found)

    def _narrowed(self, culprit: Step, others: Changes) -> Flip:
        def test(version: Version) -> Verdict:
            return self._test(others | {replace(culprit, after=version)})

        before, after, between = flip(self._releases(culprit), test)
        return Flip(step=replace(culprit, before=before, after=after), between=between)

    def _releases(self, culprit: Step) -> list[Version]:
        """The releases from the good version to the bad one that this Python takes."""
        before, after = culprit.before, culprit.after
        assert before is not None  # noqa: S101  (narrow asked)
        assert after is not None  # noqa: S101  (as above)
        goal = target(self.bench.interpreter)
        index = Index(self.order.settings, progress=self.bench.progress)
        low, high = sorted((before, after))
        early = before.is_prerelease or after.is_prerelease
        between = [
            version
            for version, files in releases(index.files(culprit.package)).items()
            if low < version < high
            and (early or not version.is_prerelease)
            and any(file.yanked is None and fits(file, goal) for file in files)
        ]
        return [before, *sorted(between, reverse=before > after), after]

    def told(self, trial: Trial) -> Told:
        """A trial with what it changed of the good set."""
        found = verdict(trial.failures, self.wanted)
        return Told(changed=differences(self.good.pins, trial.pins), verdict=found, trial=trial)

    def rule(self, culprits: Sequence[Step], narrowed: Sequence[Flip]) -> Document:
        """The draft of a rule about these culprits."""
        companions = self.together.companions(culprits)
        closer = {each.step.package: each.step for each in narrowed}
        known = {each.name: each for probe in PROBES.values() for each in probe.levels}
        level = known.get(self.wanted.level)
        return draft(
            DraftFacts(
                culprits=[closer.get(e.package, e) for e in culprits if e not in companions],
                companions=companions,
                between={e.step.package: e.between for e in narrowed} if narrowed else None,
                failure=self.wanted,
                good=self.side,
                victim=self._victim(culprits, "" if level is None else level.package),
                breaks=level is None or level.in_default_gate,
                python=self.bench.interpreter.version,
                platform=self.bench.interpreter.platform,
                today=self.order.today,
            )
        )

    def _victim(self, culprits: Iterable[Step], package: str) -> NormalizedName | None:
        """The package that fails: of a level its own, else the one the traceback ends in."""
        moved = {each.package for each in culprits}
        kin = {families().family_of(name) for name in moved} - {None}
        members = families().members(canonicalize_name(package)) if package else ()
        for name in (*members, *self.frames):
            other = name in self.good.pins and name not in moved
            if other and families().family_of(name) not in kin:
                return name
        return None


_SHOWN = 3  # changes that the title of a trial names


class Told(Struct, frozen=True, kw_only=True):
    """A trial as it is told: what was changed of the good set, and what came of it."""

    changed: tuple[Step, ...]
    verdict: Verdict
    trial: Trial


class Flip(Struct, frozen=True, kw_only=True):
    """A change from one release to the next one that fails; ``between`` are unresolved."""

    step: Step
    between: tuple[Version, ...]


class Bisected(Struct, frozen=True, kw_only=True):
    """The changes that fail together and none of which can be left out.

    ``differing`` are all changes between the sets, ``companions`` those
    culprits that come only because another one needs them. ``narrowed`` are
    the other culprits from the last release that works to the first that does
    not, with the unresolved ones between the two; empty unless asked for.
    ``seconds`` are those of all.
    """

    good: Path
    bad: Path
    python: Version
    differing: tuple[Step, ...]
    culprits: tuple[Step, ...]
    companions: tuple[Step, ...]
    narrowed: tuple[Flip, ...]
    failure: Failure
    trials: tuple[Told, ...]
    seconds: float
    rule: Document


def title(some: Iterable[Step]) -> str:
    """Changes in a line, the first few by name."""
    steps = sorted(some, key=lambda step: step.package)
    shown = str(Plan(steps=tuple(steps[:_SHOWN])))
    return shown if len(steps) <= _SHOWN else f"{shown} and {len(steps) - _SHOWN} more"
