"""The pins of one platform where pip installs all of it: from evidence, or solved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, partial

from msgspec.structs import replace
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock import resolve as resolving
from envlock.engine import Engine, able, crossing
from envlock.evidence import proved
from envlock.evidence.library import companions
from envlock.formats.registry import LOCKS
from envlock.index.filenames import admitted, releases
from envlock.index.metadata import read_needs
from envlock.index.pages import Index
from envlock.locking.behind import fallen_back, in_words
from envlock.locking.direct import fetched, notes_of, pinned
from envlock.locking.job import Job, SolvedPart, Work
from envlock.locking.sources import SourceWheels
from envlock.locking.upgrading import Upgrade
from envlock.model import DistributionFile, IndexSettings, Part, Target
from envlock.progress import Progress
from envlock.request.words import applicable
from envlock.resolve.assemble import tell_several
from envlock.resolve.candidate import Candidate
from envlock.system.processes import OutOfTime
from envlock.targets.find import others

_SHOWN = 4  # pins that are named


def solve_pypi(work: Work, goal: Target, progress: Progress) -> SolvedPart:
    """Return the pins of a target.

    Raises:
        NoResolution: nothing fits.
        WorkError: an index or an engine is missing or fails.
    """
    with fetched(work, goal, progress) as (ready, found):
        solved = _solve_pypi(ready, goal, progress)
    part = replace(solved.part, pypi=pinned(solved.part.pypi, found))
    return replace(solved, part=part, notes=(*solved.notes, *notes_of(found)))


def _solve_pypi(work: Work, goal: Target, progress: Progress) -> SolvedPart:
    kept = work.kept.get(str(goal.platform), Part())
    preferences = {**work.job.preferences, **kept.pins}
    index = Index(work.job.settings, progress=progress)
    question = _question(work, goal, preferences)
    sources = SourceWheels(question, work.job, index, progress)
    work = replace(work, sources=sources)
    answer, verified = _built(sources, work, question, kept, index, progress)
    answer = answer.recalling(kept.pypi, work.database.find)
    tell_several(answer.packages, work.job.settings, progress)
    packages = answer.packages
    if question.optional:
        _, crosses = crossing()
        tools = _tools(work, question, index, progress, crosses)
        packages = resolving.shared(question, answer, tools)
        verified = ""  # what was proved is all of it, and somebody may choose less
    behind = () if verified else fallen_back(question, packages, index)
    return SolvedPart(
        part=Part(
            python=goal.minor,
            platform=str(goal.platform),
            pypi=packages,
            verified=verified,
            differs=answer.differs,
            behind=behind,
        ),
        notes=(*answer.notes, *map(in_words, behind), *([] if verified else unproved(goal))),
        reasons=answer.reasons,
        variables=answer.variables,
    )


def _built(
    sources: SourceWheels,
    work: Work,
    question: resolving.Question,
    kept: Part,
    index: Index,
    progress: Progress,
) -> tuple[resolving.Resolution, str]:
    """The pins, their source distributions built: solved again where one cannot be."""
    while True:
        answer, verified = _keeping(work, question, kept, index, progress)
        if verified:
            return answer, verified
        packages = sources.settled(answer.packages)
        if packages is not None:
            return replace(answer, packages=packages), verified


def _keeping(
    work: Work, question: resolving.Question, kept: Part, index: Index, progress: Progress
) -> tuple[resolving.Resolution, str]:
    """The pins, near those of the lock that is there.

    These are let go where somebody says so, and never because a machine was
    slow: the same request would have other pins on another day.

    Raises:
        OutOfTime: there was no answer in the time for a request.
    """
    try:
        return _answer(work, question, index, progress)
    except OutOfTime as error:
        raise error.before("-U") if kept.pins else error from None


def unproved(goal: Target) -> tuple[str, ...]:
    """Say what the reader of a lock must know whose Python was not at hand."""
    if goal.interpreter is not None:
        return ()
    if not goal.option:
        return (f"made without a Python {goal.minor} at hand: that it runs is not proved",)
    system = goal.platform.libc.replace("macos", "macOS")
    since = f" with {system} or later" if system else ""
    return (f"made for any {goal.platform}{since}: that it runs there is not proved",)


def _question(
    work: Work, goal: Target, preferences: Mapping[NormalizedName, Version]
) -> resolving.Question:
    """What is asked for on a target, with each extra and group that can be chosen there."""
    request = work.job.request
    base = resolving.merge(applicable(request.requirements, goal))
    optional = {
        each: resolving.merge(applicable(wanted, goal))
        for each, wanted in sorted(request.optional.items())
    }
    return resolving.Question(
        requirements=resolving.joined((base, *optional.values())),
        base=base if optional else {},
        optional=optional,
        constraints=resolving.merge(applicable(request.bounds, goal)),
        rules=work.database.rules,
        target=goal,
        settings=work.job.settings,
        preferences=preferences,
        exclude_newer=request.exclude_newer,
    )


def _answer(
    work: Work, question: resolving.Question, index: Index, progress: Progress
) -> tuple[resolving.Resolution, str]:
    """The pins, and what they were seen to do when they are a set that was proved."""
    job = work.job
    if job.fresh:
        return _solved(work, question, index, progress), ""
    needs = job.request.needs
    found = proved.consult(question, needs, job.evidence, proved.on(index, job.settings))
    if found is None:
        answer = _solved(work, question, index, progress)
        return answer.noting(*proved.elsewhere(question, job.evidence, answer)), ""
    if not found.unmet and not question.preferences:
        files = any(LOCKS[kind].files for kind in job.outputs.values())
        taken = proved.resolution(found, question, work.database, index, addresses=files)
        return taken, found.words
    question = proved.preferring(question, found, needed=bool(needs))
    answer = _solved(work, question, index, progress)
    answer = replace(answer, variables=found.proved.variables if needs else {})
    answer = answer.recalling(found.proved.packages, work.database.find)
    if answer.pins == found.proved.pins:
        return answer, found.words
    _tell_kept(work.kept.get(str(question.target.platform), Part()), found, answer, progress)
    note, differs = proved.compared(found, answer.packages)
    return replace(answer.noting(note), differs=differs), ""


def _tell_kept(
    kept: Part, found: proved.Precedent, answer: resolving.Resolution, progress: Progress
) -> None:
    """Say which pins that are kept stand between an answer and the set that was proved."""
    known = found.proved.pins
    lost = [
        f"{name} {version}"
        for name, version in kept.pins.items()
        if answer.pins.get(name) == version and known.get(name, version) != version
    ]
    if lost and not found.unmet:
        pins = (
            f"{', '.join(lost[:_SHOWN])}{f' and {len(lost) - _SHOWN} more' * bool(lost[_SHOWN:])}"
        )
        progress.note(
            f"{pins} of the lock {'are' if lost[1:] else 'is'} kept, so that this is not the set"
            f" that was verified for {found.cell}: -U takes that one"
        )


def _solved(
    work: Work, question: resolving.Question, index: Index, progress: Progress
) -> resolving.Resolution:
    """The answer to a question, with what is to be upgraded as new as it can be."""
    answer = _resolve(work, question, index, progress)
    if not work.job.upgraded:
        return answer
    return Upgrade(
        names=work.job.upgraded,
        question=question,
        index=index,
        solve=lambda again: _resolve(work, again, index, progress),
        progress=progress,
    ).done(answer)


def _resolve(
    work: Work, question: resolving.Question, index: Index, progress: Progress
) -> resolving.Resolution:
    goal = question.target
    why = resolving.Asked(
        database=work.database,
        verb=work.job.verb,
        targets_here=lambda: others(goal),
    )
    wanted = work.job.engine
    name, engine = able(wanted, goal, offline=question.settings.offline)
    if name is not wanted and question.settings.offline:
        progress.note(f"{name} resolves: {wanted} does not work offline")
    elif name is not wanted and goal.option:
        progress.note(
            f"{name} resolves for a platform that is named: {wanted} does so for the machine that"
            " it runs on alone"
        )
    elif name is not wanted:
        progress.note(
            f"{name} resolves for Python {goal.minor}: {wanted} can do so only with that Python"
            " at hand"
        )
    tools = _tools(work, question, index, progress, engine)
    return resolving.resolve(question, tools, index, why)


def _tools(
    work: Work, question: resolving.Question, index: Index, progress: Progress, engine: Engine
) -> resolving.Tools:
    date = question.exclude_newer
    return resolving.Tools(
        engine=engine,
        releases=cache(lambda name: releases(admitted(index.files(name), date))),
        progress=progress,
        companions=partial(_companions, work.job, question.target),
        needs=partial(_needs, question.settings),
        sources=work.sources,
    )


def _needs(
    settings: IndexSettings, wheels: Iterable[DistributionFile]
) -> Mapping[str, tuple[str, ...]]:
    """What wheels need; asked for where a solve can be saved."""
    return read_needs(wheels, settings)


def _companions(job: Job, goal: Target, candidate: Candidate) -> Iterable[NormalizedName]:
    """What was installed with a release before; asked for while an engine works."""
    return companions(candidate.name, candidate.version, goal.minor, job.evidence)
