"""The files of an image, from the locks it is made for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.docker.bases import Base, BaseWish, Frozen, choose
from envlock.docker.recipe import GATE, BuildStep, Check, LockFile, Recipe, texts
from envlock.locking.existing import refuse_placed
from envlock.locking.job import Job
from envlock.locking.outputs import Seen
from envlock.model import Lock, Target
from envlock.probes import PROBES
from envlock.probes.proof import is_among
from envlock.releases import contents, framework_releases
from envlock.rules.frameworks import framework_of
from envlock.rules.settings import holdable
from envlock.sdists import MENDER
from envlock.versions import minor_of


class Machine(Struct, frozen=True, kw_only=True):
    """One of Docker's machines (``amd64``, ``arm64``), and the lock that is asked for it."""

    name: str
    path: Path
    job: Job


class Piece(Struct, frozen=True, kw_only=True):
    """The lock of one machine, and the text of its file."""

    machine: Machine
    target: Target
    lock: Lock
    text: str

    @property
    def pins(self) -> dict[NormalizedName, Version]:
        """What is locked."""
        return self.lock.part.pins


class DockerOrder(Struct, frozen=True, kw_only=True):
    """What an image is made from.

    ``base`` and ``digest`` are what ``--base`` and ``--base-digest`` say;
    ``freeze`` is a pip freeze of the base. ``command`` makes the files again,
    up to its ``--python``; ``options`` are its words that no lock has.
    Of a bundle ``wheels`` is the folder of its files, and ``locks`` are its
    locks, by machine; nothing is solved then.
    """

    machines: tuple[Machine, ...]
    folder: Path
    command: str
    labels: Mapping[str, str]
    options: tuple[str, ...] = ()
    base: str | None = None
    digest: str | None = None
    freeze: Path | None = None
    verify: bool = True
    wheels: str = ""
    locks: Mapping[str, Lock] = field(default_factory=dict)


class Image(Struct, frozen=True, kw_only=True):
    """The locks of an image and the texts of all its files; ``notes`` are sentences.

    ``options`` are those of ``docker build``, ``before`` is what the files
    held when they were read.
    """

    locks: tuple[Lock, ...]
    base: Base
    platforms: str
    options: tuple[str, ...]
    texts: Mapping[Path, str]
    notes: tuple[str, ...]
    before: Seen = field(default_factory=dict)


def assemble(order: DockerOrder, pieces: Sequence[Piece], frozen: Frozen | None) -> Image:
    """Return the files of an image; the first platform's lock decides on the base.

    Raises:
        UsageError: there is no such base, or none that suits the lock.
    """
    for piece in pieces:
        refuse_placed(
            piece.lock,
            "pip installs a lock with hashes into an image, and neither git nor a folder has one",
            "lock the image without it, and install it in a stage of your own after the lock",
            wheels=True,
        )
    lock, goal = pieces[0].lock, pieces[0].target
    names = list(lock.part.pins)
    base = choose(_wish(order, pieces, kept=frozen is not None))
    recipe = Recipe(
        base=base,
        python=goal.minor,
        locks=tuple(map(_lock_file, pieces)),
        checks=checks_for(names, pieces[0].machine.job.request.needs) if order.verify else (),
        labels=order.labels,
        command=f"{order.command} --python {goal.minor}",
        variables=holdable({n: v for p in pieces for n, v in p.lock.variables.items()}),
        shared=frozen is not None,
        gpu=any(name.startswith("nvidia-") for name in names) or base.image.name == "nvidia/cuda",
        wheels=order.wheels,
        builds=() if order.wheels else tuple(_builds(pieces)),
        mender=MENDER.read_text(encoding="utf-8"),
    )
    beside = texts(recipe, scripts())
    return Image(
        locks=tuple(piece.lock for piece in pieces),
        base=base,
        platforms=recipe.platforms,
        options=recipe.options,
        texts={
            **{piece.machine.path: piece.text for piece in pieces},
            **{order.folder / name: text for name, text in beside.items()},
        },
        notes=(*base.notes, *_notes(pieces, frozen), *_unproved(order, recipe)),
    )


