"""Lanes on the workers of a dask cluster, each with one task at a time. Needs the extra `dask`.

A task is sent to one worker and to no other, since that worker has the
environment that the task changes in place. A worker that goes away takes its
task with it; the lane says so, and the task is done again elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from distributed import Client, fire_and_forget
from distributed.scheduler import KilledWorker
from msgspec import Struct, field
from msgspec.structs import replace

from envlock import __version__
from envlock.errors import UsageError, WorkError
from envlock.evidence.values import Cell, ProvedSet
from envlock.matrix.lanes import EngineLost, Lane, Prover, Task, clean_cache
from envlock.probes.proof import probe_digest
from envlock.rules.database import rule_files
from envlock.system import cache_folder, exclusive, make_folder, read_text, remove_tree, write_texts
from envlock.targets.interpreters import available
from envlock.trees import disk_usage
from envlock.versions import minor_of
from envlock.words import counted

_POLL = 0.5  # seconds between looks at whether a worker is still there

_ANSWER = 15.0  # seconds that a scheduler has to answer

_FIRST_WORKER = 60.0  # seconds without any worker before it is given up

#: A worker that another lane has left for so many seconds is free: that lane has no more to do.
_LEFT = 2.0


class WorkerLost(Exception):
    """The worker that had a task is gone."""


class Chores(Struct, frozen=True, kw_only=True):
    """What is done on a worker: module-level functions, or partials of them.

    ``work`` takes the function and the task that a lane was given. ``unfit``
    says why a worker cannot do such work, "" when it can. ``tidy`` removes
    what the work has left on its machine.
    """

    work: Callable[..., Any]
    unfit: Callable[[], str]
    tidy: Callable[[], None]


@contextmanager
def cluster(
    address: str, chores: Chores, note: Callable[[str], None]
) -> Iterator[Callable[[], list[Lane]]]:
    """Connect to a dask scheduler; gives what makes a lane for each of its workers.

    Raises:
        WorkError: no scheduler answers, or it has no worker that is fit.
    """
    crew = _Crew(client=_connect(address), address=address, chores=chores, note=note)
    try:
        yield crew.lanes
        crew.tidy(wait=True)
    except BaseException:
        crew.tidy(wait=False)
        raise
    finally:
        with suppress(Exception):  # it is left to itself, whatever it says
            crew.client.close(timeout=_ANSWER)


def _connect(address: str) -> Client:
    # It logs tracebacks of lost connections, which are told here in words.
    logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)
    try:
        return Client(address, timeout=_ANSWER, set_as_default=False, name="envlock")
    except (OSError, ValueError, TypeError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WorkError(
            f"no dask scheduler answers at {address}: {said}",
            "dask scheduler",
            "--scheduler tcp://HOST:8786",
        ) from None


class _Crew(Struct, kw_only=True):
    """The workers, and which of them are at work for which lane."""

    client: Client
    address: str
    chores: Chores
    note: Callable[[str], None]
    _fit: dict[str, bool] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)
    _left: dict[str, tuple[_Seat, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def lanes(self) -> list[Lane]:
        """Return a lane for each worker that is there and fit."""
        deadline = time.monotonic() + _FIRST_WORKER
        while not (there := self.alive()) and time.monotonic() < deadline:
            time.sleep(_POLL)
        fit = [each for each in there if self._is_fit(each)]
        if not fit:
            why = "none of its workers is fit" if there else "it has no worker"
            raise WorkError(f"{self.address}: {why}", f"dask worker {self.address}")
        self.note(f"{counted(len(fit), 'worker')} of {self.address}")
        return [Lane(_Seat(self), lambda: _Seat(self), _is_lost) for _ in fit]

    def alive(self) -> list[str]:
        """The workers that the scheduler knows now.

        Raises:
            EngineLost: it does not answer.
        """
        try:
            known: Mapping[str, int] = self.client.nthreads()
        except (OSError, TimeoutError, RuntimeError, ValueError) as error:
            raise EngineLost(
                f"the dask scheduler at {self.address} is gone: {type(error).__name__};"
                " what was finished is recorded, and the same command goes on from there"
            ) from None
        return sorted(known)

    def do(self, seat: _Seat, work: Callable[..., Any], task: object) -> Any:  # noqa: ANN401  (what the work returns)
        """Have a worker do a task.

        Raises:
            EngineLost: the scheduler, or its last worker, is gone.
            WorkerLost: the worker went away meanwhile.
        """
        worker = self._taken(seat)
        try:
            running = self._send(worker, self.chores.work, work, task)
            seat.cancel = running.cancel
            while not _has_ended(running):
                if worker not in self.alive():
                    running.cancel()
                    raise WorkerLost(worker)
            return _result(running, worker)
        finally:
            with self._lock:
                self._busy.discard(worker)
                self._left[worker] = (seat, time.monotonic())

    def _send(self, worker: str, work: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401  (as above)
        return self.client.submit(
            work, *arguments, workers=[worker], allow_other_workers=False, pure=False
        )

    def _taken(self, seat: _Seat) -> str:
        """Wait for a worker that is free, the seat's last one if it is, and take it."""
        seen = time.monotonic()
        while True:
            there = [each for each in self.alive() if self._is_fit(each)]
            if there:
                seen = time.monotonic()
            elif time.monotonic() - seen > _FIRST_WORKER:
                raise EngineLost(f"{self.address}: no worker is left")
            with self._lock:
                free = [each for each in there if each not in self._busy and self._may(seat, each)]
                free.sort(key=lambda each: self._left.get(each, (None, 0))[0] is not seat)
                if free:
                    self._busy.add(free[0])
                    return free[0]
            if seat.closed:
                raise WorkerLost
            time.sleep(_POLL)

    def _may(self, seat: _Seat, worker: str) -> bool:
        """Whether a free worker is not about to get the next task of another lane."""
        last, when = self._left.get(worker, (seat, 0.0))
        return last is seat or last.closed or time.monotonic() - when > _LEFT

    def _is_fit(self, worker: str) -> bool:
        if worker not in self._fit:
            why = self._unfit(worker)
            self._fit[worker] = not why
            if why:
                self.note(f"{worker} is left out: {why}")
        return self._fit[worker]

    def _unfit(self, worker: str) -> str:
        asked = self._send(worker, self.chores.unfit)
        deadline = time.monotonic() + _FIRST_WORKER
        while not _has_ended(asked):
            if time.monotonic() > deadline or worker not in self.alive():
                asked.cancel()
                return "it does not answer"
        try:
            return str(_result(asked, worker))
        except Exception as error:  # noqa: BLE001  (whatever it is, that worker cannot work)
            return f"envlock cannot be run there: {type(error).__name__}: {error}"

    def tidy(self, *, wait: bool) -> None:
        """Remove what the work has left; without ``wait`` the workers do it by themselves."""
        with suppress(EngineLost):
            sent = [
                self._send(each, self.chores.tidy) for each in self.alive() if self._fit.get(each)
            ]
            if not wait:
                fire_and_forget(sent)
            deadline = time.monotonic() + _FIRST_WORKER
            while wait and not all(map(_has_ended, sent)) and time.monotonic() < deadline:
                self.alive()


