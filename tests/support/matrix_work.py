"""Work for the lanes of a matrix, in a module that another process can import."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from envlock.errors import IndexFailure
from envlock.evidence.values import ProvedSet
from envlock.matrix.lanes import Task
from envlock.outcomes import Passed
from support.evidence import package, proved


def answer(task: Task) -> ProvedSet:
    """Stand for the work: a set with the process that did it in its text."""
    if task.name == "plain":
        raise IndexFailure("the index is down")
    return proved(task.name, package("numpy", "1.23.5"), problem=f"pid {os.getpid()}")


def signed(task: Task) -> ProvedSet:
    """Stand for work that passes, with the process that did it in its outcome."""
    passed = Passed(level="import", detail=f"pid {os.getpid()}")
    return proved(task.name, package("numpy", "1.23.5"), outcomes=(passed,))


def die_once(task: Task) -> ProvedSet:
    """Stand for work in which the process is killed, the first time."""
    mark = task.terms.workspace / "died"
    if task.name == "h5py 3.1" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return proved(task.name, package("numpy", "1.23.5"))


def die_always(task: Task) -> ProvedSet:
    """Stand for work that kills its process."""
    if task.name == "h5py 3.1":
        os.kill(os.getpid(), signal.SIGKILL)
    return proved(task.name, package("numpy", "1.23.5"))


def call(work: Callable[[Task], ProvedSet], task: Task) -> ProvedSet:
    """Do a task where it was sent."""
    return work(task)


def nothing() -> str:
    """Stand for what finds nothing wrong."""
    return ""


def idle() -> None:
    """Stand for what has nothing to do."""


def wrong() -> str:
    """Stand for what finds a worker unfit."""
    return "it has no Python 3.8"


def end_the_scheduler(task: Task) -> ProvedSet:
    """Stand for work during which the scheduler dies; its process is told by a file."""
    os.kill(int((task.terms.workspace / "pid").read_text()), signal.SIGKILL)
    return proved(task.name, package("numpy", "1.23.5"))
