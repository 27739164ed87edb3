"""What a workflow of GitHub shows of `envlock lock --check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from envlock import report
from envlock.cli.github import Annotation, annotate
from envlock.cli.output import say
from envlock.commands.files.diff import difference, difference_text
from envlock.commands.files.source import Source
from envlock.commands.summary import summarize
from envlock.errors import EnvlockError
from envlock.formats.content import edits
from envlock.locking import existing
from envlock.locking.job import Job
from envlock.locking.stale import StaleReason
from envlock.progress import Progress
from envlock.system import read_text
from envlock.system.revisions import text_at

#: What the change that is checked out started from.
_BEFORE = "HEAD^1"


def tell_check(job: Job, found: Sequence[StaleReason], progress: Progress) -> None:
    """Print what is wrong as annotations; add pins, rules and proof to the summary of the step."""
    annotate(
        Annotation(message=each.what, title="envlock lock", file=each.path, line=each.line)
        for each in found
    )
    state = "is not current" if found else "is current"
    command = f"next: {job.typed_again}" if found else ""
    say(command or "the lock is current")
    problems = "\n".join((*map(str, found), command)) if found else ""
    summarize(f"envlock: the lock {state}", problems, *_held(job), *_changes(job, progress))


def _held(job: Job) -> Iterator[str]:
    """The main pins, the rules that moved some, and what the set was seen to do."""
    with suppress(EnvlockError):
        locks = existing.read_locks(job)
        lock = existing.merged(locks.values())
        if lock is not None:
            edited = any(map(edits, locks.values()))
            unproved = tuple(replace(each, verified="") for each in lock.parts)
            lock = replace(lock, parts=unproved) if edited else lock
            yield report.rows_text(report.lock_rows(lock, (), ()))


def _changes(job: Job, progress: Progress) -> Iterator[str]:
    """The pins that the last change moved, where git still has what was before it."""
    for path in job.outputs:
        with suppress(EnvlockError):
            before = _source(path, text_at(_BEFORE, f"./{path.as_posix()}"))
            found = difference(before, _source(path, read_text(path)), progress)
            if found:
                yield f"{path} since {_BEFORE}\n{difference_text(found)}"


def _source(path: Path, text: str) -> Source:
    return Source(label=str(path), name=path.name, text=text)
