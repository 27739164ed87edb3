"""Many waits at once, and the client that answers them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from envlock.model import IndexSettings

if TYPE_CHECKING:
    from envlock.index.fetch import Client

Item = TypeVar("Item")
Result = TypeVar("Result")

_WORKERS = 8  # more open no page sooner, and resolvers drop bursts of look-ups (5 s each)
#: Seconds of one wait; Windows hears Ctrl-C only between waits.
TICK = 0.2
#: Seconds that what was broken off may take to end. A look-up of a name cannot be broken off.
_ENDING = 2.0


@contextmanager
def connected(settings: IndexSettings) -> Iterator[Client]:
    """Give an HTTP client, which is loaded only where something has to be read.

    Raises:
        IndexFailure: a certificate cannot be read.
        UsageError: the proxy is not a URL, or a trusted host is none.
    """
    from envlock.index.fetch import Client  # noqa: PLC0415  (0.1 s that a warm cache saves)

    with Client(settings) as client:
        yield client


def gather(
    work: Callable[[Item], Result], items: Sequence[Item], cancel: Callable[[], None]
) -> Generator[tuple[Item, Result]]:
    """Yield each item with its result, as they come; the first error is raised at once.

    Whatever ends this early, an interrupt or an error, calls ``cancel``, which
    is to break off the work of all threads, and waits for them to end.
    """
    pending: SimpleQueue[Item] = SimpleQueue()
    done: SimpleQueue[tuple[Item, Result] | BaseException] = SimpleQueue()
    for item in items:
        pending.put(item)

    def labour() -> None:
        while True:
            try:
                item = pending.get_nowait()
            except Empty:
                return
            try:
                done.put((item, work(item)))
            except BaseException as error:  # noqa: BLE001  (raised on in the caller's thread)
                done.put(error)
                return

    threads = _start(labour, min(_WORKERS, len(items)))
    whole = False
    try:
        if not threads:
            labour()
        for _ in items:
            outcome = _next(done)
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome
        whole = True
    finally:
        _empty(pending)
        if not whole:
            cancel()
        join(threads)


def join(threads: Sequence[threading.Thread]) -> None:
    """Wait for threads that are about to end, but not for ever."""
    limit = time.monotonic() + _ENDING
    for thread in threads:
        while thread.is_alive() and time.monotonic() < limit:
            thread.join(TICK)


def _start(labour: Callable[[], None], number: int) -> list[threading.Thread]:
    """Start threads, as many as the system gives."""
    threads: list[threading.Thread] = []
    with suppress(RuntimeError):  # can't start new thread
        for _ in range(number):
            thread = threading.Thread(target=labour, name="index", daemon=True)
            thread.start()
            threads.append(thread)
    return threads


def _empty(queue: SimpleQueue[Item]) -> None:
    with suppress(Empty):
        while True:
            queue.get_nowait()


def _next(queue: SimpleQueue[Result]) -> Result:
    while True:
        try:
            return queue.get(timeout=TICK)
        except Empty:
            continue
