"""`envlock export`: a lock file in another format, without resolving."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName

from envlock.choices import STANDARD_OUTPUT, Format
from envlock.cli.options import ChosenOptions, IndexOptions, TalkOptions
from envlock.cli.orders import configured_lock, configured_settings, project_name
from envlock.cli.output import progress_for, say, say_json
from envlock.commands.files import ExportOptions
from envlock.commands.lock.edited import tell_edits
from envlock.commands.lock.selections import chosen
from envlock.errors import IndexFailure, UsageError
from envlock.formats.comments import own_command
from envlock.formats.registry import LOCKS, format_of, read_lock, refuse_unfit, texts_of
from envlock.index.metadata import with_hashes
from envlock.index.origin import held_to
from envlock.index.origin import where as index_words
from envlock.index.pages import Index
from envlock.locking.beside import locks_in, refuse_missing, usual_lock
from envlock.locking.existing import choosing, made_by_envlock, without_options
from envlock.locking.outputs import try_outputs
from envlock.model import (
    DistributionFile,
    IndexSettings,
    Lock,
    LockedPackage,
    Part,
    Selection,
    Target,
)
from envlock.progress import Progress
from envlock.resolve.assemble import located
from envlock.resolve.assemble import wanted as installable_files
from envlock.system import read_text, refuse_irregular, write_texts
from envlock.targets.description import target
from envlock.targets.interpreters import find_interpreter, find_version
from envlock.targets.platforms import NamedPlatform, foreign_target, python_version, read_platform
from envlock.versions import minor_of


class ExportOrder(Struct, frozen=True, kw_only=True):
    """A lock file and the format it is wanted in.

    ``python`` and ``platform`` are for a lock that does not say what it is
    for; ``command`` is told in what is written of a lock that envlock did not
    make. ``name`` is what the environment is called where a format names it.
    ``chosen`` are the extras and groups that are taken, with what is always
    installed; none means all of them in a format in which they can be chosen,
    and none in others. ``together``: one file holds all platforms.
    """

    source: Path
    kind: Format
    settings: IndexSettings
    command: str
    name: str
    python: str | None = None
    platform: NamedPlatform | None = None
    chosen: tuple[Selection, ...] = ()
    together: bool = False
    environment: str | None = None


def export(order: ExportOrder, progress: Progress) -> Mapping[str, str]:
    """Return file name → text of a lock in another format. Nothing is resolved.

    The pages of the index are read where the format lists files and the lock
    does not, or where the lock has no hashes and the format needs them.

    Raises:
        UsageError: it is no lock that envlock reads, or the format has no
            place for its packages.
        IndexFailure: a page cannot be read, or has no file of a pin.
        WorkError: the lock lacks something that the format must hold.
    """
    row, lock = LOCKS[order.kind], _read(order, progress)
    if not (lock.of_conda or row.pypi):
        raise UsageError(
            f"{order.source} holds no conda packages, and the format {order.kind} no others",
            f"lock an environment file: envlock lock -r environment.yml --format {order.kind}",
        )
    refuse_unfit(order.kind, of_conda=lock.of_conda)
    if order.together and (lock.of_conda or len(lock.parts) == 1):
        places = " and ".join(each.place for each in lock.parts)
        what = "conda's packages for" if lock.of_conda else "for"
        raise UsageError(
            "--universal puts several platforms of pip's packages into one file, and"
            f" {order.source} is {what} {places}",
            "leave --universal out",
        )
    lock = _chosen(_on_platform(lock, order), order, progress)
    if lock.of_conda and not row.conda:
        lock = replace(lock, parts=tuple(each for each in lock.parts if each.pypi))
        if not lock.parts:
            raise UsageError(f"{order.source} has no pip part, and {order.kind} holds nothing else")
    if row.hashes:
        parts = tuple(_with_files(each, order, progress) for each in lock.parts)
        lock = replace(lock, parts=parts)
    return texts_of(lock, order.kind, together=order.together)


def _on_platform(lock: Lock, order: ExportOrder) -> Lock:
    """The part of a lock for several platforms that was named."""
    if order.platform is None or len(lock.parts) == 1:
        return lock
    named = str(order.platform.platform)
    parts = tuple(each for each in lock.parts if each.platform == named)
    if not parts:
        places = " and ".join(each.place for each in lock.parts)
        raise UsageError(
            f"{order.source} is for {places}, and not for {named}",
            f"--platform {lock.parts[0].platform}",
        )
    return replace(lock, parts=parts)


def _chosen(lock: Lock, order: ExportOrder, progress: Progress) -> Lock:
    """What is taken of a lock with extras and groups; what is left out is told."""
    if not order.chosen and LOCKS[order.kind].selections:
        return lock
    taken = choosing(lock, order.source, order.chosen)
    if left_out := [str(each) for each in lock.selections if each not in order.chosen]:
        told = ", ".join(left_out)
        progress.note(f"{order.source}: {told} left out: --extra and --group take them along")
    return taken


def try_export(output: Path, kind: Format, progress: Progress) -> None:
    """Make sure that an export can be written, into a folder or a file that ``output`` names.

    A file that is there may already be what it would become, so it is only looked at.

    Raises:
        UsageError: there is a pipe, a device or the like in its place.
        WorkError: it cannot be made.
    """
    file = output / LOCKS[kind].filename if output.is_dir() else output
    refuse_irregular((file,))
    if not file.exists():
        try_outputs((file,), progress)


def write_export(files: Mapping[Path, str], source: Path) -> tuple[Path, ...]:
    """Write what was exported, all or none, and return the files that changed.

    Raises:
        UsageError: one is the source, or a file that envlock did not write.
        WorkError: they cannot be written; then none has changed.
    """
    changed: dict[Path, str] = {}
    refuse_irregular(files)
    for path, text in files.items():
        if not path.exists():
            changed[path] = text
            continue
        if path.samefile(source):
            raise UsageError(f"{path} is the lock that is read; it is left as it is")
        if read_text(path) == text:
            continue
        if not made_by_envlock(path):
            raise UsageError(
                f"{path} is there, and envlock did not write it; it is left as it is",
                "-o ANOTHER",
            )
        changed[path] = text
    write_texts(changed, users=True)
    return tuple(changed)


def _read(order: ExportOrder, progress: Progress) -> Lock:
    """Read the lock; without conda's packages its markers are judged for the target it is for."""
    text, options = without_options(order.source.name, read_text(order.source))
    if options:
        progress.note(
            f"{order.source}: {' and '.join(options)} left out: indexes come from pip's"
            " configuration"
        )
    try:
        every = read_lock(order.source.name, text, environment=order.environment)
    except UsageError:
        if order.environment is not None:
            raise
        every = None  # one package in two versions, perhaps, each with its marker
    if every is not None:
        tell_edits(order.source, every, "is exported as it is now")
    if every is not None and (every.of_conda or len(every.parts) > 1):
        return replace(every, name=every.name or order.name)
    goal = _target(order, every.part if every else Part())
    lock = read_lock(order.source.name, text, markers=goal.markers)
    part = replace(
        lock.part,
        python=lock.part.python or goal.minor,
        platform=lock.part.platform or str(goal.platform),
    )
    if every is None or len(every.part.pypi) != len(part.pypi):
        progress.note(
            f"{order.source}: what its markers keep from Python {part.python} on {part.platform}"
            " is left out"
        )
    command = own_command(lock.command) or order.command
    return replace(lock, parts=(part,), command=command, name=order.name)


