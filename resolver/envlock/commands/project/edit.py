"""`envlock add` and `remove`: the request is edited, locked and installed, or nothing is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct
from packaging.utils import canonicalize_name

from envlock import report
from envlock.cli.options import IndexOptions, RequestOptions, TalkOptions
from envlock.cli.orders import environment_folder
from envlock.cli.output import progress_for, say_json
from envlock.cli.rows import say_rows
from envlock.commands.files.diff import compare, difference_rows, side_of
from envlock.commands.lock.folder import Typed, understand
from envlock.commands.lock.job import lock_job
from envlock.commands.project import AddedRequirements, ProjectEnvironment, RemovedPackages
from envlock.commands.project.ready import synced
from envlock.errors import EnvlockError, UsageError
from envlock.formats.asking import less, more
from envlock.formats.pep508 import parse_requirement
from envlock.formats.registry import FileFormat, format_at, read_lock
from envlock.locking import make
from envlock.locking.job import Job
from envlock.locking.outputs import Seen, seen, try_outputs
from envlock.model import Lock, Selection, SelectionKind
from envlock.progress import Progress, Silent
from envlock.system import (
    encoded_as,
    landed,
    read_text,
    remove_file,
    taken_back,
    write_files,
)

#: What is made where the folder has no file that asks for packages.
_NEW = Path("requirements.in")


class Asking(Struct, frozen=True, kw_only=True):
    """The file that asks for packages, and its text; None where it is to be made."""

    path: Path
    kind: FileFormat
    text: str | None
    lines: tuple[str, ...] = ()

    @property
    def now(self) -> str:
        """The text to begin with: what was typed for the lock that is there, where no file asks."""
        return "".join(f"{line}\n" for line in self.lines) if self.text is None else self.text


class Changed(Struct, frozen=True, kw_only=True):
    """What an edit led to."""

    asking: Asking
    job: Job
    before: Lock | None
    lock: Lock
    written: tuple[Path, ...]
    folder: Path | None


def run_add(
    own: AddedRequirements, place: ProjectEnvironment, index: IndexOptions, talk: TalkOptions
) -> int:
    """Do `envlock add`."""
    if not own.requirements:
        raise UsageError("what is to be added? nothing was named", "envlock add pandas")
    asked = [parse_requirement(each) for each in own.requirements]
    choice = _choice(own.extra, own.group)

    def edit(asking: Asking) -> str:
        return more(asking.kind, asking.now, asked, choice)

    return _run("add", edit, place, index, talk)


def run_remove(
    own: RemovedPackages, place: ProjectEnvironment, index: IndexOptions, talk: TalkOptions
) -> int:
    """Do `envlock remove`."""
    if not own.names:
        raise UsageError("what is to be removed? nothing was named", "envlock tree")
    choice = _choice(own.extra, own.group)

    def edit(asking: Asking) -> str:
        return less(asking.kind, asking.now, own.names, choice)

    return _run("remove", edit, place, index, talk)


def _choice(extra: str | None, group: str | None) -> Selection | None:
    if extra and group:
        raise UsageError("--extra and --group are two places", "leave one out")
    if extra:
        return Selection(kind=SelectionKind.EXTRA, name=canonicalize_name(extra))
    return Selection(kind=SelectionKind.GROUP, name=canonicalize_name(group)) if group else None


def _run(
    verb: str,
    edit: Callable[[Asking], str],
    place: ProjectEnvironment,
    index: IndexOptions,
    talk: TalkOptions,
) -> int:
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    asking = _asking(index)
    try:
        text = edit(asking)
    except UsageError as error:
        raise UsageError(f"{asking.path}: {error.message}", *error.remedies) from None
    changed = _change(asking, text, place, index, progress)
    if talk.json:
        content = report.lock_data((changed.lock,), tuple(changed.job.outputs), changed.written)
        where = None if changed.folder is None else str(changed.folder)
        say_json(verb, {**content, "edited": str(asking.path), "environment": where})
    else:
        say_rows(_rows(changed), quiet=talk.quiet)
    return 0


def _asking(index: IndexOptions) -> Asking:
    """The file in which this folder asks for packages, or the one that is to be made."""
    found = understand("lock", Typed(request=RequestOptions(), index=index), Silent())
    words = found.typed.request.requirements
    files = [each for each in found.typed.request.requirement_file if each.is_file()]
    if len(files) > 1:
        raise UsageError(f"{' and '.join(map(str, files))} ask for packages: edit the one you mean")
    if files:
        kind = format_at(files[0]) or FileFormat.REQUIREMENTS
        return Asking(path=files[0], kind=kind, text=read_text(files[0]))
    if found.config.of_folder("requirements"):
        where = found.config.where("requirements")
        raise UsageError(f"{where} asks for packages: edit that", "envlock sync")
    lines = words if found.lock is not None else ()
    return Asking(path=_NEW, kind=FileFormat.REQUIREMENTS, text=None, lines=lines)


def _change(
    asking: Asking, text: str, place: ProjectEnvironment, index: IndexOptions, progress: Progress
) -> Changed:
    """Write the edit, lock and sync; whatever fails, every file is what it was."""
    try_outputs((asking.path,), progress)
    before = seen((asking.path,))
    with _all_or_nothing(before, progress) as kept:
        write_files({asking.path: _encoded(text, before[asking.path])}, users=True)
        _refuse_empty(asking, index)
        job = lock_job("lock", Typed(request=RequestOptions(), index=index), progress)
        kept.update(seen(job.outputs))
        locked = make.make_lock(job, progress)
        written = make.write(locked)
        folder = None if place.no_sync else environment_folder(place.env)
        if folder is not None:
            synced(job, folder, index, progress)
    return Changed(
        asking=asking,
        job=job,
        before=_lock_of(kept, job),
        lock=locked.lock,
        written=written,
        folder=folder,
    )


def _refuse_empty(asking: Asking, index: IndexOptions) -> None:
    """Refuse a folder that asks for nothing any more: its lock would be of another request."""
    found = understand("lock", Typed(request=RequestOptions(), index=index), Silent())
    if not found.project:
        raise UsageError(f"then {asking.path} asks for nothing any more", f"rm {asking.path}")


def _encoded(text: str, before: bytes | None) -> bytes:
    return text.encode() if before is None else encoded_as(before, text)


def _lock_of(kept: Seen, job: Job) -> Lock | None:
    """The lock that was there before, where it can be read."""
    with suppress(UsageError):
        for path, content in kept.items():
            if path in job.outputs and content is not None:
                return read_lock(path.name, content.decode(errors="replace"))
    return None


@contextmanager
def _all_or_nothing(before: Seen, progress: Progress) -> Iterator[dict[Path, bytes | None]]:
    """Give files their content again when the block fails; more may be added while it runs."""
    kept, standing = {**before}, landed()
    try:
        yield kept
    except BaseException as error:
        write_files({path: content for path, content in kept.items() if content is not None})
        for path, content in kept.items():
            if content is None:
                remove_file(path)
        taken_back(standing)
        if isinstance(error, EnvlockError):
            progress.note(f"{' and '.join(map(str, kept))}: as before")
            error.remedies = tuple(map(_retyped, error.remedies))
        raise


#: A way out that changes a line of the request, which is no longer there.
_CHANGE = re.compile(r"in \S+:\d+, change (.+) to (.+)")


def _retyped(remedy: str) -> str:
    """What changes the line that was to be added, as it is typed before it is there."""
    change = _CHANGE.fullmatch(remedy)
    return remedy if change is None else f"envlock add {shlex.quote(change[2])}"


def _rows(changed: Changed) -> Sequence[report.Row]:
    before = Lock(parts=()) if changed.before is None else changed.before
    rows = [("edited", str(changed.asking.path))]
    rows += difference_rows(compare(side_of(before), side_of(changed.lock), hashes=False))
    rows += [("written", str(each)) for each in changed.written]
    if changed.folder is not None:
        rows.append(("environment", str(changed.folder)))
    return rows
