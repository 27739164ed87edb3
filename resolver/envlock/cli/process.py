"""The process: Ctrl-C and the signals that mean the same, its standard streams, and its end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from io import TextIOWrapper
from types import FrameType

from envlock.errors import EnvlockError, ExitCode, WorkError

#: SIGHUP is not there on Windows.
_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

_CHANGES = "envlock.system.writing"


class Interrupted(EnvlockError):
    """Somebody pressed Ctrl-C, or ended the session."""

    exit_code = ExitCode.INTERRUPTED
    cause = "interrupted"


def interruption() -> Interrupted:
    """Return what is told of an interrupt: of what was changed only what is known."""
    known = sys.modules.get(_CHANGES)  # what was not imported has changed nothing
    changed = known.landed() if known is not None else ()
    if not changed:
        return Interrupted("interrupted: nothing was changed")
    return Interrupted(f"interrupted, when this was changed: {', '.join(map(str, changed))}")


def forget_changes() -> None:
    """Begin a run."""
    known = sys.modules.get(_CHANGES)
    if known is not None:
        known.taken_back()


def interrupt_once() -> None:
    """Make the first such signal a `KeyboardInterrupt` and later ones nothing.

    What was begun is undone then, and a second Ctrl-C would leave that half done.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _interrupt)


def interrupt_no_more() -> None:
    """Let such signals be nothing: all is done, and Python has only to end."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    interrupt_no_more()
    raise KeyboardInterrupt


class Unprintable(WorkError):
    """Standard output takes nothing."""


class _Results(TextIOWrapper):
    """Standard output: a reader that has seen enough is no error, a disk that is full is one."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            _failed(self, error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            _failed(self, error)


class _Talk(TextIOWrapper):
    """Standard error: when its reader goes away, the work goes on without words."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:
            _into_nothing(self)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            _into_nothing(self)


def _failed(stream: TextIOWrapper, error: OSError) -> None:
    _into_nothing(stream)
    if not isinstance(error, BrokenPipeError):
        raise Unprintable(f"cannot print the result: {error.strerror}") from error


def _into_nothing(stream: TextIOWrapper) -> None:
    """Let a stream lead to nowhere: Python writes what is left in it when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def open_streams() -> None:
    """Make the streams ones that can be written to, whatever was handed over.

    One that is closed leads to nowhere, as if it were ``/dev/null``. Its number
    is taken at once: the next file that is opened would get it, and with it
    whatever a program prints.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
    sys.stdout = _Results(
        open(1, "wb", closefd=False),  # noqa: SIM115  (a descriptor, for as long as we run)
        encoding=getattr(sys.stdout, "encoding", "utf-8"),
        errors="backslashreplace",
        line_buffering=True,
    )
    sys.stderr = _Talk(
        open(2, "wb", closefd=False),  # noqa: SIM115  (as above)
        encoding=getattr(sys.stderr, "encoding", "utf-8"),
        errors="backslashreplace",
        line_buffering=True,
    )


def is_conversation() -> bool:
    """Tell whether a person is there who can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


#: Threads of envlock's own, by name (`index.gather`, `system.processes`).
_OWN = ("index", "output")


def leave(code: int) -> None:
    """End with an exit code, whatever still goes on beside.

    A thread that could not be ended (it waits for a name server) would run on
    while the interpreter and OpenSSL are taken apart, and crash now and then.
    """
    if any(thread.name in _OWN and thread.is_alive() for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with suppress(OSError, ValueError):
                    stream.flush()
        os._exit(code or 0)
    sys.exit(code)
