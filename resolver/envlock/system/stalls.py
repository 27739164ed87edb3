"""Whether a program that downloads still gets on.

An installer that is fed one byte a second waits for ever: its own limit is for
one wait. Where the system tells what a process writes and computes (Linux), it
is left when both are next to nothing for a while; elsewhere after a long time.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

_WRITTEN = 16_000  # bytes a second: less is no download that anybody waits for
_COMPUTED = 0.01  # of a core
_ELSEWHERE = 12  # times as long, where nothing can be seen
_LONGEST = 3600.0  # seconds of that


class Progress:
    """Looks at one process from time to time."""

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
