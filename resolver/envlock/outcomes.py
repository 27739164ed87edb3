"""How one level of a probe ended: a closed union, read with ``match``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """The level did what it should."""

    level: str
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """The level raised, or gave a wrong answer."""

    level: str
    error: str
    detail: str
    traceback: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """The level was not tried; ``detail`` says why."""

    level: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Crashed:
    """The interpreter died or hung in this level; ``detail`` names the signal or limit."""

    level: str
    detail: str
    output: str = ""


Outcome = Passed | Failed | Skipped | Crashed
