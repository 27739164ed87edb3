"""`envlock lock`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    from envlock.choices import Format
    from envlock.model import Lock
    from envlock.workflow.job import Job


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
    from envlock.cli.jobs import lock_job  # noqa: PLC0415  (--help needs none of this)
    from envlock.workflow import lock as workflow  # noqa: PLC0415

    if own.check and files.output == STANDARD_OUTPUT:
        raise UsageError("-o - prints a lock, and --check looks at one", "leave -o out")
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    job = lock_job("lock", request, conda, index, files, progress)
    if own.check:
        return _check(job, as_json=talk.json)
    locked = workflow.make_lock(job, progress)
    if files.output == STANDARD_OUTPUT:
        return _print(locked.texts, as_json=talk.json)
    written = workflow.write(locked)
    _tell(job, locked.lock, written, as_json=talk.json)
    return 0


def _print(texts: Mapping[Path, str], *, as_json: bool) -> int:
    """Print the text of the one lock that goes to standard output."""
    (text,) = texts.values()
    if as_json:
        say_json("lock", {"text": text})
    else:
        say(text.removesuffix("\n"))
    return 0


def _tell(job: Job, lock: Lock, written: Sequence[Path], *, as_json: bool) -> None:
    from envlock import report  # noqa: PLC0415  (after the solving)

    if as_json:
        say_json("lock", report.lock_data((lock,), tuple(job.outputs), written))
        return
    rows = report.lock_rows(lock, tuple(job.outputs), written)
    say(report.rows_text([*rows, *(("next", step) for step in _next_steps(job, lock))]))


def _next_steps(job: Job, lock: Lock) -> Iterator[str]:
    """The command that builds an environment: one, or where each platform has a file one each."""
    from envlock import report  # noqa: PLC0415  (after the solving)
    from envlock.formats.registry import LOCKS  # noqa: PLC0415  (after the solving)

    hashed = {path: LOCKS[kind].hashes for path, kind in job.outputs.items()}
    alike: dict[Format, list[Path]] = {}
    for path, kind in job.outputs.items():
        alike.setdefault(kind, []).append(path)
    kinds = sorted(alike, key=lambda kind: not LOCKS[kind].hashes)
    paths, places = alike[kinds[0]], [each.place for each in lock.parts]
    if len(paths) == len(places) > 1:
        for path, place in zip(paths, places, strict=True):
            yield report.next_step({path: hashed[path]}, place)
        return
    yield report.next_step(hashed, _elsewhere(job, places))


def _elsewhere(job: Job, places: Sequence[str]) -> str | None:
    """The platforms of a lock where it is to be used, if that is not here."""
    if not job.subdirs:
        return " and ".join(places) if job.places else None
    from envlock.conda import rattler  # noqa: PLC0415  (not for pip alone)

    own, _ = rattler.detect()
    return None if own in places else " and ".join(places)


def _check(job: Job, *, as_json: bool) -> int:
    from envlock.workflow.lock import check_lock  # noqa: PLC0415  (as above)

    found = check_lock(job)
    code = ExitCode.of(problem=bool(found))
    if as_json:
        say_json("lock", {"current": not found, "problems": found}, exit_code=code)
    else:
        say("\n".join(found or ("the lock is current",)))
    return code
