"""What evidence does not know yet: releases and h5py minors on record that were not run. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.evidence.values import Cell, CellEvidence, Variation
from envlock.matrix.plan import MatrixPlan, cells
from envlock.model import Platform
from envlock.releases import (
    framework_releases,
    h5py_releases,
    minor_key,
    pythons_for,
)
from envlock.rules.tables import pythons
from envlock.versions import minor_of

#: The oldest Python that the probes run on, and hence the oldest that is asked for.
_H5PY = canonicalize_name("h5py")


def missing_cells(known: Sequence[CellEvidence]) -> tuple[Cell, ...]:
    """Return the cells on record, on the platforms that evidence is of, that have none.

    That is the last patch of every minor, on every CPython from 3.6 on that
    has a wheel.
    """
    have = {(each.cell.version, each.cell.python, each.cell.platform) for each in known}
    return tuple(
        plan.cell
        for platform in _platforms(known)
        for plan in cells(MatrixPlan(), platform, _pythons(platform))
        if (plan.cell.version, plan.cell.python, plan.cell.platform) not in have
    )


def missing_series(known: Sequence[CellEvidence]) -> dict[Cell, tuple[str, ...]]:
    """Return the h5py minors with a wheel that were not tried, of each cell where some were."""
    found: dict[Cell, tuple[str, ...]] = {}
    for evidence in known:
        tried = set(_tried(evidence))
        series = h5py_series(evidence)
        if tried and (left := tuple(each for each in series if each not in tried)):
            found[evidence.cell] = left
    return found


def h5py_series(evidence: CellEvidence) -> tuple[str, ...]:
    """Return the h5py minors on record with a wheel for a cell, oldest first."""
    cell = evidence.cell
    platform = _platform(evidence)
    versions = (
        each.version
        for each in h5py_releases()
        if not each.yanked and cell.python in (pythons_for(each.version, platform, "h5py") or ())
    )
    found = set(map(minor_of, versions))
    return tuple(sorted(found, key=Version))


def other_probes(known: Iterable[CellEvidence], probe: str) -> dict[Cell, tuple[str, ...]]:
    """Return the sets that were run with other probes than these, of each cell that has some."""
    found = {
        each.cell: tuple(s.name for s in each.sets if s.circumstances.probe != probe)
        for each in known
    }
    return {cell: names for cell, names in found.items() if names}


def _tried(evidence: CellEvidence) -> Iterator[str]:
    for each in evidence.sets:
        variation = Variation.named(each.name)
        if variation is not None and variation.package == _H5PY:
            yield variation.series


def _platform(evidence: CellEvidence) -> Platform:
    system, _, machine = evidence.cell.platform.partition("-")
    libc = next((each.circumstances.libc for each in evidence.sets), "")
    return Platform(system=system, machine=machine, libc=libc)


def _platforms(known: Sequence[CellEvidence]) -> tuple[Platform, ...]:
    """Return each platform once, with the newest C library that was run on."""
    libraries: dict[str, list[Platform]] = defaultdict(list)
    for each in known:
        libraries[each.cell.platform].append(_platform(each))
    return tuple(max(each, key=_library) for each in libraries.values())


def _library(platform: Platform) -> Version:
    return Version(platform.libc.rpartition(" ")[2] or "0")


def _pythons(platform: Platform) -> tuple[str, ...]:
    found = {
        minor
        for each in framework_releases()
        for minor in pythons_for(each.version, platform) or ()
    }
    oldest = minor_key(pythons().oldest)
    return tuple(each for each in found if minor_key(each) >= oldest and not each.endswith("t"))
