"""What a file that is no list of requirements says is wanted, one thing after the other. Pure.

Build files, scripts and images say it in their own words. Each reader yields
what it finds in pip's words or conda's, with its place, so that one reader of
lines judges all of them.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from envlock.errors import UsageError


class By(StrEnum):
    """Whose words a declaration is in."""

    PIP = "pip"
    CONDA = "conda"
    PYTHON = "python"
    """A range of Pythons, in PEP 440's words."""
    BASE = "base"
    """A release that is there already, as ``NAME==VERSION``: an image brings it."""


class Declaration(Struct, frozen=True, kw_only=True):
    """One thing that is wanted: a line as pip or conda reads it, or what is wrong there.

    ``optional`` names the extra or group that it belongs to.
    """

    where: str
    text: str
    by: By = By.PIP
    optional: str = ""
    fault: UsageError | None = None


def line_of(lines: list[str], text: str, first: int = 0) -> int:
    """Return the number of the first line from index ``first`` on that holds a text; 0: none."""
    return next((n for n, line in enumerate(lines[first:], first + 1) if text in line), 0)


def place(path: object, line: int) -> str:
    """Return where something stands, as messages name it."""
    return f"{path}:{line}" if line else str(path)
