"""What a bisect has found, and what it tried."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct
from packaging.version import Version

from envlock.bisect.ddmin import Verdict
from envlock.bisect.failures import Failure
from envlock.changes import Plan, Step
from envlock.rules.schema import Document
from envlock.workflow.trials import Trial

_SHOWN = 3  # changes that the title of a trial names


class Told(Struct, frozen=True, kw_only=True):
    """A trial as it is told: what was changed of the good set, and what came of it."""

    changed: tuple[Step, ...]
    verdict: Verdict
    trial: Trial


class Flip(Struct, frozen=True, kw_only=True):
    """A change from one release to the next one that fails; ``between`` are unresolved."""

    step: Step
    between: tuple[Version, ...]


class Bisected(Struct, frozen=True, kw_only=True):
    """The changes that fail together and none of which can be left out.

    ``differing`` are all changes between the sets, ``companions`` those
    culprits that come only because another one needs them. ``narrowed`` are
    the other culprits from the last release that works to the first that does
    not, with the unresolved ones between the two; empty unless asked for.
    ``seconds`` are those of all.
    """

    good: Path
    bad: Path
    python: Version
    differing: tuple[Step, ...]
    culprits: tuple[Step, ...]
    companions: tuple[Step, ...]
    narrowed: tuple[Flip, ...]
    failure: Failure
    trials: tuple[Told, ...]
    seconds: float
    rule: Document


def title(some: Iterable[Step]) -> str:
    """Changes in a line, the first few by name."""
    steps = sorted(some, key=lambda step: step.package)
    shown = str(Plan(steps=tuple(steps[:_SHOWN])))
    return shown if len(steps) <= _SHOWN else f"{shown} and {len(steps) - _SHOWN} more"