def _target(order: ExportOrder, part: Part) -> Target:
    """What a part is for: as it says, as the order says, or this machine."""
    python = part.python or order.python
    try:
        place = read_platform(part.platform) if part.platform else order.platform
    except UsageError:
        place = None  # a platform that no name is known for: as this machine
    version = python_version(python or "")
    if place is None and version is None:
        if part.python:
            return target(find_version(part.python, str(order.source)))
        return target(find_interpreter(python))
    here = find_interpreter(None)
    return foreign_target(
        place or NamedPlatform(platform=here.platform, option=""),
        version or python_version(minor_of(here.version)) or here.version,
    )


def _with_files(part: Part, order: ExportOrder, progress: Progress) -> Part:
    """Return a part with hashes, and with files where the format lists them."""
    listed_there = [package for package in part.pypi if package.direct is None]
    bare = [package for package in listed_there if not package.hashes]
    unlisted = [package for package in listed_there if not package.files]
    row = LOCKS[order.kind]
    wanted = unlisted if row.files or row.addresses else bare
    if not wanted:
        return part
    if bare:
        progress.note(
            f"{order.source} has no hashes for {_named(bare)}: those of the index are taken"
        )
    with progress.phase("read the files of the pins"):
        index = Index(held_to(order.settings, wanted), progress=progress)
        listed = index.pinned({package.name: package.version for package in wanted})
        if any(not any(file.hashes for file in files) for files in listed.values()):
            choose = partial(installable_files, target=_target(order, part))
            listed = with_hashes(listed, choose, order.settings, progress)
    _refuse_missing(wanted, listed, order)
    packages = {package.name: package for package in part.pypi}
    known = {file.url: file for files in listed.values() for file in files}
    for package in located(wanted, index, _is_locked, None, partial(_as_known, known)):
        kept = packages[package.name].hashes
        packages[package.name] = replace(package, hashes=kept or package.hashes)
    return replace(part, pypi=tuple(packages.values()))


