"""A file in which the work itself is told, line by line."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from envlock.system.writing import append_text


def log_to(path: Path) -> Callable[[str], None]:
    """Return what adds a text to a file, each line with the seconds since now.

    Raises:
        WorkError: it cannot be written.
    """
    append_text(path, "")
    start = time.monotonic()

    def write(text: str) -> None:
        stamp = f"{time.monotonic() - start:8.3f}"
        append_text(path, "".join(f"{stamp} {line}\n" for line in text.splitlines()))

    return write
