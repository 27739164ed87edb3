"""What a lock is asked for: words and files, read."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envlock.choices import ALL_BUILDS, Accelerator
from envlock.cli.options import CondaOptions, RequestOptions
from envlock.cli.orders import Settled, needs, tell_place
from envlock.cli.output import talk
from envlock.commands.lock.folder import Typed, Understood, is_environment, is_for_conda
from envlock.commands.lock.selections import gathered
from envlock.conda.channels import hide, host_of, variables_of
from envlock.config import Config, SaidBy
from envlock.errors import UsageError
from envlock.formats.conda_spec import parse_spec
from envlock.formats.faults import Faults
from envlock.formats.registry import FileFormat, format_at
from envlock.index.secrets import learn_url
from envlock.index.settings import choices_of_user
from envlock.model import CondaSpec, Request, Requested
from envlock.progress import Progress
from envlock.request.environment_yml import read_environment
from envlock.request.files import (
    Apart,
    FileOption,
    ParsedFile,
    bounds_of,
    read_constraints_file,
    read_request_file,
)
from envlock.request.words import parse_words
from envlock.rules.frameworks import framework, framework_of
from envlock.rules.traps import traps
from envlock.system.looking import expand

_PROJECT = "pyproject.toml"

#: Where conda packages come from when nobody says.
_USUAL = frozenset({"conda-forge", "nodefaults"})

_MINOR = re.compile(r"\d+(\.\d+){0,2}")


def read_asked(
    understood: Understood, settled: Settled, by_itself: Apart, progress: Progress
) -> tuple[Request, SpecifierSet, tuple[FileOption, ...]]:
    """The words and files of a request, the Pythons that its projects are for, options of files.

    What was read and left out is told.

    Raises:
        UsageError: what is read makes no sense, or contradicts what is said elsewhere.
    """
    typed, options = understood.typed, understood.typed.request
    _refuse_unread(options)
    of_conda = is_for_conda(options, typed.conda)
    request = _of_words(understood, settled, of_conda=of_conda)
    files = [
        read_request_file(path, extras=options.extra, groups=options.group, apart=by_itself)
        for path in options.requirement_file
        if not (of_conda and is_environment(path))
    ]
    bounds = [read_constraints_file(path) for path in options.constraint_file]
    bounds.append(bounds_of(typed.bounds, typed.bounded))
    said = (request.notes, *(parsed.notes for parsed in (*files, *bounds)))
    for note in dict.fromkeys(each for notes in said for each in notes):
        progress.note(note)
    pythons = SpecifierSet()
    for parsed in files:
        pythons &= parsed.requires_python or SpecifierSet()
    own = request.requirements
    asked = (each for parsed in files for each in parsed.requirements)
    found = replace(
        request,
        requirements=(*own, *asked) if of_conda else (*asked, *own),
        optional=gathered(files),
        constraints=tuple(each for parsed in (*files, *bounds) for each in parsed.constraints),
        users=tuple(each for parsed in _of_user(progress) for each in parsed.constraints),
        accelerator=settled.accelerator,
        exclude_newer=settled.exclude_newer,
        needs=needs(options),
        no_imports=tuple(map(canonicalize_name, options.no_imports)),
        allow_build=tuple(map(_buildable, options.allow_build)),
    )
    _tell_traps(found.requirements, progress)
    _refuse_contradiction(found, settled, understood)
    return found, pythons, tuple(each for parsed in (*files, *bounds) for each in parsed.options)


def _buildable(name: str) -> str:
    """What --allow-build says: a package, or all."""
    return name if name == ALL_BUILDS else canonicalize_name(name)


def _tell_traps(requirements: Iterable[Requested], progress: Progress) -> None:
    """Say which names are not what people mean, before anything is solved."""
    for each in requirements:
        trap = traps().get(canonicalize_name(each.requirement.name))
        if trap is not None:
            place, colon, _ = each.origin.rpartition(":")
            way = f" (envlock fix {shlex.quote(place)} does it)" if colon else ""
            progress.note(f"{each.origin}: {trap}{way}")


#: What says that versions are bounded; anything else chooses between wheels and sources.
_BOUNDING = re.compile(r"(?i)(?:PIP_|UV_|.*\] )constraint")


def _of_user(progress: Progress) -> Iterator[ParsedFile]:
    """The constraints that the user gives to pip and uv; what else these are told is said here."""
    for where, text in choices_of_user(os.environ).items():
        if not _BOUNDING.fullmatch(where):
            progress.note(
                f"{where} is not obeyed: envlock takes wheels, and sources of what has none"
            )
            continue
        for name in text.split():
            if "://" in name:
                progress.note(f"{where}: {hide(name)} is not read: only files are")
                continue
            yield read_constraints_file(expand(name))


def _of_words(understood: Understood, settled: Settled, *, of_conda: bool) -> Request:
    """The words of a request; of conda with its environment file, which they add to."""
    typed, options = understood.typed, understood.typed.request
    if of_conda:
        request = _of_environment(options, typed.conda, understood.config)
        specs = [*request.specs, *_specs(typed)]
        return replace(request, specs=(*specs, *_python(settled.python, specs)))
    if options.requirements or not options.requirement_file:
        return Request(requirements=parse_words(options.requirements, typed.origin))
    return Request()


def _refuse_unread(options: RequestOptions) -> None:
    """Refuse what is of a project where none is read."""
    projects = [p for p in options.requirement_file if format_at(p) is FileFormat.PYPROJECT]
    asked = [f"--extra {name}" for name in options.extra]
    asked += [f"--group {name}" for name in options.group]
    asked += ["--all-extras"] if options.all_extras else []
    asked += ["--all-groups"] if options.all_groups else []
    if asked and not projects:
        raise UsageError(f"{asked[0]} is of a {_PROJECT}, and none is read", f"-r {_PROJECT}")


def _of_environment(options: RequestOptions, conda: CondaOptions, config: Config) -> Request:
    """What the one environment file asks for, with the channels that were typed before its own."""
    found = [path for path in options.requirement_file if is_environment(path)]
    if len(found) > 1:
        raise UsageError(
            f"-r {found[1]}: one environment file is locked at a time", f"-r {found[0]}"
        )
    asked = read_environment(found[0]) if found else Request()
    if found:
        _tell_channels(asked, f"{found[0]}: channels", conda.channel)
    of_user = config.by("channels") in {SaidBy.USER, SaidBy.VARIABLE}
    typed = (*conda.channel, *(config.channels if of_user else ()))
    chosen = Request(channels=() if of_user else config.channels)
    _tell_channels(chosen, next((w for w in config.places if w.endswith(": channels")), ""), typed)
    channels = tuple(dict.fromkeys((*typed, *chosen.channels, *asked.channels)))
    return replace(asked, channels=channels, typed=typed)


def _tell_channels(asked: Request, where: str, typed: Iterable[str]) -> None:
    """Name the channels that an environment file chose, and the variables they are given."""
    of_specs = (spec.channel for spec in asked.specs if spec.channel)
    for channel in dict.fromkeys((*asked.channels, *of_specs)):
        if channel in _USUAL or channel in typed or _is_folder(channel):
            continue
        learn_url(channel)
        tell_place(where, hide(channel))
        for name in variables_of(channel):
            talk(f"{where}: {host_of(channel)} asks for the value of ${name}")


def _is_folder(channel: str) -> bool:
    """Whether a channel is on this disk: what it has came here already."""
    return channel.startswith(("file:", "/", "./", "../", "~"))


def _specs(typed: Typed) -> tuple[CondaSpec, ...]:
    """The words that were typed, as conda's packages."""
    faults, options = Faults(), typed.request
    found: list[CondaSpec] = []
    for word in options.requirements or (() if options.requirement_file else framework().request):
        with faults.collect(""):
            found.append(parse_spec(word, origin=typed.origin))
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


def _refuse_contradiction(asked: Request, settled: Settled, understood: Understood) -> None:
    """Refuse CUDA and no CUDA at once, with both places.

    Raises:
        UsageError: a requirement has the extra of the framework that brings CUDA, and the
            build without it is to be taken.
    """
    if settled.accelerator is not Accelerator.CPU:
        return
    for each in asked.requirements:
        found = framework_of(canonicalize_name(each.requirement.name))
        if found is None or found.cuda_extra not in each.requirement.extras:
            continue
        flag = understood.typed.request.accelerator is not None
        where = "--accelerator" if flag else understood.config.where("accelerator")
        raise UsageError(
            f"{each.origin} asks for {each.requirement}, which brings CUDA, and {where} says"
            f" {settled.accelerator}, the build without it",
            "--accelerator cuda",
            f"in {each.origin}, leave [{found.cuda_extra}] out",
        )
