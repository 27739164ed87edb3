"""The progress display of a real terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from envlock.index.secrets import redact
from envlock.words import visible


class Terminal:
    """`Progress` as one spinning line, which leaves a short line for each phase."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._status = self._console.status("")
        self._title = ""

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Spin while the block runs; leave the time it took."""
        self._title = _fit(title)
        start = time.monotonic()
        self._status.update(escape(self._title))
        self._status.start()
        try:
            yield
        finally:
            self._status.stop()
        self._console.print(f"[dim]{escape(self._title)}: {time.monotonic() - start:.1f} s[/dim]")

    def note(self, text: str) -> None:
        """Print one line that stays."""
        self._console.print(escape(_fit(text)))

    def detail(self, text: str) -> None:
        """Show what is being worked on beside the title."""
        if text.strip():
            room = max(10, self._console.width - len(self._title) - 8)
            self._status.update(
                f"{escape(self._title)}  [dim]{escape(_fit(text.strip()))[:room]}[/dim]"
            )


def _fit(text: str) -> str:
    return visible(redact(text))
