"""`envlock lock`: a request becomes a lock, and the lock files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock import resolve as resolving
from envlock.choices import Format
from envlock.engine import able
from envlock.evidence import proved
from envlock.evidence.library import companions
from envlock.formats.channel_words import strip_channel
from envlock.formats.registry import FORMATS, texts_of
from envlock.index.origin import asked
from envlock.index.pages import Index
from envlock.index.releases import admitted, releases
from envlock.locking import existing
from envlock.locking.job import DEFAULT_CHANNEL, Job, Locked, SolvedPart, Work
from envlock.locking.outputs import Seen, seen, try_outputs, write_changed
from envlock.model import Lock, Part, Target
from envlock.progress import Progress
from envlock.request.markers import applicable
from envlock.resolve.anchor import Candidate
from envlock.resolve.located import tell_several
from envlock.rules import database
from envlock.system import refuse_irregular
from envlock.targets.find import others


class _Standing(Struct, frozen=True, kw_only=True):
    """What is there when a lock is asked for; ``current`` is a lock that can be taken as it is."""

    standard: existing.Standard
    before: Seen
    command: str
    old: Lock | None
    current: Lock | None


def make_lock(
    job: Job, progress: Progress, *, hashed: bool = False, beside: Iterable[Path] = ()
) -> Locked:
    """Lock a request without writing anything.

    Lock files that still answer the request and obey the rules are taken as
    they are; ``upgrade`` and ``upgrade_packages`` ask anew, and so does
    ``hashed`` when no file has the addresses and hashes that an install needs.
    Whether a new lock could be written, and the files ``beside`` it, is tried
    before anything is solved.

    Raises:
        NoResolution: nothing fits.
        UsageError: an output is a file that envlock did not make.
        WorkError: an index, a channel, an engine or an interpreter is missing
            or fails, or an output cannot be written.
    """
    standing = _standing(job, hashed=hashed)
    if standing.current is None:
        try_outputs((*job.outputs, *beside), progress)
    return _locked(job, standing, progress)


def _standing(job: Job, *, hashed: bool) -> _Standing:
    refuse_irregular(job.outputs)
    goals = _targets(job)
    before = seen(job.outputs)
    locks = existing.own_locks(job)
    standard = existing.Standard.of(job, database.load(job.rules), goals)
    command = f"{job.command} --python {goals[0].minor}" if goals else job.command
    old, taken = existing.merged(locks.values()), None
    if old is not None and not (job.upgrade or job.upgrade_packages):
        same = all(lock.command == command for lock in locks.values())
        whole = same and existing.covers(old, standard, hashed=hashed)
        if whole and not existing.problems(locks, standard):
            # Not every format has these, and the request has them as they are.
            said = {"variables": job.request.variables, "name": job.request.name or job.name}
            taken = replace(old, **said)
    return _Standing(standard=standard, before=before, command=command, old=old, current=taken)


def _targets(job: Job) -> tuple[Target, ...]:
    """The Python and the platforms that are locked for, where conda does not choose it."""
    return () if job.subdirs else job.targets()


def _locked(job: Job, standing: _Standing, progress: Progress) -> Locked:
    if standing.current is not None:
        return Locked(lock=standing.current, texts={}, before=standing.before)
    standard = standing.standard
    work = Work(job=job, database=standard.rules, kept=existing.to_keep(job, standing.old))
    solved = sorted(_solve(work, standard.targets, progress), key=lambda each: each.part.place)
    notes = dict.fromkeys((*_of_channels(job), *(n for each in solved for n in each.notes)))
    lock = Lock(
        parts=tuple(each.part for each in solved),
        name=job.request.name or job.name,
        channels=tuple(map(strip_channel, _channels(job))),
        nodefaults=job.request.nodefaults,
        requested=job.request.specs,
        variables=job.request.variables,
        command=standing.command,
        request_digest=standard.digest,
        notes=tuple(notes),
        reasons={name: text for each in solved for name, text in each.reasons.items()},
        indexes=asked(job.settings),
        index_strategy=job.settings.index_strategy,
    )
    return Locked(lock=lock, texts=_render(lock, solved, job), before=standing.before)


def _solve(work: Work, goals: Iterable[Target], progress: Progress) -> Iterator[SolvedPart]:
    for goal in goals:
        yield solve_pypi(work, goal, progress)
    if not work.job.subdirs:
        return
    from envlock.locking.conda import solve_platform  # noqa: PLC0415  (not for pip alone)

    for subdir in work.job.subdirs:
        yield solve_platform(work, subdir, progress)


def _channels(job: Job) -> tuple[str, ...]:
    return (job.request.channels or (DEFAULT_CHANNEL,)) if job.subdirs else ()


def _of_channels(job: Job) -> Iterator[str]:
    if job.subdirs and not job.request.channels:
        yield f"the request names no channel: {DEFAULT_CHANNEL} is taken"


def _render(lock: Lock, solved: Sequence[SolvedPart], job: Job) -> dict[Path, str]:
    """The texts of the outputs; those of one format are in the order of the platforms.

    A file of pip's packages for one platform says nothing of the others.
    """
    paths: dict[Format, list[Path]] = {}
    for path, kind in job.outputs.items():
        paths.setdefault(kind, []).append(path)
    texts: dict[Path, str] = {}
    for kind, named in paths.items():
        held = [lock] if job.subdirs or len(named) == 1 else [_alone(lock, s) for s in solved]
        found = (
            text for each in held for text in texts_of(each, kind, together=job.together).values()
        )
        texts |= zip(named, found, strict=True)
    return texts


def _alone(lock: Lock, solved: SolvedPart) -> Lock:
    return replace(lock, parts=(solved.part,), notes=solved.notes, reasons=solved.reasons)


def write(locked: Locked) -> tuple[Path, ...]:
    """Write the lock files that differ from what is there, all or none; return those.

    Raises:
        WorkError: they cannot be written, or were changed by somebody else
            since they were read; then none has changed.
    """
    return write_changed(locked.texts, locked.before)


def check_lock(job: Job) -> tuple[str, ...]:
    """Return everything that keeps the lock files from being current and rule-abiding.

    Nothing is solved, fetched or written.
    """
    refuse_irregular(job.outputs)
    standard = existing.Standard.of(job, database.load(job.rules), _targets(job))
    return existing.problems(existing.read_locks(job), standard)


def solve_pypi(work: Work, goal: Target, progress: Progress) -> SolvedPart:
    """Return the pins of a target.

    Raises:
        NoResolution: nothing fits.
        WorkError: an index or an engine is missing or fails.
    """
    kept = work.kept.get(str(goal.platform), Part())
    preferences = {**work.job.preferences, **kept.pins}
    answer, verified = _answer(work, goal, preferences, progress)
    answer = answer.recalling(kept.pypi, work.database.find)
    tell_several(answer.packages, work.job.settings, progress)
    return SolvedPart(
        part=Part(
            python=goal.minor,
            platform=str(goal.platform),
            pypi=answer.packages,
            verified=verified,
        ),
        notes=(*answer.notes, *([] if verified else unproved(goal))),
        reasons=answer.reasons,
    )


def unproved(goal: Target) -> tuple[str, ...]:
    """Say what the reader of a lock must know whose Python was not at hand."""
    if goal.interpreter is not None:
        return ()
    if not goal.option:
        return (f"made without a Python {goal.minor} at hand: that it runs is not proved",)
    system = goal.platform.libc.replace("macos", "macOS")
    since = f" with {system} or later" if system else ""
    return (f"made for any {goal.platform}{since}: that it runs there is not proved",)


def _answer(
    work: Work,
    goal: Target,
    preferences: Mapping[NormalizedName, Version],
    progress: Progress,
) -> tuple[resolving.Resolution, str]:
    """The pins, and what they were seen to do when they are a set that was proved."""
    job = work.job
    index = Index(job.settings, progress=progress)
    question = resolving.Question(
        wishes=resolving.merge(applicable(job.request.requirements, goal)),
        constraints=resolving.merge(applicable(job.request.constraints, goal)),
        rules=work.database.rules,
        target=goal,
        settings=job.settings,
        preferences=preferences,
        exclude_newer=job.request.exclude_newer,
    )
    if job.fresh:
        return _resolve(work, question, index, progress), ""
    needs = job.request.needs
    found = proved.consult(question, needs, job.evidence, proved.on(index, job.settings))
    if found is None:
        answer = _resolve(work, question, index, progress)
        return answer.noting(*proved.elsewhere(question, job.evidence, answer)), ""
    if not found.unmet and not preferences:
        files = any(FORMATS[kind].files for kind in job.outputs.values())
        taken = proved.resolution(found, question, work.database, index, addresses=files)
        return taken, found.words
    question = proved.preferring(question, found, needed=bool(needs))
    answer = _resolve(work, question, index, progress)
    answer = answer.recalling(found.proved.packages, work.database.find)
    if answer.pins == found.proved.pins:
        return answer, found.words
    return answer.noting(proved.compared(found, answer.packages)), ""


def _resolve(
    work: Work, question: resolving.Question, index: Index, progress: Progress
) -> resolving.Resolution:
    date, goal = question.exclude_newer, question.target
    wanted = work.job.engine
    name, engine = able(wanted, goal)
    if name is not wanted:
        progress.note(
            f"{name} resolves for Python {goal.minor} on {goal.platform}:"
            f" {wanted} can do so only with that Python at hand"
        )
    tools = resolving.Tools(
        engine=engine,
        releases=cache(lambda name: releases(admitted(index.files(name), date))),
        progress=progress,
        companions=partial(_companions, work.job, goal),
    )
    why = resolving.Asked(
        database=work.database,
        verb=work.job.verb,
        targets_here=lambda: others(goal),
    )
    return resolving.resolve(question, tools, index, why)


def _companions(job: Job, goal: Target, candidate: Candidate) -> Iterable[NormalizedName]:
    """What was installed with a release before; asked for while an engine works."""
    return companions(candidate.name, candidate.version, goal.minor, job.evidence)
