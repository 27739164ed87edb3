"""Ctrl-C, and the signals that mean the same."""

from __future__ import annotations

import signal
from types import FrameType

from envlock.errors import EnvlockError

#: SIGHUP is not there on Windows.
_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class Interrupted(EnvlockError):
    """Somebody pressed Ctrl-C, or ended the session."""

    exit_code = 130


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
