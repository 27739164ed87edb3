"""Standard streams that are closed, full, or that nobody reads any more."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

from envlock.errors import UsageError, WorkError


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


def standard_input() -> bytes:
    """Return all that is handed over.

    Raises:
        UsageError: it is closed, or cannot be read.
    """
    if sys.stdin is None:
        raise UsageError("-: there is no standard input to read: it is closed")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise UsageError(f"-: standard input cannot be read: {error.strerror}") from None


def is_conversation() -> bool:
    """Tell whether a person is there who can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