def _as_known(
    known: Mapping[str, DistributionFile],
    listed: Mapping[NormalizedName, tuple[DistributionFile, ...]],
) -> dict[NormalizedName, tuple[DistributionFile, ...]]:
    """The same files, with the hashes that were computed for them."""
    return {
        name: tuple(known.get(file.url, file) for file in files) for name, files in listed.items()
    }


def _refuse_missing(
    packages: Iterable[LockedPackage],
    listed: Mapping[NormalizedName, tuple[DistributionFile, ...]],
    order: ExportOrder,
) -> None:
    for package in packages:
        where = index_words(order.settings, package.name)
        known = {f"{kind}:{h}" for f in listed[package.name] for kind, h in f.hashes.items()}
        pin = f"{package.name} {package.version}"
        if not listed[package.name]:
            raise IndexFailure(f"{where} has no file of {pin}", "--index-url URL")
        if package.hashes and not known.intersection(package.hashes):
            raise IndexFailure(
                f"{where} has no file of {pin} with a hash that {order.source} locks: the lock is"
                " of another index, or files were replaced",
                "--index-url URL",
            )


def _is_locked(package: LockedPackage, file: DistributionFile) -> bool:
    known = {f"{kind}:{digest}" for kind, digest in file.hashes.items()}
    return not package.hashes or not known.isdisjoint(package.hashes)


def _named(packages: list[LockedPackage]) -> str:
    names = [package.name for package in packages]
    more = len(names) - 3
    return ", ".join(names[:3]) + (f" and {more} more" if more > 0 else "")


def run_export(
    own: ExportOptions, taken: ChosenOptions, index: IndexOptions, talk: TalkOptions
) -> int:
    """Do `envlock export`."""
    lock = own.lock or configured_lock() or usual_lock([*locks_in(Path())])
    refuse_missing(lock, "envlock export")
    kind = _format(own, lock)
    order = ExportOrder(
        source=lock,
        kind=kind,
        settings=configured_settings(index),
        command=shlex.join(["envlock", "export", lock.as_posix(), "--format", kind]),
        name=project_name(),
        python=own.python,
        platform=read_platform(own.platform) if own.platform else None,
        chosen=chosen(taken),
        together=own.universal,
        environment=own.environment,
    )
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    output = None if own.output == STANDARD_OUTPUT else own.output
    if output is not None:
        try_export(output, kind, progress)
    texts = export(order, progress)
    if output is None:
        return _print(kind, texts, as_json=talk.json)
    files = _places(output, texts)
    changed = write_export(files, lock)
    if talk.json:
        names = [str(path) for path in files]
        say_json("export", {"format": kind, "files": names, "written": list(map(str, changed))})
    else:
        rows = (f"{'written' if path in changed else 'unchanged'}  {path}" for path in files)
        say("\n".join(rows))
    return 0


def _print(kind: Format, texts: Mapping[str, str], *, as_json: bool) -> int:
    if as_json:
        say_json("export", {"format": kind, "texts": dict(texts)})
        return 0
    if len(texts) > 1:
        raise UsageError(f"these are {len(texts)} files: {', '.join(texts)}", "-o .")
    say(next(iter(texts.values())).removesuffix("\n"))
    return 0


def _places(output: Path, texts: Mapping[str, str]) -> dict[Path, str]:
    """Where the texts go: into a folder under their own names, or one into the file named."""
    if output.is_dir():
        return {output / name: text for name, text in texts.items()}
    if len(texts) > 1:
        raise UsageError(
            f"{output} is one file, and these are {len(texts)}: {', '.join(texts)}",
            f"-o {shlex.quote(output.parent.as_posix())}",
        )
    return {output: next(iter(texts.values()))}


def _format(own: ExportOptions, lock: Path) -> Format:
    """The format that is asked for, by its name or the file's; both must agree."""
    given = None if own.output == STANDARD_OUTPUT else own.output
    named = None if given is None or given.is_dir() else given
    told = format_of(named) if named else None
    kind = own.format or told
    if kind is None:
        read_lock(lock.name, read_text(lock))  # else no format is the answer
        raise UsageError(
            "which format? There are " + ", ".join(Format),
            f"--format {Format.REQUIREMENTS}",
        )
    if named is not None and told is not kind:
        raise UsageError(
            f"{named} is not a name for the format {kind}", f"-o {LOCKS[kind].filename}"
        )
    return kind
