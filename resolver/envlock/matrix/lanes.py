"""Tasks of the matrix: which is next, by whom it is done, and what becomes of a lane that dies.

The set of the rules comes first in each cell, since the others start from
it. A lane goes on with the cell it has just worked on, whose environment it
has, before it begins another; when none is left to begin, it helps a cell
that has much to do.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from msgspec import Struct, field

from envlock.choices import PROBE_SECONDS, EngineName
from envlock.errors import EnvlockError, WorkError
from envlock.evidence.values import RULES, Cell, ProvedSet
from envlock.index.handover import uv_environment, uv_program
from envlock.model import IndexSettings, LockedPackage
from envlock.system import run


class Terms(Struct, frozen=True, kw_only=True):
    """What all tasks of a run share.

    ``workspace`` is a folder for caches and environments on the machine that
    does the work; it is made there. ``timeout`` is in seconds a probe.
    """

    workspace: Path
    settings: IndexSettings
    engine: EngineName
    rules: tuple[Path, ...] = ()
    timeout: float = PROBE_SECONDS


class Task(Struct, frozen=True, kw_only=True):
    """One set to resolve, build and prove.

    ``name`` is that of the set; ``base`` are the packages of the set of the
    rules, which a variation starts from.
    """

    cell: Cell
    name: str
    terms: Terms
    base: tuple[LockedPackage, ...] = ()


#: Does one task. A module-level function, so that it can be sent to another process.
Prover = Callable[[Task], ProvedSet]


def clean_cache(terms: Terms, *packages: str) -> None:
    """Drop what the cache has of some packages; of none: all of it."""
    env = {**uv_environment(terms.settings), "UV_CACHE_DIR": str(terms.workspace / "uv")}
    run([uv_program(), "cache", "clean", *packages], env=env)


#: How many sets a cell must have left before a second lane builds its environment too.
_WORTH_HELP = 3


class Pending(Struct, kw_only=True):
    """What is left of one cell. ``base`` is None until the set of the rules is there."""

    cell: Cell
    names: list[str]
    base: tuple[LockedPackage, ...] | None = None
    running: int = 0

    @property
    def ready(self) -> bool:
        """Whether a set can be started now."""
        return bool(self.names) and (self.base is not None or self.names[0] == RULES)


class Queue(Struct):
    """The cells of a run, in their order."""

    terms: Terms
    works: list[Pending] = field(default_factory=list)

    def add(self, cell: Cell, names: Iterable[str], base: tuple[LockedPackage, ...] | None) -> None:
        """Put a cell with the names of its missing sets at the end."""
        self.works.append(Pending(cell=cell, names=list(names), base=base))

    @property
    def left(self) -> int:
        """How many sets have not been started."""
        return sum(len(work.names) for work in self.works)

    def has_more(self, cell: Cell | None) -> bool:
        """Tell whether a cell has a set that can be started."""
        return any(work.ready and work.cell == cell for work in self.works)

    def take(self, last: Cell | None) -> Task | None:
        """Return the next task for a lane that has the environment of ``last``."""
        ready = [work for work in self.works if work.ready]
        own = next((work for work in ready if work.cell == last), None)
        fresh = next((work for work in ready if not work.running), None)
        busy = next((work for work in ready if len(work.names) >= _WORTH_HELP), None)
        work = own or fresh or busy
        return None if work is None else self._start(work)

    def finished(self, task: Task, proved: ProvedSet | None) -> bool:
        """Note how a task ended (None: it could not be run); return whether its cell is done."""
        work = next(work for work in self.works if work.cell == task.cell)
        work.running -= 1
        if task.name == RULES:
            if proved is None or proved.problem:
                work.names = [name for name in work.names if name == "plain"]
            work.base = () if proved is None else proved.packages
        return not work.names and not work.running

    def put_back(self, task: Task) -> None:
        """Have a task done again: its lane died."""
        work = next(work for work in self.works if work.cell == task.cell)
        work.running -= 1
        work.names.insert(0, task.name)
        if task.name == RULES:
            work.base = None

    def _start(self, work: Pending) -> Task:
        work.running += 1
        name = work.names.pop(0)
        return Task(cell=work.cell, name=name, terms=self.terms, base=work.base or ())


#: How often a task is done again when its lane has died under it.
RETRIES = 2


class EngineLost(WorkError):
    """What runs the lanes is gone, so that no task can be done any more."""


class Lane(Struct):
    """An executor, how another is made when it has died, and the cell it worked on last.

    ``died`` tells by the error of a task that the executor itself is gone.
    """

    executor: Executor
    renew: Callable[[], Executor]
    died: Callable[[BaseException], bool]
    last: Cell | None = None


class Ended(Struct, frozen=True, kw_only=True):
    """One task, and its set, or the error because of which there is none."""

    task: Task
    proved: ProvedSet | None
    error: EnvlockError | None = None


def local_lanes(number: int) -> list[Lane]:
    """Return lanes that are processes of this machine."""
    return [
        Lane(_local(), _local, lambda error: isinstance(error, BrokenProcessPool))
        for _ in range(number)
    ]


class _Running(Struct):
    task: Task
    lane: Lane


class Run(Struct):
    """A queue worked off by lanes; iterate over `results`."""

    queue: Queue
    lanes: Sequence[Lane]
    work: Prover
    _running: dict[Future[ProvedSet], _Running] = field(default_factory=dict)
    _tries: dict[tuple[Cell, str], int] = field(default_factory=dict)

    def drive(self, ended: Callable[[Ended], None]) -> None:
        """Work until nothing is left; ``ended`` sees each task as it ends.

        Raises:
            EngineLost: no task can be done any more.
            Exception: a task raised something that is no `EnvlockError`: a defect.
        """
        try:
            self._fill()
            while self._running:
                done, _ = wait(self._running, return_when=FIRST_COMPLETED)
                for future in done:
                    if (result := self._ended(future)) is not None:
                        ended(result)
                self._fill()
        finally:
            for lane in self.lanes:
                lane.executor.shutdown(wait=True, cancel_futures=True)

    def _fill(self) -> None:
        busy = {id(running.lane) for running in self._running.values()}
        idle = [lane for lane in self.lanes if id(lane) not in busy]
        # A lane that can go on comes first, or another would take its cell from it.
        for lane in sorted(idle, key=lambda lane: not self.queue.has_more(lane.last)):
            if (task := self.queue.take(lane.last)) is not None:
                lane.last = task.cell
                future = lane.executor.submit(self.work, task)
                self._running[future] = _Running(task, lane)

    def _ended(self, future: Future[ProvedSet]) -> Ended | None:
        running = self._running.pop(future)
        task, error = running.task, future.exception()
        if error is None:
            return Ended(task=task, proved=future.result())
        if isinstance(error, EngineLost):
            raise error
        if isinstance(error, EnvlockError):
            return Ended(task=task, proved=None, error=error)
        if not running.lane.died(error):
            raise error
        running.lane.executor = running.lane.renew()
        running.lane.last = None
        tries = self._tries[task.cell, task.name] = self._tries.get((task.cell, task.name), 0) + 1
        if tries > RETRIES:
            text = f"{task.cell}, {task.name}: the worker died under it {tries} times"
            return Ended(task=task, proved=None, error=WorkError(text))
        self.queue.put_back(task)
        return None


def _local() -> Executor:
    # spawn: a forked child would hold this process's threads' locks.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """Leave when the process that gives the work is gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_after, args=(parent,), daemon=True).start()


def _leave_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
