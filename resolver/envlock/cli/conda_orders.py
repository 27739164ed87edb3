"""From parsed options to what the conda workflows take."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from envlock.choices import STANDARD_OUTPUT, Format
from envlock.cli.options import CondaOptions, IndexOptions, LockFileOptions, RequestOptions
from envlock.cli.orders import Settled, here, index_settings, project_name, request_words, settle
from envlock.cli.output import talk
from envlock.cli.outputs import check_folder, format_for, printed_format
from envlock.cli.places import tell_place
from envlock.conda import rattler
from envlock.conda.channels import hide, host_of, public, variables_of
from envlock.conda.values import CondaRequest, CondaSpec
from envlock.config import load_config
from envlock.errors import UsageError
from envlock.formats.conda_spec import parse_spec
from envlock.formats.detect import FileFormat, format_at
from envlock.formats.faults import Faults
from envlock.index.secrets import learn_url
from envlock.model import Requested
from envlock.progress import Progress
from envlock.request.environment import read_environment
from envlock.request.files import read_constraints_file, read_request_file
from envlock.request.words import parse_names
from envlock.rules.frameworks import framework
from envlock.system.looking import current_folder
from envlock.targets.platforms import find_known, read_platforms
from envlock.workflow.conda.order import CondaOrder

#: Where conda packages come from when nobody says.
_USUAL = frozenset({"conda-forge", "nodefaults"})
_MINOR = re.compile(r"\d+(\.\d+){0,2}")


def conda_order(
    verb: str,
    request: RequestOptions,
    conda: CondaOptions,
    index: IndexOptions,
    files: LockFileOptions,
    progress: Progress,
) -> CondaOrder:
    """Everything that `envlock lock` and `envlock create` lock conda packages by.

    Raises:
        UsageError: an option or an input file makes no sense.
    """
    config = load_config(current_folder(), os.environ)
    settled = settle(request, files, config)
    asked, bounds = _read(request, conda, settled.python, progress)
    formats = tuple(dict.fromkeys(files.format))
    if files.output == STANDARD_OUTPUT:
        formats = (printed_format(formats, Format.CONDA_LOCK),)
    elif files.output is not None:
        formats = (format_for(files.output, formats, Format.CONDA_LOCK),)
        check_folder(files.output)
    return CondaOrder(
        request=asked,
        settings=index_settings(index, config),
        subdirs=_subdirs(verb, request, asked, settled),
        formats=formats or (Format.CONDA_LOCK,),
        command=_command(request, conda, index, settled, files),
        name=project_name(),
        verb=verb,
        here=verb == "create" or not (settled.platforms or asked.platforms),
        output=files.output,
        inputs=frozenset(
            path.resolve() for path in (*request.requirement_file, *request.constraint_file)
        ),
        constraints=bounds,
        accelerator=settled.accelerator,
        engine=settled.engine,
        exclude_newer=settled.exclude_newer,
        rules=settled.rules,
        upgrade=request.upgrade,
        upgrade_packages=parse_names(request.upgrade_package),
    )


def _command(
    request: RequestOptions,
    conda: CondaOptions,
    index: IndexOptions,
    settled: Settled,
    files: LockFileOptions,
) -> str:
    """Return the command that makes the same lock again, without credentials."""
    words = ["envlock", "lock", *request_words(request, index, settled)]
    words += ["--manager", "conda"] if conda.manager is not None else []
    words += _repeat("--channel", map(public, conda.channel))
    words += _repeat("--platform", (each.option for each in read_platforms(request.platform)))
    words += ["--python", settled.python] if settled.python else []
    words += _repeat("--format", files.format)
    words += ["-o", here(files.output)] if files.output not in {None, STANDARD_OUTPUT} else []
    return shlex.join(words)


def _repeat(flag: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]


def _read(
    options: RequestOptions, conda: CondaOptions, python: str | None, progress: Progress
) -> tuple[CondaRequest, tuple[Requested, ...]]:
    """The words and files of a request; what was read and left out is told."""
    files = options.requirement_file
    environments = [path for path in files if format_at(path) is FileFormat.ENVIRONMENT]
    if len(environments) > 1:
        raise UsageError(
            f"-r {environments[1]}: one environment file is locked at a time",
            f"-r {environments[0]}",
        )
    asked = read_environment(environments[0]) if environments else CondaRequest()
    if environments:
        _tell_channels(asked, environments[0], conda.channel)
    others = [
        read_request_file(path, extras=options.extra, groups=options.group)
        for path in files
        if path not in environments
    ]
    bounds = [read_constraints_file(path) for path in options.constraint_file]
    said = (asked.notes, *(parsed.notes for parsed in (*others, *bounds)))
    for note in dict.fromkeys(each for notes in said for each in notes):
        progress.note(note)
    specs = [*asked.specs, *_words(options)]
    specs += _python(python, specs)
    return replace(
        asked,
        channels=tuple(dict.fromkeys((*conda.channel, *asked.channels))),
        typed=conda.channel,
        specs=tuple(specs),
        pip=(*asked.pip, *(each for parsed in others for each in parsed.requirements)),
    ), tuple(each for parsed in (*others, *bounds) for each in parsed.constraints)


def _tell_channels(asked: CondaRequest, path: Path, typed: Iterable[str]) -> None:
    """Name the channels that an environment file chose, and the variables they are given."""
    of_specs = (spec.channel for spec in asked.specs if spec.channel)
    for channel in dict.fromkeys((*asked.channels, *of_specs)):
        if channel in _USUAL or channel in typed or _is_folder(channel):
            continue
        learn_url(channel)
        tell_place(f"{path}: channels", hide(channel))
        for name in variables_of(channel):
            talk(f"{path}: channels: {host_of(channel)} is given the value of ${name}")


def _is_folder(channel: str) -> bool:
    """Whether a channel is on this disk: what it has came here already."""
    return channel.startswith(("file:", "/", "./", "../", "~"))


def _words(options: RequestOptions) -> tuple[CondaSpec, ...]:
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


def _subdirs(
    verb: str, options: RequestOptions, asked: CondaRequest, settled: Settled
) -> tuple[str, ...]:
    """The platforms to lock for: those that were named or configured, else this machine's."""
    own, _ = rattler.detect()
    if verb == "create":
        if options.platform:
            raise UsageError(
                f"--platform {options.platform[0]}: an environment is built and proved on this"
                " machine; a lock can be for another one",
                "envlock lock",
            )
        return (own,)
    subdirs = list(asked.platforms)
    if options.platform or not subdirs:
        named = [find_known(each.platform) for each in read_platforms(settled.platforms)]
        subdirs = [each.conda for each in named if each is not None]
    return tuple(sorted(dict.fromkeys(subdirs or [own])))
