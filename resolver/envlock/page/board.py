"""What stands where: the releases and Pythons of a platform, and the h5py minors tried there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.evidence.values import PLAIN, RULES, Cell, CellEvidence, ProvedSet, Variation
from envlock.versions import minor_of

_H5PY = canonicalize_name("h5py")


class Release(Struct, frozen=True, kw_only=True):
    """A row: one build of a release. ``label`` names the build where a release has several."""

    version: Version
    distribution: NormalizedName
    label: str


class Board(Struct, frozen=True, kw_only=True):
    """The cells of one platform: releases newest first, Pythons oldest first.

    ``missing`` are cells that are on record and were not run.
    """

    platform: str
    releases: tuple[Release, ...]
    pythons: tuple[str, ...]
    cells: tuple[CellEvidence, ...]
    missing: tuple[Cell, ...]

    def find(self, release: Release, python: str) -> CellEvidence | None:
        """Return what is known of a release on a Python, or None."""
        return next((e for e in self.cells if _is(e.cell, release, python)), None)

    def is_missing(self, release: Release, python: str) -> bool:
        """Whether there is a wheel, and nobody has run it."""
        return any(_is(each, release, python) for each in self.missing)

    @property
    def days(self) -> str:
        """When it was run."""
        days = sorted({s.circumstances.day for each in self.cells for s in each.sets})
        span = list(dict.fromkeys((days[0], days[-1]))) if days else []
        return " to ".join(map(str, span))

    @property
    def compared(self) -> Board:
        """The cells in which a plain resolve was run too; all of them where it never was."""
        cells = tuple(each for each in self.cells if each.find(PLAIN) is not None)
        return _board(self.platform, cells, self.missing) if cells else self

    @property
    def main(self) -> Board:
        """One cell for each release and Python: the build of which a plain resolve was run."""
        found: dict[tuple[Version, str], CellEvidence] = {}
        for each in sorted(self.cells, key=lambda one: one.find(PLAIN) is None):
            found.setdefault((each.cell.version, each.cell.python), each)
        kept = {each.cell for each in found.values()}
        cells = tuple(each for each in self.cells if each.cell in kept)
        return _board(self.platform, cells, self.missing)

    @property
    def others(self) -> Board | None:
        """The cells of other builds of the same releases, or None where there are none."""
        known = {each.cell for each in self.main.cells}
        cells = tuple(each for each in self.cells if each.cell not in known)
        return _board(self.platform, cells, ()) if cells else None

    @property
    def distributions(self) -> tuple[NormalizedName, ...]:
        """The distributions that its cells are of."""
        return tuple(dict.fromkeys(each.cell.distribution for each in self.cells))

    def sets(self, name: str) -> tuple[ProvedSet, ...]:
        """Return the sets of this name."""
        return tuple(found for e in self.cells if (found := e.find(name)) is not None)

    @property
    def pairs(self) -> tuple[tuple[CellEvidence, Mapping[str, ProvedSet]], ...]:
        """The cells in which h5py was varied, each with the sets by h5py minor."""
        found = ((each, dict(_varied(each))) for each in self.cells)
        return tuple((each, sets) for each, sets in found if sets)

    @property
    def series(self) -> tuple[str, ...]:
        """The h5py minors that were tried, oldest first."""
        return tuple(sorted({s for _, sets in self.pairs for s in sets}, key=Version))


def boards(cells: Sequence[CellEvidence], missing: Sequence[Cell]) -> tuple[Board, ...]:
    """Return a board for each platform that evidence is of."""
    platforms = dict.fromkeys(each.cell.platform for each in cells)
    return tuple(
        _board(
            platform,
            tuple(each for each in cells if each.cell.platform == platform),
            tuple(each for each in missing if each.platform == platform),
        )
        for platform in platforms
    )


def h5py_series(evidence: CellEvidence) -> str | None:
    """Return the h5py minor that the set of the rules has."""
    proved = evidence.find(RULES)
    version = proved.pins.get(_H5PY) if proved else None
    return minor_of(version) if version else None


def both(evidence: CellEvidence) -> tuple[ProvedSet | None, ProvedSet | None]:
    """Return the set of the rules and the plain one."""
    return evidence.find(RULES), evidence.find(PLAIN)


def _board(platform: str, cells: tuple[CellEvidence, ...], missing: tuple[Cell, ...]) -> Board:
    every = [*(each.cell for each in cells), *missing]
    rows = sorted({(each.version, each.distribution) for each in every}, reverse=True)
    versions = [version for version, _ in rows]
    return Board(
        platform=platform,
        releases=tuple(
            Release(
                version=version,
                distribution=name,
                label=f"{version} ({name})" if versions.count(version) > 1 else str(version),
            )
            for version, name in rows
        ),
        pythons=tuple(sorted({each.python for each in every}, key=Version)),
        cells=cells,
        missing=missing,
    )


def _varied(evidence: CellEvidence) -> Iterator[tuple[str, ProvedSet]]:
    for each in evidence.sets:
        variation = Variation.named(each.name)
        if variation is not None and variation.package == _H5PY:
            yield variation.series, each


def _is(cell: Cell, release: Release, python: str) -> bool:
    own = (cell.version, cell.distribution, cell.python)
    return own == (release.version, release.distribution, python)
