"""`envlock create`: a lock becomes an environment that is proved, and only then files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from envlock.environment.create import sync
from envlock.environment.place import held_place, kept_as
from envlock.environment.replaceable import settled
from envlock.environment.replacement import Replacement, replaced
from envlock.errors import ProblemFound
from envlock.progress import Progress
from envlock.request.words import ORIGIN
from envlock.targets.interpreters import find_interpreter
from envlock.words import counted
from envlock.workflow.lock import Locked, LockOrder, make_lock, requirements_text
from envlock.workflow.outputs import Seen, differing, refuse_changed
from envlock.workflow.replacing import replaced_by
from envlock.workflow.space import refuse_cramped
from envlock.workflow.verify import Proof, ProofOrder, prove


class CreateOrder(Struct, frozen=True, kw_only=True):
    """A lock, where its environment goes, and what must be proved.

    ``force`` replaces an environment that envlock did not make; ``keep``
    leaves one that failed for a look. ``inputs`` are the files that it reads.
    """

    lock: LockOrder
    folder: Path
    proof: ProofOrder
    force: bool = False
    keep: bool = False
    inputs: tuple[Path, ...] = ()


class Created(Struct, frozen=True, kw_only=True):
    """What `create` made; ``written`` are the lock files that changed.

    ``replaced`` says which environment was there before, None where none was.
    """

    locked: Locked
    folder: Path
    proof: Proof
    written: tuple[Path, ...]
    replaced: str | None = None


class NotProved(ProblemFound):
    """The environment was built and does not do what it should."""

    def __init__(self, proof: Proof, message: str, *remedies: str) -> None:
        super().__init__(message, *remedies)
        self.proof = proof


def create(order: CreateOrder, progress: Progress) -> Created:
    """Lock, build, prove, and only then write the lock files.

    Whatever fails, the folder and the files are as they were before.

    Raises:
        NotProved: the environment does not pass the gate.
        NoResolution: nothing fits the request.
        UsageError: the folder holds something that may not be replaced.
        WorkError: network, disk, interpreter or installer failed.
    """
    settled(order.folder, (*order.inputs, *order.lock.outputs))
    # Held from the start: the lock files that are read are those of what is there.
    with held_place(order.folder, progress, force=order.force) as folder:
        before = replaced_by(folder, force=order.force)
        locked = make_lock(order.lock, progress, hashed=True)
        refuse_cramped(locked.lock, locked.target, folder, order.lock.settings, progress)
        keep_as = kept_as(folder) if order.keep else None
        with replaced(folder, progress, keep_as=keep_as) as place:
            proof, written = _build(order, locked, place, progress)
    return Created(
        locked=locked, folder=order.folder, proof=proof, written=written, replaced=before
    )


def _build(
    order: CreateOrder, locked: Locked, place: Replacement, progress: Progress
) -> tuple[Proof, tuple[Path, ...]]:
    # The path, not the version: it must be the interpreter the lock is for.
    interpreter = find_interpreter(str(locked.target.interpreter))
    with progress.phase(f"install {counted(len(locked.lock.packages), 'package')}"):
        python = place.venv(interpreter)
        sync(python, requirements_text(locked.lock), order.lock.settings, progress)
    pins = {package.name for package in locked.lock.packages}
    proof = prove(python, order.proof, progress, write_bytecode=True, pins=pins)
    refuse_unproved(proof, *_remedies(order, locked.target.minor))
    return proof, write_with(place, locked.before, locked.texts)


def refuse_unproved(proof: Proof, *remedies: str) -> None:
    """Refuse an environment that was built and does not pass the gate.

    Raises:
        NotProved: it does not.
    """
    if not proof.passed:
        raise NotProved(
            proof,
            "the environment was built and does not do what it should; nothing was written",
            *remedies,
        )


def write_with(place: Replacement, before: Seen, texts: Mapping[Path, str]) -> tuple[Path, ...]:
    """Write the lock files that differ together with their environment; return those.

    Raises:
        WorkError: one was changed since it was read, or cannot be written.
    """
    refuse_changed(before, texts)
    changed = differing(texts)
    place.write(changed)
    return tuple(changed)


def _remedies(order: CreateOrder, python: str) -> Iterator[str]:
    """Look at the environment, and let the versions that were typed go."""
    if order.keep:
        yield f"envlock verify {shlex.quote(kept_as(order.folder).as_posix())}"
    else:
        yield "--keep"
    wishes = order.lock.request.requirements
    if all(wish.origin == ORIGIN for wish in wishes) and any(
        wish.requirement.specifier for wish in wishes
    ):
        names = dict.fromkeys(wish.requirement.name for wish in wishes)
        yield f"envlock create {' '.join(names)} --python {python}"