class _Seat(Executor):
    """A lane's side: it has one task at a time, done by whichever worker it gets."""

    def __init__(self, crew: _Crew) -> None:
        self._crew = crew
        self._thread: threading.Thread | None = None
        self.closed = False
        self.cancel: Callable[[], object] = lambda: None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401  (the base's signature)
        """Give a task to a worker."""
        del kwargs
        future: Future[Any] = Future()
        self._thread = threading.Thread(target=self._do, args=(future, fn, *args), daemon=True)
        self._thread.start()
        return future

    def _do(self, future: Future[Any], work: Callable[..., Any], task: object) -> None:
        try:
            future.set_result(self._crew.do(self, work, task))
        except BaseException as error:  # noqa: BLE001  (it is the waiting thread's)
            future.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001,FBT002  (as above)
        """Give no more tasks."""
        self.closed = True
        if cancel_futures:
            with suppress(Exception):  # the scheduler may be gone
                self.cancel()
        if wait and self._thread is not None:
            self._thread.join(_ANSWER)


def _is_lost(error: BaseException) -> bool:
    return isinstance(error, WorkerLost)


def _has_ended(running: Any) -> bool:  # noqa: ANN401  (a future of dask)
    """Wait a moment for a task; whether it has ended, in whatever way."""
    ended = threading.Event()
    running.add_done_callback(lambda _: ended.set())
    ended.wait(_POLL)
    return str(running.status) != "pending"


def _result(running: Any, worker: str) -> Any:  # noqa: ANN401  (as above)
    if running.status in {"cancelled", "lost"}:
        raise WorkerLost(worker)
    error = running.exception()
    if isinstance(error, KilledWorker):
        raise WorkerLost(worker)
    if error is not None:
        raise error
    return running.result()


#: The files of a folder of rules: path in it → text.
Folder = Mapping[str, str]


class Baggage(Struct, frozen=True, kw_only=True):
    """What goes along with every task: folders of rules, and the bound of the disk in bytes."""

    rules: Sequence[Folder]
    max_disk: int


class Expected(Struct, frozen=True, kw_only=True):
    """What a worker must be, so that its answers are those of any other."""

    envlock: str
    probe: str
    platforms: frozenset[str]
    pythons: frozenset[str]


def chores(rules: Sequence[Path], max_disk: int, cells: Collection[Cell]) -> Chores:
    """Return what workers do for a run of these cells, which are of one platform.

    Raises:
        UsageError: a folder of rules cannot be read.
    """
    baggage = Baggage(rules=tuple(map(_packed, rules)), max_disk=max_disk)
    expected = Expected(
        envlock=__version__,
        probe=probe_digest(),
        platforms=frozenset(each.platform for each in cells),
        pythons=frozenset(each.python for each in cells),
    )
    return Chores(
        work=partial(do_there, baggage), unfit=partial(unfit_there, expected), tidy=tidy_there
    )


def _packed(folder: Path) -> Folder:
    if not folder.is_dir():
        raise UsageError(f"--rules {folder}: no such folder")
    files = rule_files(folder)
    return {file.relative_to(folder).as_posix(): read_text(file) for file in files}


def unfit_there(expected: Expected) -> str:
    """Say on a worker why it cannot do the work, "" when it can."""
    if __version__ != expected.envlock:
        return f"it has envlock {__version__}, and {expected.envlock} is here"
    if probe_digest() != expected.probe:
        return "its probes are not those of here"
    here = available()
    places = {str(each.platform) for each in here}
    if expected.platforms - places:
        is_of, wanted = (", ".join(sorted(each)) for each in (places, expected.platforms))
        return f"it is {is_of}, and the cells are of {wanted}"
    missing = expected.pythons - {minor_of(e.version) for e in here}
    return f"it has no Python {', '.join(sorted(missing))}" if missing else ""


def do_there(baggage: Baggage, work: Prover, task: Task) -> ProvedSet:
    """Do a task on a worker, in folders of its machine."""
    place = _workspace()
    with _alone(place):
        if disk_usage(place) > baggage.max_disk:
            remove_tree(_lane(place))
            clean_cache(replace(task.terms, workspace=place))
        rules = tuple(_unpacked(place, each) for each in baggage.rules)
        return work(replace(task, terms=replace(task.terms, workspace=place, rules=rules)))


def tidy_there() -> None:
    """Remove a worker's environment, and those of workers of its machine that are gone."""
    place = _workspace()
    with _alone(place):
        remove_tree(_lane(place))
    for lane in place.glob("lane-*"):
        number = lane.name.removeprefix("lane-")
        if number.isdigit() and not psutil.pid_exists(int(number)):
            remove_tree(lane)


def _workspace() -> Path:
    """The folder of this machine, also where homes are shared between machines."""
    return cache_folder("matrix-workers", platform.node() or "here")


def _lane(place: Path) -> Path:
    return place / f"lane-{os.getpid()}"


def _alone(place: Path) -> AbstractContextManager[None]:
    """Hold this process's environment: a worker may have several threads, and serve two runs."""
    return exclusive(place / f"worker-{os.getpid()}.lock", timeout=86_400)


def _unpacked(place: Path, files: Folder) -> Path:
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]
    folder = place / "rules" / digest
    texts = {folder / name: text for name, text in files.items()}
    for file in texts:
        make_folder(file.parent)
    write_texts(texts)
    return folder
