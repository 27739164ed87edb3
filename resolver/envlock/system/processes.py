"""Programs, run to their end and never left behind, within the time that a request has.

An installer that is fed one byte a second waits for ever: its own limit is for
one wait. Where the system tells what a process writes and computes (Linux), it
is left when both are next to nothing for a while; elsewhere after a long time.
"""

from __future__ import annotations

import math
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from math import isfinite
from pathlib import Path
from time import monotonic
from types import FrameType

from msgspec import Struct

from envlock.errors import UsageError, WorkError
from envlock.system.disks import refuse_full
from envlock.trace import trace

_WRITTEN = 16_000  # bytes a second: less is no download that anybody waits for
_COMPUTED = 0.01  # of a core
_ELSEWHERE = 12  # times as long, where nothing can be seen
_LONGEST = 3600.0  # seconds of that
#: Ctrl-C and the signals that mean the same; SIGHUP is not there on Windows.
_INTERRUPTS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_LOOK = 0.5  # seconds between two looks at what a program does
_LEAVING = 5.0  # seconds that a program may take to end by itself
_DYING = 10.0  # seconds that a killed program may take to be gone
VARIABLE = "ENVLOCK_SOLVE_TIMEOUT"
_SECONDS = 600.0  # pip-tools with nothing in its cache may read metadata for minutes
_UNTIL: ContextVar[float | None] = ContextVar("until", default=None)


class Watchdog:
    """Looks at one process from time to time, and tells when it gets on no longer."""

    def __init__(self, pid: int, seconds: float) -> None:
        self._pid = pid
        self._seconds = seconds
        self._since = time.monotonic()
        self._before = _seen(pid)

    def stalled(self) -> bool:
        """Tell whether it has not got on for as long as it may."""
        passed = time.monotonic() - self._since
        if self._before is None:
            return passed > max(self._seconds, min(self._seconds * _ELSEWHERE, _LONGEST))
        now = _seen(self._pid)
        if now is None:
            return False  # it is at its end
        written, computed = now[0] - self._before[0], now[1] - self._before[1]
        works = written > _WRITTEN * self._seconds or computed > _COMPUTED * self._seconds
        if works or now[2]:  # what it has started may build something
            self._since, self._before = time.monotonic(), now
            return False
        return passed > self._seconds


def _seen(pid: int) -> tuple[int, float, int] | None:
    """The bytes that a process has written, its seconds of a core, its children; None: unknown."""
    process = Path("/proc") / str(pid)
    with suppress(OSError, ValueError, IndexError):
        counts = dict(line.split(": ") for line in (process / "io").read_text().splitlines())
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        children = (process / "task" / str(pid) / "children").read_text().split()
        return int(counts["wchar"]), ticks / os.sysconf("SC_CLK_TCK"), len(children)
    return None


class Completed(Struct, frozen=True, kw_only=True):
    """How a program ended: its exit status (negative: a signal) and its output.

    ``timed_out`` is True when it was killed at the time limit.
    """

    returncode: int
    stdout: str
    stderr: str
    timed_out: bool = False


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    stall: float | None = None,
    on_line: Callable[[str], None] | None = None,
    inherit: int | None = None,
) -> Completed:
    """Run a program to its end and return what it printed.

    ``on_line`` sees each line of standard error as it comes, ``inherit`` is a
    descriptor that the program gets, ``timeout`` and ``stall`` (see `Watchdog`)
    are in seconds. A time limit or Ctrl-C ends the program's children too.

    Raises:
        WorkError: it cannot be started or followed, or fails and says that a disk is full.
    """
    out: list[str] = []
    said: list[str] = []
    begun = time.monotonic()
    process = None
    readers: tuple[threading.Thread, ...] = ()
    try:
        with _uninterrupted():
            process = _start(command, env=env, cwd=cwd, inherit=inherit)
            readers = _read(process, out, said, on_line)
        timed_out = _overruns(process, timeout, stall)
        if timed_out:
            _end(process)
    except BaseException:
        if process is not None:
            _end(process)
        raise
    finally:
        for reader in readers:
            reader.join(5)
    texts = {"stdout": "".join(out), "stderr": "".join(said)}
    done = Completed(returncode=process.returncode, timed_out=timed_out, **texts)
    trace(lambda: _told(command, done, time.monotonic() - begun))
    _refuse_full(done, command, env)
    return done


