"""A set of pins, laid before pip so that it has nothing to wait for: pages, metadata, builds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from packaging.utils import NormalizedName

from envlock.engine.built import built
from envlock.engine.interface import Problem
from envlock.index.metadata import read_wheels
from envlock.index.offer import Offered, offering
from envlock.index.pages import Index
from envlock.index.releases import WHEEL_SUFFIX, admitted
from envlock.model import DistributionFile, IndexSettings
from envlock.progress import Progress
from envlock.targets.fitting import taken


@contextmanager
def laid_out(problem: Problem, python: Path, progress: Progress) -> Iterator[IndexSettings]:
    """Give the settings of a pip that sees of each preferred pin that release alone.

    What is not known of a pin beforehand, pip finds out by itself.

    Raises:
        IndexFailure: a page cannot be read.
        OutOfTime: there was no time to build what has to be built.
    """
    index = Index(problem.settings, progress=progress)
    files = _taken(problem, index)
    wheels = [file for file in files.values() if file.filename.endswith(WHEEL_SUFFIX)]
    archives = {n: f for n, f in files.items() if not f.filename.endswith(WHEEL_SUFFIX)}
    texts = read_wheels(wheels, problem.settings)
    texts |= built(archives, python, problem, progress) if archives else {}
    pins = {
        name: Offered(
            version=problem.preferences[name], file=file, metadata=texts.get(file.filename)
        )
        for name, file in files.items()
    }
    with offering(index, problem.settings, pins, problem.exclude_newer) as settings:
        yield settings


def _taken(problem: Problem, index: Index) -> dict[NormalizedName, DistributionFile]:
    """The file of each pin that pip would take, where the index has one that it may."""
    found: dict[NormalizedName, DistributionFile] = {}
    for name, files in index.pinned(problem.preferences).items():
        dated = admitted(files, problem.exclude_newer)
        allowed = [
            file
            for file in dated
            if file.filename.endswith(WHEEL_SUFFIX) or name not in problem.wheels_only
        ]
        file = taken(allowed, problem.target)
        if file is not None:
            found[name] = file
    return found
