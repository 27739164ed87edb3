"""Whether a package that an engine did not find is really nowhere."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.utils import canonicalize_name

from envlock.engine.interface import Problem
from envlock.errors import IndexFailure
from envlock.index.origin import source_of, where
from envlock.index.pages import Index
from envlock.model import DistributionFile, Target
from envlock.targets.fitting import fits


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
