"""What an engine is asked, and what it may answer."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct, field
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.model import IndexSettings, LockedPackage, Target
from envlock.progress import Progress

_WORD = 300  # characters


class Problem(Struct, frozen=True, kw_only=True):
    """Requirements to solve for one target.

    ``requirements`` and ``constraints`` are PEP 508 texts whose markers have
    been judged already. ``preferences`` are kept where they fit.
    ``wheels_only`` names packages whose source must not be built.
    """

    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    target: Target
    settings: IndexSettings
    preferences: Mapping[NormalizedName, Version] = field(default_factory=dict)
    wheels_only: tuple[str, ...] = ()
    exclude_newer: datetime | None = None


class Solution(Struct, frozen=True, kw_only=True):
    """A complete set of pins, sorted by name, without reasons, files and hashes."""

    packages: tuple[LockedPackage, ...]


class Unsatisfiable(Struct, frozen=True, kw_only=True):
    """No set of versions fits; ``text`` is what the engine said, without noise."""

    text: str


Answer = Solution | Unsatisfiable


def brief(said: str) -> str:
    """Return what a program said without what no reader takes in: words of thousands of letters."""
    return re.sub(rf"(\S{{{_WORD}}})\S+", r"\1…", said)


class Engine(Protocol):
    """Solves one `Problem` by running an outside program.

    ``crosses_platforms`` tells whether it solves for a Python that is not here.
    """

    crosses_platforms: bool

    @abstractmethod
    def solve(self, problem: Problem, progress: Progress) -> Answer:
        """Solve, or say that nothing fits.

        The same problem gives the same answer while the index stays the same.
        Credentials reach the program through its environment only.

        Raises:
            WorkError: the program cannot be run, or failed for another reason
                than the requirements.
        """
        ...
