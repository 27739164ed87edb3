"""From parsed options to the jobs of `envlock lock` and `envlock create`."""

from __future__ import annotations

import shlex
from itertools import pairwise
from pathlib import Path

from msgspec.structs import replace

from envlock.choices import STANDARD_OUTPUT, Format, Manager
from envlock.cli.options import LockFileOptions, RequestOptions
from envlock.cli.orders import (
    Settled,
    here,
    index_settings,
    project_name,
    repeated,
    request_words,
    settle,
)
from envlock.cli.output import tell_source
from envlock.commands.lock.folder import Typed, is_for_conda, recorded, understand, with_places
from envlock.commands.lock.options import with_options
from envlock.commands.lock.outputs import output_files
from envlock.commands.lock.reading import read_asked
from envlock.commands.lock.selections import apart, refuse_chosen_from, refuse_formats, usual
from envlock.conda.channels import strip_channel
from envlock.config import SaidBy
from envlock.errors import UsageError
from envlock.formats.comments import own_command
from envlock.formats.lock_rows import for_platform
from envlock.formats.registry import LOCKS
from envlock.locking import existing
from envlock.locking.beside import look
from envlock.locking.job import Job
from envlock.model import Lock
from envlock.progress import Progress
from envlock.request.words import parse_upgrades
from envlock.targets.find import suitable, terms
from envlock.targets.platforms import (
    NamedPlatform,
    find_known,
    python_version,
    read_platform,
    read_platforms,
)


def create_job(typed: Typed, progress: Progress) -> Job:
    """Everything that `envlock create` locks by.

    Raises:
        UsageError: an option or an input file makes no sense, or a platform is named.
    """
    job = lock_job("create", typed, progress)
    if STANDARD_OUTPUT in job.outputs:
        raise UsageError(
            "-o -: the lock of an environment is a file; only envlock lock prints one",
            "leave -o out",
        )
    if typed.request.platform:
        raise UsageError(
            f"--platform {typed.request.platform[0]}: an environment is built and proved on this"
            " machine; a lock can be for another one",
            job.command,
        )
    job = replace(job, builds=True)
    _refuse_other_python(job)
    return job


def lock_job(verb: str, typed: Typed, progress: Progress) -> Job:
    """Everything that `envlock lock` locks by, for this machine or the platforms that are named.

    Raises:
        UsageError: an option or an input file makes no sense.
    """
    understood = understand(verb, typed, progress)
    own, typed, config = typed, understood.typed, understood.config
    settled = settle(typed.request, typed.files, config)
    of_conda = is_for_conda(typed.request, typed.conda)
    if verb != "docker" and not of_conda:
        refuse_chosen_from(verb, typed.files, settled.formats)
    by_itself = apart(verb, typed.request, of_conda=of_conda)
    asked, pythons, options = read_asked(understood, settled, by_itself, progress)
    index, kinds, told = with_options(typed.index, options, named=_names_files(own.request))
    job = Job(
        request=replace(asked, pip_options=told),
        words=request_words(*with_places(understood), settled),
        typed=recorded(verb, own, understood, settled),
        inputs=(*typed.request.requirement_file, *typed.request.constraint_file),
        manager=typed.conda.manager or Manager.CONDA,
        settings=replace(index_settings(index, config), kinds=kinds),
        outputs={},
        command="",
        name=project_name(),
        verb=verb,
        python=settled.python,
        python_said="--python" if typed.request.python else config.where("python"),
        recalled=typed.request.python is None and config.by("python") is SaidBy.LOCK,
        requires_python=pythons,
        engine=settled.engine,
        rules=settled.rules,
        upgrade=typed.request.upgrade,
        upgrades=parse_upgrades(typed.request.upgrade_package),
        fresh=typed.request.fresh,
        evidence=(*config.evidence, *typed.request.evidence),
    )
    if of_conda:
        _refuse_universal(own.files)
        remembered = config.formats if config.by("formats") is SaidBy.LOCK else ()
        files = replace(typed.files, format=typed.files.format or remembered)
        return _for_conda(job, replace(typed, files=files), settled)
    return _with_python(_for_pip(job, typed, settled), progress)


def _names_files(typed: RequestOptions) -> bool:
    return bool(typed.requirement_file or typed.constraint_file)


def _with_python(job: Job, progress: Progress) -> Job:
    """The job with a Python that the project is for, where nobody names one."""
    if not job.requires_python or not (job.python is None or job.recalled):
        return job
    known = python_version(job.python or "")
    if known is not None and job.requires_python.contains(known, prereleases=True):
        return job
    if job.recalled:
        progress.note(f"requires-python {job.requires_python} leaves Python {job.python} out")
    wanted = terms(job.request, job.requires_python, here=job.verb == "create")
    found = suitable(next(iter(job.places), None), wanted)
    if found is not None:
        tell_source(f"Python {found}", f"requires-python {job.requires_python}", progress)
    said = "requires-python" if found else ""
    return replace(job, python=found, python_said=said, recalled=False)


def _refuse_other_python(job: Job) -> None:
    """Refuse to write the lock of an environment over one for another Python.

    Whoever wants that says that nothing of the old one is to be kept.

    Raises:
        UsageError: a lock that is there is for another Python.
    """
    if job.upgrade or job.subdirs:
        return
    for path in job.outputs:
        there = look(path)
        if there is None or not (there.ours and there.python) or job.recalled:
            continue
        minor = job.target().minor
        if minor != there.python:
            said = f" ({job.python_said})" if job.python_said else ""
            raise UsageError(
                f"{path} is for Python {there.python}, and an environment of Python {minor} is"
                f" asked for{said}: the lock would be written over",
                f"--python {there.python}",
                f"-o {shlex.quote(for_platform(path, f'py{minor}'.replace('.', '')).as_posix())}",
                "-U",
            )


