"""Ctrl-C, and the signals that mean the same."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from envlock.errors import EnvlockError, ExitCode

#: SIGHUP is not there on Windows.
_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


_CHANGES = "envlock.system.writing"


class Interrupted(EnvlockError):
    """Somebody pressed Ctrl-C, or ended the session."""

    exit_code = ExitCode.INTERRUPTED


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
