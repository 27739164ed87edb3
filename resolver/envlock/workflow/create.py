"""`envlock create` and `envlock sync`: a lock becomes an environment that is proved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from envlock.environment.create import create_venv, sync
from envlock.environment.interpreters import find_interpreter, python_in
from envlock.environment.place import fresh_environment, made_by_envlock
from envlock.errors import ProblemFound, UsageError
from envlock.model import IndexSettings, Lock
from envlock.progress import Progress
from envlock.system import read_text
from envlock.workflow.lock import Locked, LockOrder, make_lock, write
from envlock.workflow.verify import Proof, ProofOrder, prove
from envlock.write import WRITERS, Format, read_lock


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateOrder:
    """A lock, where its environment goes, and what must be proved.

    ``force`` replaces an environment that envlock did not make; ``keep``
    leaves one that failed for a look.
    """

    lock: LockOrder
    folder: Path
    proof: ProofOrder
    force: bool = False
    keep: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Created:
    """What `create` made; ``written`` are the lock files that changed."""

    locked: Locked
    folder: Path
    proof: Proof
    written: tuple[Path, ...]


class NotProved(ProblemFound):
    """The environment was built and does not do what it should."""

    def __init__(self, proof: Proof, message: str, *remedies: str) -> None:
        super().__init__(message, *remedies)
        self.proof = proof


def create(order: CreateOrder, progress: Progress) -> Created:
    """Lock, build, prove, and only then write the lock files.

    Whatever fails, the folder is as it was before.

    Raises:
        NotProved: the environment does not pass the gate.
        NoResolution: nothing fits the request.
        UsageError: the folder holds something that is not envlock's.
        WorkError: network, disk, interpreter or installer failed.
    """
    locked = make_lock(order.lock, progress)
    # The path, not the version: it must be the interpreter the lock is for.
    interpreter = find_interpreter(str(locked.target.interpreter))
    with fresh_environment(order.folder, progress, force=order.force, keep=order.keep) as folder:
        with progress.phase(f"install {len(locked.lock.packages)} packages"):
            python = create_venv(interpreter, folder, progress)
            sync(python, requirements_text(locked.lock), order.lock.settings, progress)
        proof = prove(python, order.proof, progress, write_bytecode=True)
        if not proof.passed:
            raise _not_proved(proof, order)
        written = write(locked)
    return Created(locked=locked, folder=order.folder, proof=proof, written=written)


def _not_proved(proof: Proof, order: CreateOrder) -> NotProved:
    remedies = ["leave the versions open: envlock create"]
    if not order.keep:
        remedies.insert(0, "--keep keeps the environment for a look")
    return NotProved(
        proof,
        "the environment was built and does not do what it should; nothing was written",
        *remedies,
    )


def requirements_text(lock: Lock) -> str:
    """A lock as the hashed requirements that an installer takes."""
    (text,) = WRITERS[Format.REQUIREMENTS].render(lock, name="envlock").values()
    return text


@dataclass(frozen=True, kw_only=True, slots=True)
class Synced:
    """An environment that is now equal to a lock, and whether it was made for it."""

    folder: Path
    lock: Lock
    made: bool


def sync_environment(
    path: Path,
    folder: Path,
    settings: IndexSettings,
    progress: Progress,
    *,
    python: str | None = None,
    force: bool = False,
) -> Synced:
    """Make the environment in ``folder`` equal to a lock file.

    A missing environment is made, with ``python`` or the Python the lock is
    for. Only environments that envlock made are changed, others with ``force``.

    Raises:
        UsageError: the lock has no hashes, or the environment is not envlock's.
        WorkError: an interpreter is missing, or the installer failed.
    """
    lock = read_lock(path.name, read_text(path))
    bare = [package.name for package in lock.packages if not package.hashes]
    if bare:
        raise UsageError(
            f"{path} has no hashes for {', '.join(bare[:5])}",
            "sync from requirements.txt or pylock.toml",
        )
    text = requirements_text(lock)
    existing = python_in(folder)
    if existing is not None and (force or made_by_envlock(folder)):
        with progress.phase(f"sync {folder}"):
            sync(existing, text, settings, progress)
        return Synced(folder=folder, lock=lock, made=False)
    interpreter = find_interpreter(python or lock.python or None)
    with (
        fresh_environment(folder, progress, force=force) as place,
        progress.phase(f"install {len(lock.packages)} packages"),
    ):
        sync(create_venv(interpreter, place, progress), text, settings, progress)
    return Synced(folder=folder, lock=lock, made=True)
