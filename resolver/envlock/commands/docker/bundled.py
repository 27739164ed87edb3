"""An image of a bundle: its lock, and its wheels as the only place that the build takes from."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from envlock.bundle.folder import WHEELS, Bundle, read_bundle
from envlock.choices import Accelerator, Format
from envlock.cli.options import RequestOptions
from envlock.cli.orders import here, needs, project_name, repeated
from envlock.commands.docker import ImageOptions
from envlock.commands.lock.edited import tell_edits
from envlock.docker.bases import parse_label
from envlock.docker.image import DockerOrder, Machine, Piece
from envlock.errors import UsageError
from envlock.formats.registry import read_lock, texts_of
from envlock.locking.existing import choosing
from envlock.locking.job import Job
from envlock.model import IndexSettings, Lock, Request
from envlock.system import read_text
from envlock.targets.platforms import NamedPlatform, find_known, read_platform


def bundled_order(
    request: RequestOptions,
    own: ImageOptions,
    named: Mapping[str, NamedPlatform],
    options: Sequence[str],
) -> DockerOrder:
    """Everything that an image of a bundle is made by.

    ``named`` are the machines that are asked for, with their platforms; none
    means those that the lock is for.

    Raises:
        UsageError: something else is asked for besides, or it is no bundle for an image.
    """
    assert own.bundle is not None  # noqa: S101  (who asks knows it)
    _refuse_besides(request, own)
    held = _locks(own.bundle, request, named)
    asked = ["--platform", ",".join(f"linux/{name}" for name in held)]
    asked += repeated("--needs", [",".join(needs(request))] if request.needs else [])
    words = ["envlock", "docker", "--bundle", here(own.bundle), *asked, *options]
    command = shlex.join(words)
    several = len(held) > 1
    return DockerOrder(
        machines=tuple(
            _machine(name, place, lock, request, path)
            for name, (place, lock) in held.items()
            for path in [own.output / f"requirements{f'.{name}' if several else ''}.lock"]
        ),
        folder=own.output,
        command=command,
        options=tuple(options),
        base=own.base,
        digest=own.base_digest,
        labels=dict(map(parse_label, own.label)),
        verify=not own.no_verify,
        wheels=here(own.bundle / WHEELS),
        locks={
            name: replace(lock, command=f"{command} --python {lock.part.python}")
            for name, (_, lock) in held.items()
        },
    )


def _machine(
    name: str, place: NamedPlatform, lock: Lock, request: RequestOptions, path: Path
) -> Machine:
    """What the lock of a bundle stands for, as if it had been asked for."""
    accelerator = request.accelerator or Accelerator.AUTO
    job = Job(
        request=Request(needs=needs(request), accelerator=accelerator),
        settings=IndexSettings(),
        outputs={path: Format.REQUIREMENTS},
        command="",
        name=project_name(),
        verb="docker",
        python=lock.part.python,
        places=(place,),
    )
    return Machine(name=name, path=path, job=job)


def _locks(
    folder: Path, request: RequestOptions, named: Mapping[str, NamedPlatform]
) -> dict[str, tuple[NamedPlatform, Lock]]:
    """The lock of a bundle for each machine that is asked for, else for those that it is for."""
    bundle = read_bundle(folder)
    lock = read_lock(bundle.lock.name, read_text(bundle.lock))
    tell_edits(bundle.lock, lock, "goes into the image as it is now")
    lock = choosing(lock, bundle.lock, ())
    if lock.of_conda:
        raise UsageError(f"{folder} has conda's packages, and an image is made of pip's alone")
    places = named or _machines(lock, folder)
    return {name: (place, _held(lock, place, bundle, request)) for name, place in places.items()}


def bundled_pieces(order: DockerOrder) -> list[Piece]:
    """The locks of a bundle as the image has them; none where it is of no bundle."""
    return [
        Piece(machine=machine, target=machine.job.target(), lock=lock, text=text)
        for machine in order.machines
        if machine.name in order.locks
        for lock in [order.locks[machine.name]]
        for text in texts_of(lock, Format.REQUIREMENTS).values()
    ]


def _refuse_besides(request: RequestOptions, own: ImageOptions) -> None:
    words = [*request.requirements, *(f"-r {each}" for each in request.requirement_file)]
    words += ["--base-freeze"] if own.base_freeze is not None else []
    if words:
        raise UsageError(
            f"--bundle {own.bundle} has its lock, and {words[0]} is asked for besides",
            shlex.join(["envlock", "docker", "--bundle", str(own.bundle)]),
        )


def _machines(lock: Lock, bundle: Path) -> dict[str, NamedPlatform]:
    """Docker's names of the machines that a lock is for."""
    found: dict[str, NamedPlatform] = {}
    for part in lock.parts:
        place = read_platform(part.platform) if part.platform else None
        known = place and find_known(place.platform)
        system, _, machine = (known.docker if known else "").partition("/")
        if place is not None and system == "linux":
            found[machine] = place
    if not found:
        places = " and ".join(part.place or "no platform that it names" for part in lock.parts)
        raise UsageError(
            f"{bundle} is for {places}, and images are made for linux/amd64 and linux/arm64",
            "--platform linux/amd64",
        )
    return found


def _held(lock: Lock, place: NamedPlatform, bundle: Bundle, request: RequestOptions) -> Lock:
    """The lock for one platform, all of which the bundle has."""
    held = (each for each in lock.parts if each.platform in {"", str(place.platform)})
    part = next(held, None)
    if part is None:
        places = " and ".join(each.place for each in lock.parts)
        raise UsageError(f"--platform {place.option}: {bundle.lock} is for {places}")
    python = part.python or request.python or ""
    if not python or request.python not in {None, python}:
        raise UsageError(
            f"{bundle.lock} is for Python {python}, and --python {request.python} is another"
            if python
            else f"{bundle.lock} does not say which Python it is for",
            f"--python {python or '3.11'}",
        )
    part = replace(part, python=python, platform=str(place.platform))
    bundle.refuse_lacking(part)
    return replace(lock, parts=(part,), notes=())
