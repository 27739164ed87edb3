"""`envlock lock`: a request becomes a lock, and the lock files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from envlock.choices import Format
from envlock.index.origin import asked
from envlock.model import Lock, Target
from envlock.progress import Progress
from envlock.rules import database
from envlock.system import refuse_irregular
from envlock.workflow import existing
from envlock.workflow.job import DEFAULT_CHANNEL, Job, Locked, Solved, Work
from envlock.workflow.outputs import Seen, seen, try_outputs, write_changed
from envlock.workflow.pypi import solve_pypi
from envlock.write.channel_words import strip_channel
from envlock.write.formats import texts_of


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


def make_locks(jobs: Sequence[Job], progress: Progress) -> tuple[Locked, ...]:
    """Lock one request for several targets without writing anything; see `make_lock`."""
    there = [(job, _standing(job, hashed=False)) for job in jobs]
    anew = (job.outputs for job, standing in there if standing.current is None)
    try_outputs((path for outputs in anew for path in outputs), progress)
    return tuple(_locked(job, standing, progress) for job, standing in there)


def _standing(job: Job, *, hashed: bool) -> _Standing:
    refuse_irregular(job.outputs)
    goal = _target(job)
    before = seen(job.outputs)
    locks = existing.own_locks(job)
    standard = existing.Standard.of(job, database.load(job.rules), goal)
    command = job.command if goal is None else f"{job.command} --python {goal.minor}"
    old, taken = existing.merged(locks.values()), None
    if old is not None and not (job.upgrade or job.upgrade_packages):
        same = all(lock.command == command for lock in locks.values())
        whole = same and existing.covers(old, standard, hashed=hashed)
        if whole and not existing.problems(locks, standard):
            # Not every format has these, and the request has them as they are.
            said = {"variables": job.request.variables, "name": job.request.name or job.name}
            taken = replace(old, **said)
    return _Standing(standard=standard, before=before, command=command, old=old, current=taken)


def _target(job: Job) -> Target | None:
    """The Python that is locked for, where conda does not choose it."""
    return None if job.subdirs else job.target()


def _locked(job: Job, standing: _Standing, progress: Progress) -> Locked:
    if standing.current is not None:
        return Locked(lock=standing.current, texts={}, before=standing.before)
    standard = standing.standard
    work = Work(job=job, database=standard.rules, kept=existing.to_keep(job, standing.old))
    solved = sorted(_solve(work, standard.target, progress), key=lambda each: each.part.place)
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
    return Locked(lock=lock, texts=_render(lock, job), before=standing.before)


def _solve(work: Work, goal: Target | None, progress: Progress) -> Iterator[Solved]:
    if goal is not None:
        yield solve_pypi(work, goal, progress)
        return
    from envlock.workflow.conda.solve import solve_platform  # noqa: PLC0415  (not for pip alone)

    for subdir in work.job.subdirs:
        yield solve_platform(work, subdir, progress)


def _channels(job: Job) -> tuple[str, ...]:
    return (job.request.channels or (DEFAULT_CHANNEL,)) if job.subdirs else ()


def _of_channels(job: Job) -> Iterator[str]:
    if job.subdirs and not job.request.channels:
        yield f"the request names no channel: {DEFAULT_CHANNEL} is taken"


def _render(lock: Lock, job: Job) -> dict[Path, str]:
    """The texts of the outputs; those of one format are in the order of the platforms."""
    paths: dict[Format, list[Path]] = {}
    for path, kind in job.outputs.items():
        paths.setdefault(kind, []).append(path)
    return {
        path: text
        for kind, named in paths.items()
        for path, text in zip(named, texts_of(lock, kind).values(), strict=True)
    }


def write(*locks: Locked) -> tuple[Path, ...]:
    """Write the lock files that differ from what is there, all or none; return those.

    Raises:
        WorkError: they cannot be written, or were changed by somebody else
            since they were read; then none has changed.
    """
    texts = {path: text for each in locks for path, text in each.texts.items()}
    before = {path: content for each in locks for path, content in each.before.items()}
    return write_changed(texts, before)


def check_lock(job: Job) -> tuple[str, ...]:
    """Return everything that keeps the lock files from being current and rule-abiding.

    Nothing is solved, fetched or written.
    """
    refuse_irregular(job.outputs)
    standard = existing.Standard.of(job, database.load(job.rules), _target(job))
    return existing.problems(existing.read_locks(job), standard)