def _wish(order: DockerOrder, pieces: Sequence[Piece], *, kept: bool) -> BaseWish:
    lock, goal = pieces[0].lock, pieces[0].target
    return BaseWish(
        python=goal.minor,
        machines=tuple(piece.machine.name for piece in pieces),
        word=order.base,
        digest=order.digest,
        framework=_framework(lock),
        brings_cuda=any(name.startswith("nvidia-cuda-runtime") for name in lock.part.pins),
        accelerator=goal.accelerator,
        kept=kept,
    )


def _builds(pieces: Sequence[Piece]) -> Iterator[BuildStep]:
    """What is built of its source, where each machine has the same release of it."""
    for package in pieces[0].lock.part.pypi:
        built = package.built
        if (
            built is None
            or package.direct is not None
            or any(each.pins.get(package.name) != package.version for each in pieces)
        ):
            continue
        hashes = (f"    --hash={each}" for each in package.hashes)
        pin = " \\\n".join((f"{package.name}=={package.version}", *hashes))
        yield BuildStep(name=package.name, pin=pin, tools=built.tools, mended=built.mended)


def _lock_file(piece: Piece) -> LockFile:
    machine = piece.machine
    return LockFile(name=machine.path.name, machine=machine.name, digest=_digest(piece.text))


def _notes(pieces: Sequence[Piece], frozen: Frozen | None) -> Iterator[str]:
    if frozen is not None and frozen.unread:
        where = ", ".join(frozen.unread)
        yield f"{where}: no NAME==VERSION, so it is not known what the base holds there"
    for piece in pieces:
        yield from _empty(piece)
    for other in pieces[1:]:
        unlike = [
            f"{name} {version} and {other.pins[name]}"
            for name, version in pieces[0].pins.items()
            if other.pins.get(name, version) != version
        ]
        if unlike:
            both = f"linux/{pieces[0].machine.name} and linux/{other.machine.name}"
            yield f"{both} do not have the same versions: {', '.join(unlike)}"


def _empty(piece: Piece) -> Iterator[str]:
    """Which framework of a lock is an empty shell on its machine, and since when it is none."""
    platform, part = piece.target.platform, piece.lock.part
    for package in part.pypi:
        if framework_of(package.name) is None:
            continue
        runs = contents(package.version, platform, package.name)
        if runs == package.name or part.version(runs) is None:
            continue
        later = (
            each.version
            for each in framework_releases()
            if each.version > package.version
            and contents(each.version, platform, package.name) == package.name
            and str(platform) in each.wheels.get(package.name, {})
        )
        own = next(later, None)
        more = f"; {minor_of(own)} and later have their own" if own else ""
        yield (
            f"linux/{piece.machine.name}: the wheel of {package.name} {package.version} is empty"
            f" there, and what runs is {runs} {part.version(runs)}{more}"
        )


def _unproved(order: DockerOrder, recipe: Recipe) -> Iterator[str]:
    if order.verify and not recipe.checks:
        yield "there is no probe for any of these packages: the build proves nothing"


def _framework(lock: Lock) -> Version | None:
    return next((each.version for each in lock.part.pypi if framework_of(each.name)), None)


def checks_for(names: Sequence[NormalizedName], needs: Sequence[str]) -> tuple[Check, ...]:
    """Return the probes of these packages: the gate's levels and those needed, and the others."""
    checks = []
    for probe in PROBES.values():
        levels = [level for level in probe.levels if is_among(level.package, names)]
        gate = [each.name for each in levels if each.in_default_gate or each.name in needs]
        others = [each.name for each in levels if each.name not in gate]
        if gate:
            checks.append(Check(script=probe.script, gate=tuple(gate), others=tuple(others)))
    return tuple(checks)


def scripts() -> dict[str, str]:
    """Return the scripts of the verify stage, by their names."""
    paths = [probe.path for probe in PROBES.values()]
    paths.append(paths[0].with_name(GATE))
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
