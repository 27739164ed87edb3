"""From the options of `envlock docker` to what its workflow takes."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from envlock.choices import STANDARD_OUTPUT, EngineName, Format
from envlock.cli.jobs import lock_job
from envlock.cli.options import (
    CondaOptions,
    IndexOptions,
    LockFileOptions,
    RequestOptions,
    is_for_conda,
)
from envlock.cli.orders import here, request_words, settle
from envlock.commands.docker import ImageOptions
from envlock.config import load_config
from envlock.docker.bases import base_words
from envlock.docker.quoting import parse_image, parse_label
from envlock.engine import ENGINES, crossing
from envlock.errors import UsageError
from envlock.progress import Progress
from envlock.system.looking import current_folder
from envlock.targets.platforms import Place, find_known, read_platform
from envlock.workflow.image import DockerOrder, Machine

_ARM = {"aarch64", "arm64"}


def docker_order(
    request: RequestOptions, own: ImageOptions, index: IndexOptions, progress: Progress
) -> DockerOrder:
    """Everything that `envlock docker` makes an image by.

    Raises:
        UsageError: an option or an input file makes no sense.
    """
    _refuse_impossible(request, own)
    name, _ = crossing()
    if request.engine is not None and not ENGINES[request.engine]().crosses_platforms:
        progress.note(
            f"{name} resolves for an image, whichever machine asks for it; {request.engine} cannot"
        )
    labels = dict(map(parse_label, own.label))
    machines = dict(_machines(request))
    asked = replace(request, platform=tuple(machines.values()), engine=name)
    job = lock_job("docker", asked, CondaOptions(), index, LockFileOptions(), progress)
    options = tuple(_options(own))
    command = shlex.join([*_words(asked, index), *options])
    common = replace(job, command=command)
    several = len(machines) > 1
    asked_for = tuple(
        Machine(
            name=name,
            path=path,
            job=replace(common, places=(place,), outputs=outputs),
        )
        for name, place in _places(machines).items()
        for path in [own.output / f"requirements{f'.{name}' if several else ''}.lock"]
        for outputs in [{path: Format.REQUIREMENTS}]
    )
    return DockerOrder(
        machines=asked_for,
        folder=own.output,
        command=command,
        labels=labels,
        options=options,
        base=own.base,
        digest=own.base_digest,
        freeze=own.base_freeze,
        verify=not own.no_verify,
    )


def _refuse_impossible(request: RequestOptions, own: ImageOptions) -> None:
    if own.base is not None and own.base not in base_words():
        parse_image(own.base, own.base_digest)
    if own.output == STANDARD_OUTPUT:
        raise UsageError("-o -: these are several files, and a folder is needed", "-o image")
    if own.output.exists() and not own.output.is_dir():
        raise UsageError(f"-o {own.output}: is a file, and a folder is needed", "-o image")
    if is_for_conda(request, CondaOptions()):
        raise UsageError(
            "an image is built from Python packages alone, and an environment file asks conda too",
            "write its packages as requirements, and give those: -r requirements.in",
        )


def _places(machines: Mapping[str, str]) -> dict[str, Place]:
    """The machines that are asked for, each with its platform."""
    return {name: read_platform(asked) for name, asked in machines.items()}


def _words(asked: RequestOptions, index: IndexOptions) -> tuple[str, ...]:
    """The words of the command that a lock follows from; which engine it was need not be said."""
    settled = settle(asked, LockFileOptions(), load_config(current_folder(), os.environ))
    words = request_words(asked, index, replace(settled, engine=EngineName.PIPTOOLS))
    return ("envlock", "docker", *words, "--platform", ",".join(asked.platform))


def _machines(request: RequestOptions) -> Iterator[tuple[str, str]]:
    """Docker's names of the machines that are asked for, this one where none is, as typed too."""
    if not request.platform:
        machine = "arm64" if platform.machine().lower() in _ARM else "amd64"
        yield machine, f"linux/{machine}"
    for name in (each for names in request.platform for each in names.split(",")):
        known = find_known(read_platform(name).platform)
        system, _, machine = (known.docker if known else "").partition("/")
        if system != "linux":
            raise UsageError(
                f"--platform {name}: images are made for linux/amd64 and linux/arm64",
                "--platform linux/amd64",
            )
        yield machine, name


def _options(own: ImageOptions) -> Iterator[str]:
    """The words of a command that say the same again, but for --check."""
    if own.base is not None:
        yield from ("--base", own.base)
    if own.base_digest is not None:
        yield from ("--base-digest", own.base_digest)
    if own.base_freeze is not None:
        yield from ("--base-freeze", here(own.base_freeze))
    for label in own.label:
        yield from ("--label", label)
    if own.no_verify:
        yield "--no-verify"
    if here(own.output) != ".":
        yield from ("-o", here(own.output))
