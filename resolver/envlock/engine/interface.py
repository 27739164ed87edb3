"""What an engine is asked, and what it may answer.

pip-compile and uv read the same two inputs, requirements and constraints, and
write the same kind of output; an output that is there already holds the pins to
prefer. Whether a package that an engine did not find is really nowhere, the
index pages say.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.errors import IndexFailure
from envlock.formats.registry import read_lock
from envlock.index.origin import source_of, where
from envlock.index.pages import Index
from envlock.model import DistributionFile, IndexSettings, LockedPackage, Target
from envlock.progress import Progress
from envlock.system import write_texts
from envlock.targets.tags import fits

_WORD = 300  # characters


class Problem(Struct, frozen=True, kw_only=True):
    """Requirements to solve for one target.

    ``requirements`` and ``constraints`` are PEP 508 texts whose markers have
    been judged already. ``preferences`` are kept where they fit.
    ``wheels_only`` names packages whose source must not be built; without
    ``builds`` that holds for all. ``without`` are packages that are left out,
    whoever needs them. Only uv knows these two.
    """

    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    target: Target
    settings: IndexSettings
    preferences: Mapping[NormalizedName, Version] = field(default_factory=dict)
    wheels_only: tuple[str, ...] = ()
    builds: bool = True
    without: tuple[str, ...] = ()
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


def confirm_absent(names: Iterable[str], problem: Problem) -> tuple[str, ...]:
    """Read the pages of packages that an engine did not find; say which are held to one index.

    pip, and uv where an index answers 401 or 403, call a package missing when
    its page cannot be read; pip also when no file of it is for this Python,
    or all are yanked.

    Raises:
        IndexFailure: a page cannot be read, or is there after all.
    """
    wanted = tuple(dict.fromkeys(map(canonicalize_name, names)))
    listed = Index(problem.settings).files_of(wanted).items()
    there = [name for name, files in listed if any(_usable(file, problem.target) for file in files)]
    if there:
        raise IndexFailure(
            f"the package index has {' and '.join(there)}, and the engine cannot read it"
        )
    return tuple(
        f"there is no package {name} on {where(problem.settings, name)}"
        for name in wanted
        if source_of(problem.settings, name) is not None
    )


def _usable(file: DistributionFile, target: Target) -> bool:
    """Whether an engine that reads the page sees this file."""
    return fits(file, target) and file.yanked is None


class Files(Struct, frozen=True, kw_only=True):
    """Where one problem lies on disk."""

    requirements: Path
    constraints: Path
    overrides: Path
    answer: Path


def lay_out(problem: Problem, folder: Path) -> Files:
    """Write a problem into a scratch folder."""
    files = Files(
        requirements=folder / "requirements.in",
        constraints=folder / "constraints.txt",
        overrides=folder / "overrides.txt",
        answer=folder / "requirements.txt",
    )
    pins = (f"{name}=={version}" for name, version in sorted(problem.preferences.items()))
    write_texts(
        {
            # pip-compile before 7 takes constraints from the file alone.
            files.requirements: _lines((f"-c {files.constraints.name}", *problem.requirements)),
            files.constraints: _lines(problem.constraints),
            # A requirement that holds nowhere takes the place of all others on a package.
            files.overrides: _lines(f"{n}; python_version < '0'" for n in problem.without),
            files.answer: _lines(pins),
        },
        lasting=False,
    )
    return files


def _lines(items: Iterable[str]) -> str:
    return "".join(f"{item}\n" for item in items)


def collect(files: Files) -> Solution:
    """The pins an engine wrote; who asked is kept, the input files are not named."""
    lock = read_lock(files.answer.name, files.answer.read_text(encoding="utf-8"))
    return Solution(
        packages=tuple(
            LockedPackage(
                name=package.name,
                version=package.version,
                via=tuple(via for via in package.via if not via.startswith(("-r ", "-c "))),
            )
            for package in sorted(lock.part.pypi, key=lambda item: item.name)
        )
    )
