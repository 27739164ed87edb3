"""One task of the matrix on a worker of a cluster, which shares nothing with who sent it.

The worker's machine has its own caches, Pythons and folders. What a task
needs of the sender goes with it; a worker on which the answer could be
another is not given any.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from envlock import __version__
from envlock.errors import UsageError
from envlock.evidence.values import Cell, ProvedSet
from envlock.matrix.cluster import Chores
from envlock.matrix.tasks import Task, Work
from envlock.rules.database import rule_files
from envlock.system import (
    cache_folder,
    exclusive,
    make_folder,
    read_text,
    remove_tree,
    write_texts,
)
from envlock.targets.interpreters import available
from envlock.trees import disk_usage
from envlock.versions import minor_of
from envlock.workflow.caches import clean_cache
from envlock.workflow.proving import probe_digest

#: The files of a folder of rules: path in it → text.
Folder = Mapping[str, str]


class Baggage(Struct, frozen=True, kw_only=True):
    """What goes along with every task: folders of rules, and the bound of the disk in bytes."""

    rules: Sequence[Folder]
    max_disk: int


class Expected(Struct, frozen=True, kw_only=True):
    """What a worker must be, so that its answers are those of any other."""

    envlock: str
    probe: str
    platforms: frozenset[str]
    pythons: frozenset[str]


def chores(rules: Sequence[Path], max_disk: int, cells: Collection[Cell]) -> Chores:
    """Return what workers do for a run of these cells, which are of one platform.

    Raises:
        UsageError: a folder of rules cannot be read.
    """
    baggage = Baggage(rules=tuple(map(_packed, rules)), max_disk=max_disk)
    expected = Expected(
        envlock=__version__,
        probe=probe_digest(),
        platforms=frozenset(each.platform for each in cells),
        pythons=frozenset(each.python for each in cells),
    )
    return Chores(
        work=partial(do_there, baggage), unfit=partial(unfit_there, expected), tidy=tidy_there
    )


def _packed(folder: Path) -> Folder:
    if not folder.is_dir():
        raise UsageError(f"--rules {folder}: no such folder")
    files = rule_files(folder)
    return {file.relative_to(folder).as_posix(): read_text(file) for file in files}


def unfit_there(expected: Expected) -> str:
    """Say on a worker why it cannot do the work, "" when it can."""
    if __version__ != expected.envlock:
        return f"it has envlock {__version__}, and {expected.envlock} is here"
    if probe_digest() != expected.probe:
        return "its probes are not those of here"
    here = available()
    places = {str(each.platform) for each in here}
    if expected.platforms - places:
        is_of, wanted = (", ".join(sorted(each)) for each in (places, expected.platforms))
        return f"it is {is_of}, and the cells are of {wanted}"
    missing = expected.pythons - {minor_of(e.version) for e in here}
    return f"it has no Python {', '.join(sorted(missing))}" if missing else ""


def do_there(baggage: Baggage, work: Work, task: Task) -> ProvedSet:
    """Do a task on a worker, in folders of its machine."""
    place = _workspace()
    with _alone(place):
        if disk_usage(place) > baggage.max_disk:
            remove_tree(_lane(place))
            clean_cache(replace(task.terms, workspace=place))
        rules = tuple(_unpacked(place, each) for each in baggage.rules)
        return work(replace(task, terms=replace(task.terms, workspace=place, rules=rules)))


def tidy_there() -> None:
    """Remove a worker's environment, and those of workers of its machine that are gone."""
    import psutil  # noqa: PLC0415  (comes with dask.distributed)

    place = _workspace()
    with _alone(place):
        remove_tree(_lane(place))
    for lane in place.glob("lane-*"):
        number = lane.name.removeprefix("lane-")
        if number.isdigit() and not psutil.pid_exists(int(number)):
            remove_tree(lane)


def _workspace() -> Path:
    """The folder of this machine, also where homes are shared between machines."""
    return cache_folder("matrix-workers", platform.node() or "here")


def _lane(place: Path) -> Path:
    return place / f"lane-{os.getpid()}"


def _alone(place: Path) -> AbstractContextManager[None]:
    """Hold this process's environment: a worker may have several threads, and serve two runs."""
    return exclusive(place / f"worker-{os.getpid()}.lock", timeout=86_400)


def _unpacked(place: Path, files: Folder) -> Path:
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]
    folder = place / "rules" / digest
    texts = {folder / name: text for name, text in files.items()}
    for file in texts:
        make_folder(file.parent)
    write_texts(texts)
    return folder
