"""Programs that another thread ends, for a reason that whoever waits for them is told."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from envlock.errors import EnvlockError


class Stop:
    """Ends the programs that a block runs from another thread; the block gets the reason."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._reason: EnvlockError | None = None

    def now(self, reason: EnvlockError) -> None:
        """End what runs, and what is started later."""
        with self._lock:
            self._reason = self._reason or reason
            for process in self._running:
                kill(process)

    @contextmanager
    def over(self, process: subprocess.Popen[str]) -> Iterator[None]:
        """Let a program be ended while a block waits for it.

        Raises:
            EnvlockError: the reason, if there is one.
        """
        with self._lock:
            self._running.add(process)
            if self._reason is not None:
                kill(process)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(process)
        if self._reason is not None:
            raise self._reason


STOP: ContextVar[Stop | None] = ContextVar("stop", default=None)


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Give another thread a way to end the programs that are run in a block."""
    stop = Stop()
    before = STOP.set(stop)
    try:
        yield stop
    finally:
        STOP.reset(before)


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a program and whatever it started."""
    with suppress(OSError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
