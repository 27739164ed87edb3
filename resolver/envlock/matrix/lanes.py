"""Lanes: executors that do one task at a time, each with an environment that it changes in place.

A lane is any `concurrent.futures.Executor`. The local ones are processes of
this machine; when one dies, another takes its place and its task is done again.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from msgspec import Struct, field

from envlock.errors import EnvlockError, WorkError
from envlock.evidence.values import Cell, ProvedSet
from envlock.matrix.queue import Queue
from envlock.matrix.tasks import Task, Work

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
    work: Work
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
