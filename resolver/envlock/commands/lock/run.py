"""`envlock lock`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from envlock import report
from envlock.choices import STANDARD_OUTPUT, Format, ReportFormat
from envlock.cli.options import (
    CondaOptions,
    IndexOptions,
    RequestOptions,
    TalkOptions,
)
from envlock.cli.output import progress_for, say, say_json
from envlock.cli.rows import say_rows
from envlock.commands.lock import CheckOption, FileOptions
from envlock.commands.lock.folder import Typed
from envlock.commands.lock.job import lock_job
from envlock.errors import ExitCode, UsageError
from envlock.formats.registry import LOCKS
from envlock.locking import make as lock
from envlock.locking.job import Job
from envlock.locking.make import check_lock
from envlock.model import Lock
from envlock.progress import Progress
from envlock.system.typed import as_typed


def run(
    request: RequestOptions,
    own: CheckOption,
    conda: CondaOptions,
    files: FileOptions,
    index: IndexOptions,
    talk: TalkOptions,
) -> int:
    """Do `envlock lock`."""
    if own.check and files.output == STANDARD_OUTPUT:
        raise UsageError("-o - prints a lock, and --check looks at one", "leave -o out")
    if own.prove and (own.check or files.output == STANDARD_OUTPUT):
        other = "--check" if own.check else "-o -"
        raise UsageError(
            f"--prove writes a lock once it is proved, and {other} writes none",
            f"leave {other} out",
        )
    _refuse_clash(own, files, talk)
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    typed = Typed(request=request, index=index, conda=conda, files=files.files)
    job = lock_job("lock", typed, progress)
    if own.prove:
        from envlock.commands.lock.proving import run_proving  # noqa: PLC0415  (0.1 s, of probes)

        return run_proving(job, typed, talk, progress)
    if own.check:
        return _check(job, progress, files.report, as_json=talk.json)
    locked = lock.make_lock(job, progress)
    if files.output == STANDARD_OUTPUT:
        return _print(locked.texts, as_json=talk.json)
    written = lock.write(locked)
    _tell(job, locked.lock, written, talk)
    return 0


def _refuse_clash(own: CheckOption, files: FileOptions, talk: TalkOptions) -> None:
    """Refuse a report of what is not checked, and two reports at once."""
    if files.report and not own.check:
        raise UsageError(
            f"--format {files.report} tells what --check finds, and no lock is written so",
            "envlock lock --check --format github",
        )
    if files.report and talk.json:
        raise UsageError(f"--format {files.report} and --json are two answers", "leave --json out")


def _print(texts: Mapping[Path, str], *, as_json: bool) -> int:
    """Print the text of the one lock that goes to standard output."""
    (text,) = texts.values()
    if as_json:
        say_json("lock", {"text": text})
    else:
        say(text.removesuffix("\n"))
    return 0


def _tell(job: Job, lock: Lock, written: Sequence[Path], talk: TalkOptions) -> None:
    if talk.json:
        say_json("lock", report.lock_data((lock,), tuple(job.outputs), written))
        return
    rows = report.lock_rows(lock, tuple(job.outputs), written, verbose=talk.verbose)
    say_rows([*rows, *(("next", step) for step in next_steps(job, lock))], quiet=talk.quiet)


def next_steps(job: Job, lock: Lock) -> Iterator[str]:
    """The command that builds an environment: one, or where each platform has a file one each."""
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
    from envlock.conda import rattler  # noqa: PLC0415  (20 ms, not for pip alone)

    own, _ = rattler.detect()
    return None if own in places else " and ".join(places)


def _check(job: Job, progress: Progress, form: ReportFormat | None, *, as_json: bool) -> int:
    found = check_lock(job, progress)
    code = ExitCode.of(problem=bool(found))
    told = tuple(map(str, found))
    if form is ReportFormat.GITHUB:
        from envlock.commands.lock.github import tell_check  # noqa: PLC0415  (for CI alone)

        tell_check(job, found, progress)
    elif as_json:
        ways = {"remedies": [job.typed_again]} if found else {}
        say_json("lock", {"current": not found, "problems": told, **ways}, exit_code=code)
    else:
        again = f"next: {as_typed(job.typed_again)}"
        say("\n".join((*told, again) if found else ("the lock is current",)))
    return code
