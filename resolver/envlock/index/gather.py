"""Many waits at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_WORKERS = 8  # more open no page sooner, and resolvers drop bursts of look-ups (5 s each)
#: Seconds of one wait; Windows hears Ctrl-C only between waits.
TICK = 0.2


def gather(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[Item, Result]]:
    """Yield each item with its result, as they come; the first error is raised at once.

    The threads are daemons: an interrupt or an error does not wait for a
    server that says nothing, as the executors of the standard library do.
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

    for _ in range(min(_WORKERS, len(items))):
        threading.Thread(target=labour, name="index", daemon=True).start()
    try:
        for _ in items:
            outcome = _next(done)
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome
    finally:
        with suppress(Empty):
            while True:
                pending.get_nowait()


def _next(queue: SimpleQueue[Result]) -> Result:
    while True:
        try:
            return queue.get(timeout=TICK)
        except Empty:
            continue
