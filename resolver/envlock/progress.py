"""How long work tells that it goes on: an object passed in, never a global."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Progress(Protocol):
    """Receives what a workflow is doing; the default does nothing."""

    def phase(self, title: str) -> AbstractContextManager[object]:
        """Show ``title`` while the block runs, and how long it took after."""
        ...

    def note(self, text: str) -> None:
        """Say one line that stays: a warning, a choice that was made."""
        ...

    def detail(self, text: str) -> None:
        """Replace the changing part of the current phase, such as a package name."""
        ...


class Silent:
    """The `Progress` of library use and of ``--quiet``."""

    def phase(self, title: str) -> AbstractContextManager[object]:
        """Show nothing."""
        del title
        return nullcontext()

    def note(self, text: str) -> None:
        """Say nothing."""

    def detail(self, text: str) -> None:
        """Say nothing."""


class Once:
    """A `Progress` that passes each note on once, however many parts of a work have it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._said = set[str]()
        self.phase = progress.phase
        self.detail = progress.detail

    def note(self, text: str) -> None:
        """Say one line that stays, unless it was said."""
        if text not in self._said:
            self._said.add(text)
            self._progress.note(text)
