"""`envlock create` with conda: a prefix of conda's packages and pip's, proved; files after that."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from packaging.utils import NormalizedName

from envlock.choices import Manager
from envlock.conda import rattler
from envlock.conda.names import pypi_pins
from envlock.conda.programs import find_program, install_through
from envlock.conda.values import CondaPlatformLock
from envlock.environment.create import add
from envlock.environment.holding import at_work
from envlock.environment.place import held_place, kept_as
from envlock.environment.replaceable import settled
from envlock.environment.replacement import Replacement, replaced
from envlock.errors import InstallFailure, UsageError
from envlock.progress import Progress
from envlock.system import make_folder, write_texts
from envlock.targets.interpreters import python_in
from envlock.workflow.conda.lock import CondaLocked, make_conda_lock
from envlock.workflow.conda.order import CondaOrder
from envlock.workflow.conda.work import channel_addresses
from envlock.workflow.create import refuse_unproved, write_with
from envlock.workflow.lock import requirements_text
from envlock.workflow.replacing import replaced_by
from envlock.workflow.space import refuse_cramped_prefix
from envlock.workflow.verify import Proof, ProofOrder, prove

#: The programs behind the managers that are not py-rattler.
_PROGRAMS = {
    Manager.MICROMAMBA: "micromamba",
    Manager.MAMBA: "mamba",
    Manager.CONDA_CLI: "conda",
}
#: The packages of conda that are a Python.
_PYTHONS = frozenset({"python", "pypy"})


class CondaCreateOrder(Struct, frozen=True, kw_only=True):
    """A conda lock, where its prefix goes, who installs it, and what must be proved.

    ``force`` replaces an environment that envlock did not make; ``keep``
    leaves one that failed for a look. ``inputs`` are the files that it reads.
    """

    lock: CondaOrder
    folder: Path
    proof: ProofOrder
    manager: Manager = Manager.CONDA
    force: bool = False
    keep: bool = False
    inputs: tuple[Path, ...] = ()


class CondaCreated(Struct, frozen=True, kw_only=True):
    """What was made; ``written`` are the lock files that changed, ``replaced`` as of `Created`."""

    locked: CondaLocked
    folder: Path
    proof: Proof
    written: tuple[Path, ...]
    replaced: str | None = None


def create_prefix(order: CondaCreateOrder, progress: Progress) -> CondaCreated:
    """Lock, install conda's packages and pip's, prove, and only then write the lock files.

    Whatever fails, the folder is as it was before.

    Raises:
        NotProved: the environment does not pass the gate.
        NoResolution: nothing fits the request.
        UsageError: the folder holds something that may not be replaced, or
            there is no Python in what was asked for.
        WorkError: network, disk, py-rattler, a conda program or pip's installer failed.
    """
    needed = (*order.inputs, *([order.lock.output] if order.lock.output else []))
    settled(order.folder, needed)
    program = find_program(_PROGRAMS[order.manager]) if order.manager in _PROGRAMS else None
    with held_place(order.folder, progress, force=order.force) as folder:
        before = replaced_by(folder, force=order.force)
        locked = make_conda_lock(order.lock, progress, hashed=True)
        _refuse_without_python(_own(locked, order), order.folder)
        refuse_cramped_prefix(_own(locked, order).packages, folder)
        keep_as = kept_as(folder) if order.keep else None
        with replaced(folder, progress, keep_as=keep_as) as place:
            proof, written = _build(order, locked, place, program, progress)
    return CondaCreated(
        locked=locked, folder=order.folder, proof=proof, written=written, replaced=before
    )


def _refuse_without_python(platform: CondaPlatformLock, folder: Path) -> None:
    """Refuse to install what could not be proved, while nothing is installed."""
    if not any(each.name in _PYTHONS for each in platform.packages):
        raise UsageError(
            f"nothing that was asked for brings a Python, so {folder} could not be proved",
            "ask for python too",
        )


def _build(
    order: CondaCreateOrder,
    locked: CondaLocked,
    place: Replacement,
    program: Path | None,
    progress: Progress,
) -> tuple[Proof, tuple[Path, ...]]:
    platform, prefix = _own(locked, order), place.folder
    _install(order, platform, prefix, program, progress)
    _keep_variables(locked, prefix)
    python = python_in(prefix)
    if python is None:
        raise InstallFailure(f"{order.folder} has no Python in it, so it cannot be proved")
    if platform.pip is not None:
        with progress.phase(f"install {len(platform.pip.packages)} packages with pip"):
            add(python, requirements_text(platform.pip), order.lock.settings, progress)
    proof = prove(python, order.proof, progress, write_bytecode=True, pins=_names(platform))
    refuse_unproved(proof, *_remedies(order))
    return proof, write_with(place, locked.before, locked.texts)


def _own(locked: CondaLocked, order: CondaCreateOrder) -> CondaPlatformLock:
    """The part of the lock for this machine."""
    (subdir,) = order.lock.subdirs
    found = locked.lock.platform(subdir)
    assert found is not None  # noqa: S101  (the order asked for it)
    return found


def _install(
    order: CondaCreateOrder,
    platform: CondaPlatformLock,
    prefix: Path,
    program: Path | None,
    progress: Progress,
) -> None:
    channels, _ = channel_addresses(order.lock.request, platform.subdir)
    specs = tuple(str(spec) for spec in order.lock.request.specs)
    packages, subdir = platform.packages, platform.subdir
    title = f"install {len(packages)} packages of conda"
    with progress.phase(title), at_work(prefix) as held:
        if program is not None:
            install_through(program, packages, channels, prefix, subdir, progress, inherit=held)
        else:
            rattler.install(packages, channels, prefix, subdir, specs, progress, inherit=held)


def _keep_variables(locked: CondaLocked, prefix: Path) -> None:
    """Write the variables of an environment file where conda's activation reads them."""
    variables = dict(locked.lock.variables)
    if variables:
        make_folder(prefix / "conda-meta")
        text = json.dumps({"version": 1, "env_vars": variables}, sort_keys=True)
        write_texts({prefix / "conda-meta" / "state": text})


def _names(platform: CondaPlatformLock) -> frozenset[NormalizedName]:
    pip = platform.pip.packages if platform.pip else ()
    return frozenset((*pypi_pins(platform.packages), *(each.name for each in pip)))


def _remedies(order: CondaCreateOrder) -> Iterator[str]:
    if order.keep:
        yield f"envlock verify {shlex.quote(kept_as(order.folder).as_posix())}"
    else:
        yield "--keep"