def _for_pip(job: Job, typed: Typed, settled: Settled) -> Job:
    """The job of Python packages alone.

    Where no platform is named now, those of a lock that is there are kept.
    """

    def held(places: tuple[NamedPlatform, ...], *, together: bool) -> Job:
        outputs = output_files(
            typed.request,
            replace(typed.files, format=settled.formats),
            [str(each.platform) for each in places] or [""],
            usual=usual(job.request.optional),
            apart=len(places) == 1,
            together=together,
        )
        refuse_formats(outputs.values(), job.request.optional)
        words = ["envlock", "lock", *job.words]
        words += repeated("--format", settled.formats) + _named(typed.files.output)
        words += ["--universal"] if together else []
        words += repeated("--platform", (each.option for each in places))
        command = shlex.join(words)
        return replace(job, places=places, together=together, outputs=outputs, command=command)

    # What is built, or goes into an image, is not for the platforms of the project's locks.
    named = read_platforms(settled.platforms if job.verb == "lock" else typed.request.platform)
    places = tuple(sorted(named, key=lambda each: str(each.platform)))
    if typed.files.universal and len(places) < 2:  # noqa: PLR2004  (one platform has one file anyway)
        raise UsageError(
            "--universal puts several platforms into one file, and"
            f" {places[0].option if places else 'none'} is named",
            "--platform linux-x86_64 --platform macos-arm64",
        )
    found = held(places, together=typed.files.universal)
    wider = None if places else existing.wider(found)
    if wider is None:
        return found
    if job.verb != "lock":
        raise _wider_than_here(next(iter(found.outputs)), wider)
    return held(_places(wider), together=any(map(_holds_by_markers, found.outputs.values())))


def _wider_than_here(path: Path, there: Lock) -> UsageError:
    places = " and ".join(each.place for each in there.parts)
    return UsageError(
        f"{path} is for {places}, and the lock of an environment is for this machine alone",
        f"envlock sync {shlex.quote(path.as_posix())}",
        f"-o {shlex.quote(path.with_stem(f'{path.stem}.here').as_posix())}",
    )


def _holds_by_markers(kind: Format) -> bool:
    return LOCKS[kind].markers


def _places(lock: Lock) -> tuple[NamedPlatform, ...]:
    """The platforms that a lock is for, as they were named when it was made."""
    words = shlex.split(own_command(lock.command))
    options = [value for option, value in pairwise(words) if option == "--platform"]
    named = {str(each.platform): each for each in read_platforms(options)}
    return tuple(named.get(each.place) or read_platform(each.place) for each in lock.parts)


def _named(output: Path | None) -> list[str]:
    return [] if output is None or output == STANDARD_OUTPUT else ["-o", here(output)]


def _refuse_universal(files: LockFileOptions) -> None:
    if files.universal:
        raise UsageError(
            "--universal is for locks that pip installs alone; of conda's packages one file holds"
            " all platforms as it is",
            f"--format {Format.CONDA_LOCK}",
        )


def _for_conda(job: Job, typed: Typed, settled: Settled) -> Job:
    """The job of conda's packages, and pip's beside them.

    Where none is named now, the platforms of a lock that is there are kept.
    """
    files = typed.files

    def outputs(subdirs: tuple[str, ...]) -> dict[Path, Format]:
        found = output_files(typed.request, files, subdirs, usual=Format.CONDA_LOCK, of_conda=True)
        held = {path: kind for path, kind in found.items() if LOCKS[kind].conda}
        if not (held or job.request.requirements):
            raise UsageError(
                f"pip installs nothing of this request, and {next(iter(found.values()))} holds"
                " nothing else",
                f"--format {Format.CONDA_LOCK}",
            )
        return found if job.request.requirements else held

    words = ["envlock", "lock", *job.words]
    words += ["--manager", "conda"] if typed.conda.manager is not None else []
    words += repeated("--channel", map(strip_channel, typed.conda.channel))
    words += repeated("--platform", (each.option for each in read_platforms(settled.platforms)))
    words += ["--python", settled.python] if settled.python else []
    words += repeated("--format", files.format) + _named(files.output)
    subdirs = _subdirs(job, typed.request, settled)
    named = settled.platforms or job.request.platforms
    job = replace(
        job,
        subdirs=subdirs,
        here=job.verb == "create" or not named,
        outputs=outputs(subdirs),
        command=shlex.join(words),
    )
    wider = existing.wider(job)
    if wider is None:
        return job
    subdirs = tuple(each.subdir for each in wider.parts)
    command = own_command(wider.command) or job.command
    return replace(job, subdirs=subdirs, outputs=outputs(subdirs), command=command, here=False)


def _subdirs(job: Job, options: RequestOptions, settled: Settled) -> tuple[str, ...]:
    """The platforms to lock for: those that were named or configured, else this machine's."""
    from envlock.conda import rattler  # noqa: PLC0415  (20 ms, not for pip alone)

    own, _ = rattler.detect()
    if job.verb == "create":
        return (own,)
    subdirs = list(job.request.platforms)
    if options.platform or not subdirs:
        named = [find_known(each.platform) for each in read_platforms(settled.platforms)]
        subdirs = [each.conda for each in named if each is not None]
    return tuple(sorted(dict.fromkeys(subdirs or [own])))
