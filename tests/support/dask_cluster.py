"""A real dask cluster on this machine: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

_START = 60  # seconds; importing dask on a busy machine takes a few of them


@contextmanager
def dask_scheduler(folder: Path) -> Iterator[tuple[str, int]]:
    """Run a scheduler and give its address and process."""
    said = folder / "scheduler.log"
    words = ("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    with _running(folder, said, *words) as pid:
        yield _found(said, "Scheduler at:"), pid


@contextmanager
def dask_workers(
    address: str, folder: Path, count: int, env: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run workers of one thread each, in the working folder ``folder``.

    One that is killed is started again by its nanny, as in any cluster.
    """
    said = folder / "worker.log"
    words = ("worker", address, "--nworkers", str(count), "--nthreads", "1", "--no-dashboard")
    with _running(folder, said, *words, "--local-directory", str(folder), env=env):
        _found(said, "Registered to:", times=count)
        yield


@contextmanager
def _running(
    folder: Path, said: Path, kind: str, *words: str, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    kept = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **(env or {})}
    with said.open("w") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words],
            stdout=log,
            stderr=log,
            cwd=folder,
            env=kept,
            start_new_session=True,
        )
    try:
        yield started.pid
    finally:
        started.terminate()
        with suppress(subprocess.TimeoutExpired):
            started.wait(3)
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def _found(said: Path, mark: str, times: int = 1) -> str:
    """Wait until a log says something so often, and return what follows it there."""
    deadline = time.monotonic() + _START
    while (text := said.read_text()).count(mark) < times:
        assert time.monotonic() < deadline, text
        time.sleep(0.05)
    return text.partition(mark)[2].split()[0]
