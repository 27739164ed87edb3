"""`envlock lock`: a request becomes a lock, and the lock files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from envlock.choices import Format
from envlock.conda.channels import strip_channel
from envlock.formats.registry import texts_of
from envlock.index.origin import asked
from envlock.locking import existing
from envlock.locking.demanded import settings_for
from envlock.locking.job import DEFAULT_CHANNEL, Job, Locked, SolvedPart, Work
from envlock.locking.outputs import Seen, seen, try_outputs, write_changed
from envlock.locking.stale import StaleReason, placed
from envlock.model import Lock, Target
from envlock.progress import Once, Progress
from envlock.request.digest import recorded
from envlock.rules import database
from envlock.system import refuse_irregular


class _Standing(Struct, frozen=True, kw_only=True):
    """What is there when a lock is asked for; ``current`` is a lock that can be taken as it is."""

    standard: existing.Standard
    before: Seen
    command: str
    locks: existing.Locks
    old: Lock | None
    current: Lock | None


def make_lock(
    job: Job, progress: Progress, *, hashed: bool = False, beside: Iterable[Path] = ()
) -> Locked:
    """Lock a request without writing anything.

    Lock files that still answer the request and obey the rules are taken as
    they are; ``upgrade`` and ``upgrades`` ask anew, and so does
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
    return _locked(job, standing, Once(progress))


def _standing(job: Job, *, hashed: bool) -> _Standing:
    refuse_irregular(job.outputs)
    goals = _targets(job)
    before = seen(job.outputs)
    locks = existing.own_locks(job)
    standard = existing.Standard.of(job, database.load(job.rules).with_rules(job.learnt), goals)
    command = f"{job.command} --python {goals[0].minor}" if goals else job.command
    old, taken = existing.merged(locks.values()), None
    if old is not None:
        existing.refuse_unknown(job, old)
    if old is not None and not (job.upgrade or job.upgrades or job.near):
        same = all(lock.command == command for lock in locks.values())
        whole = same and existing.covers(old, standard, hashed=hashed)
        if whole and not existing.problems(locks, standard):
            # Not every format has these, and the request has them as they are.
            variables = {**old.variables, **job.request.variables}
            said = {"variables": variables, "name": job.request.name or job.name}
            taken = replace(old, **said)
    return _Standing(
        standard=standard, before=before, command=command, locks=locks, old=old, current=taken
    )


def _targets(job: Job) -> tuple[Target, ...]:
    """The Python and the platforms that are locked for, where conda does not choose it."""
    return () if job.subdirs else job.targets()


def _locked(job: Job, standing: _Standing, progress: Progress) -> Locked:
    if standing.current is not None:
        texts = _with_content(standing.locks, job)
        return Locked(lock=standing.current, texts=texts, before=standing.before)
    standard = standing.standard
    kept = existing.to_keep(_near(job), job.near or standing.old, standard.targets)
    if other := existing.of_other_python(standing.old, standard.targets):
        path = next(iter(standing.locks))
        progress.note(f"{path} was for Python {other}: its pins are not kept")
    work = Work(job=_with_upgrades(job), database=standard.rules, kept=kept)
    solved = sorted(_solve(work, standard.targets, progress), key=lambda each: each.part.place)
    settings, why = settings_for(solved, standard)
    own = (*_of_channels(job), *_of_imports(job), *_of_options(job), *why)
    told = (*own, *(n for each in solved for n in each.notes))
    notes = dict.fromkeys(told)
    lock = Lock(
        parts=tuple(each.part for each in solved),
        name=job.request.name or job.name,
        channels=tuple(map(strip_channel, _channels(job))),
        nodefaults=job.request.nodefaults,
        requested=job.request.specs,
        variables={**settings, **job.request.variables},
        command=standing.command,
        request_digest=standard.digest,
        asked=recorded(job.request, job.typed),
        notes=tuple(notes),
        reasons={name: text for each in solved for name, text in each.reasons.items()},
        indexes=asked(job.settings),
        index_strategy=job.settings.index_strategy,
        selections=tuple(sorted(job.request.optional)),
    )
    if standing.old is None:  # only the answer tells what is in a lock that was not there
        existing.refuse_unknown(job, lock)
    return Locked(lock=lock, texts=_render(lock, solved, job), before=standing.before)


def _near(job: Job) -> Job:
    """The job by which pins are kept: of the lock that it stays near to, all of them."""
    return job if job.near is None else replace(job, upgrade=False, upgrades=())


def _of_imports(job: Job) -> Iterator[str]:
    if left_out := job.request.no_imports:
        yield f"a proof does not import {', '.join(left_out)}, as was asked for"


def _of_options(job: Job) -> Iterator[str]:
    yield from (f"{each} was obeyed" for each in job.request.pip_options)


def _with_upgrades(job: Job) -> Job:
    """The job with the versions that packages are upgraded to: not for good, as a request is."""
    bounds = tuple(each for each in job.upgrades if each.requirement.specifier)
    request = replace(job.request, constraints=(*job.request.constraints, *bounds))
    return replace(job, request=request)


def _solve(work: Work, goals: Iterable[Target], progress: Progress) -> Iterator[SolvedPart]:
    if work.job.subdirs:
        from envlock.locking.conda import solve_platforms  # noqa: PLC0415  (not for pip alone)

        return solve_platforms(work, progress)
    from envlock.locking.several import solve_targets  # noqa: PLC0415  (a current lock needs none)

    return solve_targets(work, tuple(goals), progress)


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


def _with_content(locks: existing.Locks, job: Job) -> dict[Path, str]:
    """The texts of locks of before there was a digest of what they hold, with it."""
    texts: dict[Path, str] = {}
    for path, lock in locks.items():
        if not lock.content:
            named = replace(lock, name=lock.name or job.request.name or job.name)
            (texts[path],) = texts_of(named, job.outputs[path], together=job.together).values()
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


def check_lock(job: Job, progress: Progress) -> tuple[StaleReason, ...]:
    """Return everything that keeps the lock files from being current and rule-abiding.

    Nothing is solved, fetched or written. A lock of before there was a digest
    of what it holds is judged as far as that goes, which is told.

    Raises:
        Conflicted: a merge left two versions of one.
        UsageError: one is no lock; says the line.
    """
    refuse_irregular(job.outputs)
    standard = existing.Standard.of(job, database.load(job.rules), _targets(job))
    locks = existing.read_locks(job)
    for path, lock in locks.items():
        if lock.request_digest and not lock.content:
            progress.note(
                f"{path} has no digest of what it holds, so that not every edit is seen:"
                f" {job.typed_again} adds one"
            )
    return tuple(map(placed, existing.problems(locks, standard)))