def _told(command: Sequence[str | Path], done: Completed, seconds: float) -> str:
    ended = "ended by its time limit" if done.timed_out else f"exit code {done.returncode}"
    return f"ran {shlex.join(map(str, command))}: {ended}, {seconds:.2f} s"


def _refuse_full(
    done: Completed, command: Sequence[str | Path], env: Mapping[str, str] | None
) -> None:
    """Tell a full disk; what the program was told to write to is where it may be."""
    if done.returncode != 0:
        places = [Path(word) for word in command[1:] if Path(word).is_absolute()]
        places += [Path(env["UV_CACHE_DIR"])] if env and "UV_CACHE_DIR" in env else []
        refuse_full(Path(command[0]).name, done.stderr or done.stdout, *places)


@contextmanager
def beside(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    until: float | None = None,
) -> Iterator[None]:
    """Run a program while a block runs, for what can as well stay undone.

    It is to end by itself within ``until`` seconds after the block, soon
    without them and after one that fails; if not, it is killed. What it prints and how it ends is
    nothing, and so is one that cannot be started.
    """
    process = None
    with _uninterrupted(), suppress(WorkError):
        process = _start(command, env=env, cwd=cwd, output=False)
    try:
        yield
    except BaseException:
        until = None
        raise
    finally:
        if process is not None:
            try:
                _overruns(process, _LEAVING if until is None else until)
            finally:
                if process.returncode is None:
                    _end(process)


