"""`envlock docker`."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from envlock import report
from envlock.choices import STANDARD_OUTPUT, EngineName, Format
from envlock.cli.options import (
    CondaOptions,
    IndexOptions,
    LockFileOptions,
    RequestOptions,
    TalkOptions,
)
from envlock.cli.orders import here, request_words, settle
from envlock.cli.output import progress_for, say, say_json
from envlock.commands.docker import ImageOptions
from envlock.commands.docker import make as docker
from envlock.commands.lock.job import is_for_conda, lock_job
from envlock.config import load_config
from envlock.docker.bases import base_words
from envlock.docker.image import DockerOrder, Image, Machine
from envlock.docker.quoting import parse_image, parse_label
from envlock.engine import ENGINES, crossing
from envlock.errors import ExitCode, UsageError
from envlock.progress import Progress
from envlock.system.looking import current_folder
from envlock.targets.platforms import Place, find_known, read_platform


def run(request: RequestOptions, own: ImageOptions, index: IndexOptions, talk: TalkOptions) -> int:
    """Do `envlock docker`."""
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    order = docker_order(request, own, index, progress)
    if own.check:
        found = docker.check_image(order)
        code = ExitCode.of(problem=bool(found))
        if talk.json:
            say_json("docker", {"current": not found, "problems": found}, exit_code=code)
        else:
            say("\n".join(found or ("the files are current",)))
        return code
    image = docker.make_image(order, progress)
    written = docker.write(image)
    if talk.json:
        say_json("docker", _data(image, written))
        return 0
    rows = [row for lock in image.locks for row in report.lock_rows(lock, (), written)]
    rows += [("base", str(image.base.image)), *(("note", note) for note in image.notes)]
    rows += [("written" if path in written else "unchanged", str(path)) for path in image.texts]
    folder = shlex.quote(order.folder.as_posix())
    rows.append(("next", f"docker build --platform {image.platforms} --tag NAME {folder}"))
    say(report.rows_text(rows))
    return 0


def _data(image: Image, written: Collection[Path]) -> dict[str, Any]:
    return {
        "base": str(image.base.image),
        "platforms": image.platforms.split(","),
        **report.lock_data(image.locks, tuple(image.texts), written),
        "notes": [*dict.fromkeys(n for lock in image.locks for n in lock.notes), *image.notes],
    }


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
