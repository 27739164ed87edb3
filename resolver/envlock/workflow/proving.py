"""One set of one cell: resolved, built in place, proved. What a lane of the matrix does."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, field

from envlock.environment.create import create_venv, sync
from envlock.errors import InstallFailure
from envlock.evidence.steady import steady, steady_outcome
from envlock.evidence.values import Circumstances, ProvedSet
from envlock.formats.requirements import text_of
from envlock.matrix.tasks import Task, Terms
from envlock.model import Lock, LockedPackage, Part
from envlock.outcomes import Outcome
from envlock.probes import PROBES
from envlock.probes.runner import run_probe
from envlock.progress import Silent
from envlock.system import make_folder, remove_tree
from envlock.targets.description import Interpreter, target
from envlock.targets.interpreters import find_version, python_in
from envlock.workflow.cellsets import requests, resolve_set

_SILENT = Silent()


class _Clock(Struct):
    """Seconds by phase."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = time.monotonic() - start


def prove_set(task: Task) -> ProvedSet:
    """Resolve, build and prove one set.

    No resolution and a failed installation are findings and part of the set.

    Raises:
        InterpreterMissing: the Python of the cell is not here.
        WorkError: an index or the disk failed: nothing is known.
    """
    _use_own_cache(task.terms)
    interpreter = find_version(task.cell.python, "the task")
    clock = _Clock()
    with clock.phase("resolve"):
        resolved = resolve_set(task, target(interpreter))
    outcomes: tuple[Outcome, ...] = ()
    problem = resolved.problem
    if not problem:
        try:
            with clock.phase("install"):
                python = _environment(task, interpreter, resolved.packages)
            with clock.phase("prove"):
                found = _prove(python, task.terms.timeout)
            outcomes = tuple(steady_outcome(each, _lane(task)) for each in found)
        except InstallFailure as error:
            problem = steady(error.message, _lane(task))
    return ProvedSet(
        name=task.name,
        request=requests(task),
        circumstances=circumstances(interpreter),
        packages=resolved.packages,
        outcomes=outcomes,
        problem=problem,
        against=resolved.against,
        seconds=clock.seconds,
    )


def probe_digest() -> str:
    """Name the probes and a digest of their scripts: other scripts, other evidence."""
    return " ".join(
        f"{probe.name} {hashlib.sha256(probe.path.read_bytes()).hexdigest()[:12]}"
        for probe in PROBES.values()
    )


def circumstances(interpreter: Interpreter) -> Circumstances:
    """Say where and when something is run here."""
    return Circumstances(
        day=datetime.now(UTC).date(),
        interpreter=f"CPython {interpreter.version}",
        libc=interpreter.platform.libc,
        probe=probe_digest(),
    )


def _use_own_cache(terms: Terms) -> None:
    """Keep uv's files with the environments: they are linked, and dropped together."""
    make_folder(terms.workspace)
    os.environ["UV_CACHE_DIR"] = str(terms.workspace / "uv")


def _environment(task: Task, interpreter: Interpreter, packages: Sequence[LockedPackage]) -> Path:
    """Make this lane's environment equal to a set, in place where it is of the same release.

    Raises:
        InstallFailure: it cannot be done, in a new environment either.
    """
    lane = _lane(task)
    name = f"{task.cell.distribution}-{task.cell.version}-{task.cell.python}"
    for other in lane.glob("*") if lane.is_dir() else ():
        if other.name != name:
            remove_tree(other)
    folder = lane / name
    make_folder(lane)
    text = _requirements(task, packages)
    kept = python_in(folder)
    if kept is not None:
        try:
            sync(kept, text, task.terms.settings, _SILENT)
        except InstallFailure:
            remove_tree(folder)
        else:
            return kept
    python = create_venv(interpreter, folder, _SILENT)
    try:
        sync(python, text, task.terms.settings, _SILENT)
    except InstallFailure:
        remove_tree(folder)
        raise
    return python


def _requirements(task: Task, packages: Sequence[LockedPackage]) -> str:
    part = Part(python=task.cell.python, platform=task.cell.platform, pypi=tuple(packages))
    return text_of(Lock(parts=(part,)), part)


def _prove(python: Path, timeout: float) -> tuple[Outcome, ...]:
    return tuple(
        outcome
        for probe in PROBES.values()
        for outcome in run_probe(probe, python, timeout=timeout, write_bytecode=True)
    )


def _lane(task: Task) -> Path:
    """Where this process has its environment."""
    return task.terms.workspace / f"lane-{os.getpid()}"
