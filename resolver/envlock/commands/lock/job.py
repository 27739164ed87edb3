"""From parsed options to the jobs of `envlock lock` and `envlock create`."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from envlock.choices import STANDARD_OUTPUT, Format, Manager
from envlock.cli.options import CondaOptions, IndexOptions, LockFileOptions, RequestOptions
from envlock.cli.orders import (
    Settled,
    here,
    index_settings,
    needs,
    project_name,
    repeated,
    request_words,
    settle,
    tell_place,
)
from envlock.cli.output import talk
from envlock.commands.lock.outputs import output_files
from envlock.commands.lock.selections import apart, gathered, refuse_formats, usual, with_kept
from envlock.conda.channels import hide, host_of, strip_channel, variables_of
from envlock.config import load_config
from envlock.errors import UsageError
from envlock.formats.comments import own_command
from envlock.formats.conda_spec import parse_spec
from envlock.formats.faults import Faults
from envlock.formats.registry import (
    LOCKS,
    FileFormat,
    format_at,
)
from envlock.index.secrets import learn_url
from envlock.locking import existing
from envlock.locking.job import Job
from envlock.model import CondaSpec, Lock, Request
from envlock.progress import Progress
from envlock.request.environment_yml import read_environment
from envlock.request.files import Apart, read_constraints_file, read_request_file
from envlock.request.words import parse_upgrades, parse_words
from envlock.rules.frameworks import framework
from envlock.system.looking import current_folder
from envlock.targets.platforms import Place, find_known, read_platform, read_platforms

_PROJECT = "pyproject.toml"

#: Where conda packages come from when nobody says.
_USUAL = frozenset({"conda-forge", "nodefaults"})

_MINOR = re.compile(r"\d+(\.\d+){0,2}")


class Typed(Struct, frozen=True, kw_only=True):
    """What was typed for a lock, a group of options each."""

    request: RequestOptions
    index: IndexOptions
    conda: CondaOptions = CondaOptions()
    files: LockFileOptions = LockFileOptions()


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
    return replace(job, builds=True)


def lock_job(verb: str, typed: Typed, progress: Progress) -> Job:
    """Everything that `envlock lock` locks by, for this machine or the platforms that are named.

    Raises:
        UsageError: an option or an input file makes no sense.
    """
    config = load_config(current_folder(), os.environ)
    settled = settle(typed.request, typed.files, config)
    of_conda = is_for_conda(typed.request, typed.conda)
    if verb != "docker" and not of_conda:
        kept = with_kept(verb, typed.request, typed.files, settled.formats)
        typed = replace(typed, request=kept)
    by_itself = apart(verb, typed.request, of_conda=of_conda)
    asked, pythons = _read(typed, settled, by_itself, progress)
    job = Job(
        request=asked,
        settings=index_settings(typed.index, config),
        outputs={},
        command="",
        name=project_name(),
        verb=verb,
        python=settled.python,
        requires_python=pythons,
        engine=settled.engine,
        rules=settled.rules,
        upgrade=typed.request.upgrade,
        upgrades=parse_upgrades(typed.request.upgrade_package),
        fresh=typed.request.fresh,
        evidence=(*config.evidence, *typed.request.evidence),
    )
    if of_conda:
        _refuse_universal(typed.files)
        return _for_conda(job, typed, settled)
    return _for_pip(job, typed, settled)


def _for_pip(job: Job, typed: Typed, settled: Settled) -> Job:
    """The job of Python packages alone.

    Where no platform is named now, those of a lock that is there are kept.
    """

    def held(places: tuple[Place, ...], *, together: bool) -> Job:
        outputs = output_files(
            typed.request,
            replace(typed.files, format=settled.formats),
            [str(each.platform) for each in places] or [""],
            usual=usual(job.request.optional),
            apart=len(places) == 1,
            together=together,
        )
        refuse_formats(outputs.values(), job.request.optional)
        words = ["envlock", "lock", *request_words(typed.request, typed.index, settled)]
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


def _places(lock: Lock) -> tuple[Place, ...]:
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

    def outputs(subdirs: tuple[str, ...]) -> dict[Path, Format]:
        found = output_files(
            typed.request, typed.files, subdirs, usual=Format.CONDA_LOCK, of_conda=True
        )
        held = {path: kind for path, kind in found.items() if LOCKS[kind].conda}
        if not (held or job.request.requirements):
            raise UsageError(
                f"pip installs nothing of this request, and {next(iter(found.values()))} holds"
                " nothing else",
                f"--format {Format.CONDA_LOCK}",
            )
        return found if job.request.requirements else held

    words = ["envlock", "lock", *request_words(typed.request, typed.index, settled)]
    words += ["--manager", "conda"] if typed.conda.manager is not None else []
    words += repeated("--channel", map(strip_channel, typed.conda.channel))
    words += repeated(
        "--platform", (each.option for each in read_platforms(typed.request.platform))
    )
    words += ["--python", settled.python] if settled.python else []
    words += repeated("--format", typed.files.format) + _named(typed.files.output)
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


def _read(
    typed: Typed,
    settled: Settled,
    by_itself: Apart,
    progress: Progress,
) -> tuple[Request, SpecifierSet]:
    """The words and files of a request, and the Pythons that its projects are for.

    What was read and left out is told.
    """
    options = typed.request
    _refuse_unread(options)
    of_conda = is_for_conda(options, typed.conda)
    request = _of_environment(options, typed.conda) if of_conda else Request()
    files = [
        read_request_file(path, extras=options.extra, groups=options.group, apart=by_itself)
        for path in options.requirement_file
        if not (of_conda and _is_environment(path))
    ]
    bounds = [read_constraints_file(path) for path in options.constraint_file]
    said = (request.notes, *(parsed.notes for parsed in (*files, *bounds)))
    for note in dict.fromkeys(each for notes in said for each in notes):
        progress.note(note)
    pythons = SpecifierSet()
    for parsed in files:
        pythons &= parsed.requires_python or SpecifierSet()
    if of_conda:
        specs = [*request.specs, *_specs(options)]
        request = replace(request, specs=(*specs, *_python(settled.python, specs)))
    elif options.requirements or not options.requirement_file:
        request = replace(request, requirements=parse_words(options.requirements))
    own = request.requirements
    asked = (each for parsed in files for each in parsed.requirements)
    return replace(
        request,
        requirements=(*own, *asked) if of_conda else (*asked, *own),
        optional=gathered(files),
        constraints=tuple(each for parsed in (*files, *bounds) for each in parsed.constraints),
        accelerator=settled.accelerator,
        exclude_newer=settled.exclude_newer,
        needs=needs(options),
    ), pythons


def _refuse_unread(options: RequestOptions) -> None:
    """Refuse what is of a project where none is read."""
    projects = [p for p in options.requirement_file if format_at(p) is FileFormat.PYPROJECT]
    asked = [f"--extra {name}" for name in options.extra]
    asked += [f"--group {name}" for name in options.group]
    asked += ["--all-extras"] if options.all_extras else []
    asked += ["--all-groups"] if options.all_groups else []
    if asked and not projects:
        raise UsageError(f"{asked[0]} is of a {_PROJECT}, and none is read", f"-r {_PROJECT}")


def _is_environment(path: Path) -> bool:
    return format_at(path) is FileFormat.ENVIRONMENT


def _of_environment(options: RequestOptions, conda: CondaOptions) -> Request:
    """What the one environment file asks for, with the channels that were typed before its own."""
    found = [path for path in options.requirement_file if _is_environment(path)]
    if len(found) > 1:
        raise UsageError(
            f"-r {found[1]}: one environment file is locked at a time", f"-r {found[0]}"
        )
    asked = read_environment(found[0]) if found else Request()
    if found:
        _tell_channels(asked, found[0], conda.channel)
    channels = tuple(dict.fromkeys((*conda.channel, *asked.channels)))
    return replace(asked, channels=channels, typed=conda.channel)


def _tell_channels(asked: Request, path: Path, typed: Iterable[str]) -> None:
    """Name the channels that an environment file chose, and the variables they are given."""
    of_specs = (spec.channel for spec in asked.specs if spec.channel)
    for channel in dict.fromkeys((*asked.channels, *of_specs)):
        if channel in _USUAL or channel in typed or _is_folder(channel):
            continue
        learn_url(channel)
        tell_place(f"{path}: channels", hide(channel))
        for name in variables_of(channel):
            talk(f"{path}: channels: {host_of(channel)} asks for the value of ${name}")


def _is_folder(channel: str) -> bool:
    """Whether a channel is on this disk: what it has came here already."""
    return channel.startswith(("file:", "/", "./", "../", "~"))


def _specs(options: RequestOptions) -> tuple[CondaSpec, ...]:
    """The words that were typed, as conda's packages."""
    faults = Faults()
    found: list[CondaSpec] = []
    for word in options.requirements or (() if options.requirement_file else framework().request):
        with faults.collect(""):
            found.append(parse_spec(word))
    faults.finish()
    return tuple(found)


def _python(wanted: str | None, specs: list[CondaSpec]) -> list[CondaSpec]:
    """The Python that was asked for, unless the file says which."""
    if wanted is None or any(each.name == "python" and each.version for each in specs):
        return []
    if not _MINOR.fullmatch(wanted):
        raise UsageError(
            f"--python {wanted}: conda brings its own Python, so a version is needed",
            "--python 3.11",
        )
    return [CondaSpec(name="python", version=f"={wanted}")]


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


def is_for_conda(request: RequestOptions, conda: CondaOptions) -> bool:
    """Tell whether packages come from conda: as was said, or an environment file is read."""
    if conda.manager is not None:
        return conda.manager is not Manager.PIP
    if conda.channel:
        return True
    return any(format_at(path) is FileFormat.ENVIRONMENT for path in request.requirement_file)