def _start(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    inherit: int | None = None,
    output: bool = True,
) -> subprocess.Popen[str]:
    words = [str(word) for word in command]
    try:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if output else subprocess.DEVNULL,
            stderr=subprocess.PIPE if output else subprocess.DEVNULL,
            env=None if env is None else dict(env),
            cwd=cwd,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=os.name == "posix",
            pass_fds=() if inherit is None else (inherit,),
        )
    except OSError as error:
        raise WorkError(f"cannot start {words[0]}: {error.strerror or error}") from error


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and its like back to the end of a block.

    What interrupts `Popen` leaves a program running that nobody knows.
    """
    handlers: dict[int, Callable[[int, FrameType | None], object]] = {}
    held: list[tuple[int, FrameType | None]] = []
    if threading.current_thread() is threading.main_thread():
        known = ((number, signal.getsignal(number)) for number in _INTERRUPTS)
        handlers = {number: handler for number, handler in known if callable(handler)}
    for number in handlers:
        signal.signal(number, lambda *what: held.append(what))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number, frame in held[:1]:
            handlers[number](number, frame)


def _read(
    process: subprocess.Popen[str],
    out: list[str],
    said: list[str],
    on_line: Callable[[str], None] | None,
) -> tuple[threading.Thread, ...]:
    """Start to take what a program prints."""
    readers = (
        threading.Thread(target=_drain, args=(process, out), name="output", daemon=True),
        threading.Thread(target=_follow, args=(process, said, on_line), name="output", daemon=True),
    )
    for number, reader in enumerate(readers):
        try:
            _start_thread(reader)
        except WorkError:
            for stream in (process.stdout, process.stderr)[number:]:
                if stream is not None:
                    stream.close()
            raise
    return readers


def _start_thread(thread: threading.Thread) -> None:
    try:
        thread.start()
    except RuntimeError:
        raise WorkError(
            "the system gives no more threads, which following a program takes",
            "ulimit -u; ulimit -v  # shows how many processes, and how much memory, there may be",
        ) from None


def _overruns(
    process: subprocess.Popen[str], timeout: float | None, stall: float | None = None
) -> bool:
    """Wait for a program; whether it is still there at the time limit, or does not get on."""
    if timeout is None and stall is None:
        process.wait()
        return False
    # `Popen.wait` with a limit looks again after ever longer pauses, up to 50 ms.
    waiter = threading.Thread(target=process.wait, name="output", daemon=True)
    _start_thread(waiter)
    progress = None if stall is None else Watchdog(process.pid, stall)
    limit = time.monotonic() + (timeout or math.inf)
    # In short waits: a signal that comes in the instant before one is handled only after it.
    while waiter.is_alive() and (left := limit - time.monotonic()) > 0:
        waiter.join(min(_LOOK, left, stall or math.inf))
        if progress is not None and process.returncode is None and progress.stalled():
            return True
    return process.returncode is None


def _drain(process: subprocess.Popen[str], out: list[str]) -> None:
    assert process.stdout is not None
    with process.stdout:
        out.extend(process.stdout)


def _follow(
    process: subprocess.Popen[str], captured: list[str], on_line: Callable[[str], None] | None
) -> None:
    assert process.stderr is not None
    with process.stderr:
        for line in process.stderr:
            captured.append(line)
            if on_line is None:
                continue
            try:
                on_line(line.rstrip())
            except (OSError, ValueError):  # nobody is there to read it; the program goes on
                on_line = None


def _end(process: subprocess.Popen[str]) -> None:
    """Kill the program and whatever it started, and wait for it."""
    with suppress(OSError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    # Ctrl-C inside of `Popen.wait` can leave its lock taken: this is not to wait for ever.
    with suppress(subprocess.TimeoutExpired):
        process.wait(_DYING)


class OutOfTime(WorkError):
    """A solver was ended at the time limit for a request."""

    def __init__(self, solver: str, what: str) -> None:
        limit = solve_limit()
        super().__init__(
            f"no answer after {limit:g} s, the time limit of {VARIABLE}:"
            f" {solver} was resolving {what}",
            *(["--engine uv"] if solver == "pip-tools" else []),
            f"export {VARIABLE}={3 * limit:g}",
        )
        self._solver = solver

    def resolving(self, what: str) -> OutOfTime:
        """Return the same, saying what was being solved."""
        return OutOfTime(self._solver, what)

    def before(self, remedy: str) -> OutOfTime:
        """Return the same with what is to be typed before all else."""
        self.remedies = (remedy, *self.remedies)
        return self


def solve_limit() -> float:
    """Return how many seconds a request may be solved for.

    Raises:
        UsageError: the variable that says so is no number of seconds.
    """
    said = os.environ.get(VARIABLE) or str(_SECONDS)
    try:
        seconds = float(said)
    except ValueError:
        seconds = 0.0
    if seconds <= 0 or not isfinite(seconds):
        raise UsageError(
            f"{VARIABLE}: the value is not a number of seconds", f"export {VARIABLE}=600"
        )
    return seconds


def run_solver(
    name: str,
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Completed:
    """Run a solver for as long as the request has time.

    Raises:
        OutOfTime: it had no answer by then, and was ended.
        WorkError: it cannot be started.
    """
    limit = min(left(), solve_limit())
    done = run(command, cwd=cwd, env=env, timeout=limit, on_line=on_line) if limit else None
    if done is None or done.timed_out:
        raise OutOfTime(name, "a request")
    return done


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give what a block does so much time, and no more than what is around the block has left.

    Nothing is interrupted: who starts a long piece of work asks for `left`.
    """
    outer = _UNTIL.get()
    until = monotonic() + seconds
    token = _UNTIL.set(until if outer is None else min(outer, until))
    try:
        yield
    finally:
        _UNTIL.reset(token)


def left() -> float:
    """Return the seconds that are left, none below zero; without a limit they are endless."""
    until = _UNTIL.get()
    return float("inf") if until is None else max(0.0, until - monotonic())
