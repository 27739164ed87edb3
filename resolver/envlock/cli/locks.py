"""`envlock lock`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from envlock.choices import STANDARD_OUTPUT
from envlock.cli.arguments import flag
from envlock.cli.options import (
    CondaOptions,
    IndexOptions,
    LockFileOptions,
    RequestOptions,
    TalkOptions,
)
from envlock.cli.output import progress_for, say, say_json
from envlock.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from envlock.workflow.job import Job, Locked


class CheckOption(Struct, frozen=True, kw_only=True):
    """What is done."""

    check: Annotated[
        bool, flag("--check", says="Only tell whether the lock is current; exit 1 if not.")
    ] = False


def lock(
    request: RequestOptions,
    own: CheckOption,
    conda: CondaOptions,
    files: LockFileOptions,
    index: IndexOptions,
    talk: TalkOptions,
) -> int:
    """Write a hashed lock whose versions work together.

    An environment.yml given to -r is locked for conda.
    """
    from envlock.cli.jobs import lock_jobs  # noqa: PLC0415  (--help needs none of this)
    from envlock.workflow import lock as workflow  # noqa: PLC0415

    if own.check and files.output == STANDARD_OUTPUT:
        raise UsageError("-o - prints a lock, and --check looks at one", "leave -o out")
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    jobs = lock_jobs("lock", request, conda, index, files, progress)
    if own.check:
        return _check(jobs, as_json=talk.json)
    locks = workflow.make_locks(jobs, progress)
    if files.output == STANDARD_OUTPUT:
        return _print(locks[0].texts, as_json=talk.json)
    written = workflow.write(*locks)
    _tell(jobs, locks, written, as_json=talk.json)
    return 0


def _print(texts: Mapping[Path, str], *, as_json: bool) -> int:
    """Print the text of the one lock that goes to standard output."""
    (text,) = texts.values()
    if as_json:
        say_json("lock", {"text": text})
    else:
        say(text.removesuffix("\n"))
    return 0


def _tell(
    jobs: Sequence[Job],
    locks: Sequence[Locked],
    written: Sequence[Path],
    *,
    as_json: bool,
) -> None:
    from envlock import report  # noqa: PLC0415  (after the solving)

    if as_json:
        outputs = tuple(path for job in jobs for path in job.outputs)
        say_json("lock", report.lock_data((each.lock for each in locks), outputs, written))
        return
    texts = (
        report.rows_text(
            [
                *report.lock_rows(each.lock, tuple(job.outputs), written),
                ("next", report.next_step(_hashed(job), _elsewhere(job))),
            ]
        )
        for job, each in zip(jobs, locks, strict=True)
    )
    say("\n\n".join(texts))


def _hashed(job: Job) -> dict[Path, bool]:
    """The files of a lock, and whether they hold hashes."""
    from envlock.write.formats import FORMATS  # noqa: PLC0415  (after the solving)

    return {path: FORMATS[kind].hashes for path, kind in job.outputs.items()}


def _elsewhere(job: Job) -> str | None:
    """The platforms of a lock where it is to be used, if that is not here."""
    if not job.subdirs:
        return str(job.platform.platform) if job.platform else None
    from envlock.conda import rattler  # noqa: PLC0415  (not for pip alone)

    own, _ = rattler.detect()
    return None if own in job.subdirs else " and ".join(job.subdirs)


def _check(jobs: Sequence[Job], *, as_json: bool) -> int:
    from envlock.workflow.lock import check_lock  # noqa: PLC0415  (as above)

    found = [problem for job in jobs for problem in check_lock(job)]
    code = ExitCode.of(problem=bool(found))
    if as_json:
        say_json("lock", {"current": not found, "problems": found}, exit_code=code)
    else:
        current = "the lock is current" if len(jobs) == 1 else "the locks are current"
        say("\n".join(found or (current,)))
    return code
