"""A result in two columns. Imported by commands that are at work."""

from __future__ import annotations

from collections.abc import Iterable

from envlock.cli.output import say
from envlock.report import rows_text
from envlock.system.typed import as_typed

#: Rows that say what was made, which is told even when little is to be said.
_MADE = frozenset({"written", "bundle", "environment"})


def say_rows(rows: Iterable[tuple[str, str]], *, quiet: bool = False) -> None:
    """Print a result in two columns; when ``quiet``, only what was made.

    What is to be typed next is printed as it can be typed here.
    """
    shown = [
        (label, as_typed(text) if label == "next" else text)
        for label, text in rows
        if not quiet or label in _MADE
    ]
    if shown:
        say(rows_text(shown))
