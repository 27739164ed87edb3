"""Evidence as a board: capabilities by release and Python, and what it comes to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.evidence.explain import failures, is_refused
from envlock.evidence.values import LEGACY, PLAIN, RULES, Cell, CellEvidence, ProvedSet, Variation
from envlock.model import Rule
from envlock.rules.frameworks import framework
from envlock.versions import minor_of
from envlock.words import counted


class Capability(Struct, frozen=True, kw_only=True):
    """A level of a probe: its name, what it proves, and whether the gate asks for it."""

    name: str
    proves: str
    gate: bool


class Levels(Struct, frozen=True, kw_only=True):
    """All levels in their order; the gate counts as one, each other level for itself."""

    all: tuple[Capability, ...]

    @property
    def gate(self) -> tuple[str, ...]:
        """The names of the levels that must pass."""
        return tuple(each.name for each in self.all if each.gate)

    @property
    def others(self) -> tuple[str, ...]:
        """The names of the other levels."""
        return tuple(each.name for each in self.all if not each.gate)

    @property
    def letters(self) -> dict[str, str]:
        """A letter for each other level: the first of its name that is free; G is the gate's."""
        found: dict[str, str] = {}
        for name in self.others:
            free = (c for c in name.upper() if c.isalpha() and c not in {*found.values(), "G"})
            found[name] = next(free, "?")
        return found


class Grade(StrEnum):
    """How a set stands, best first."""

    FULL = "full"  # every level passed that was run and that the release has
    GATE = "gate"  # the gate passed, and a capability failed
    FAIL = "fail"  # the gate did not pass
    NONE = "none"  # there was nothing to run: no resolution, no installation
    OPEN = "open"  # not run yet


def state(proved: ProvedSet | None, levels: Levels) -> Grade:
    """Say how a set stands; None has not been run."""
    if proved is None:
        return Grade.OPEN
    if not proved.outcomes:
        return Grade.NONE
    if not proved.passes(levels.gate):
        return Grade.FAIL
    return Grade.GATE if lost(proved, levels) else Grade.FULL


def lost(proved: ProvedSet, levels: Levels) -> tuple[str, ...]:
    """The capabilities that were tried and failed."""
    failed = {each.level for each in failures(proved)}
    return tuple(name for name in levels.others if name in failed)


def absent(proved: ProvedSet, levels: Levels) -> tuple[str, ...]:
    """The capabilities of a set that passes the gate which its release does not have."""
    known = {*proved.capabilities, *lost(proved, levels), *proved.untried(levels.others)}
    return tuple(name for name in levels.others if name not in known)


def code(proved: ProvedSet | None, levels: Levels) -> str:
    """Say what a set can do in a letter a level, with a dash for what it cannot, ? for not run."""
    if proved is None:
        return "?"
    if not proved.outcomes:
        return "none"
    signs = dict.fromkeys(proved.untried(levels.others), "?")
    signs |= {name: levels.letters[name] for name in levels.others if name in proved.capabilities}
    gate = "G" if proved.passes(levels.gate) else "-"
    return gate + "".join(signs.get(name, "-") for name in levels.others)


def ways(own: ProvedSet | None, legacy: ProvedSet | None, levels: Levels) -> str:
    """The code of a set, with small letters for what Keras 2 beside it has and it has not."""
    said = code(own, levels)
    if own is None or legacy is None or not legacy.passes(levels.gate) or not own.outcomes:
        return said
    more = (
        levels.letters[name].lower() if sign == "-" and name in legacy.capabilities else sign
        for name, sign in zip(levels.others, said[1:], strict=True)
    )
    return said[0] + "".join(more)


def passing(sets: Iterable[ProvedSet | None], names: Collection[str]) -> int:
    """Count the sets that pass levels."""
    return sum(each is not None and each.passes(tuple(names)) for each in sets)


_H5PY = canonicalize_name("h5py")


class ReleaseRow(Struct, frozen=True, kw_only=True):
    """A row: one build of a release. ``label`` names the build where a release has several."""

    version: Version
    distribution: NormalizedName
    label: str


class Board(Struct, frozen=True, kw_only=True):
    """The cells of one platform: releases newest first, Pythons oldest first.

    ``missing`` are cells that are on record and were not run.
    """

    platform: str
    releases: tuple[ReleaseRow, ...]
    pythons: tuple[str, ...]
    cells: tuple[CellEvidence, ...]
    missing: tuple[Cell, ...]

    def find(self, release: ReleaseRow, python: str) -> CellEvidence | None:
        """Return what is known of a release on a Python, or None."""
        return next((e for e in self.cells if _is(e.cell, release, python)), None)

    def legacy(self, version: Version, python: str) -> ProvedSet | None:
        """Return the set with Keras 2 of a release on a Python, whichever build has it."""
        cells = (e for e in self.cells if (e.cell.version, e.cell.python) == (version, python))
        return next((found for each in cells if (found := each.find(LEGACY))), None)

    def is_missing(self, release: ReleaseRow, python: str) -> bool:
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
            ReleaseRow(
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


def _is(cell: Cell, release: ReleaseRow, python: str) -> bool:
    own = (cell.version, cell.distribution, cell.python)
    return own == (release.version, release.distribution, python)


def summary(board: Board, rules: Sequence[Rule], levels: Levels) -> str:
    """Say what was run, and how much of it passes the gate: a plain resolve, and envlock's lock."""
    own, plain = board.compared.sets(RULES), board.compared.sets(PLAIN)
    oldest, newest = board.releases[-1].version, board.releases[0].version
    pythons = f"{board.pythons[0]} to {board.pythons[-1]}"
    with_plain = f"with a plain resolve in {_of(plain, levels)}, " if plain else ""
    releases = f"{framework().title} {minor_of(oldest)} to {minor_of(newest)}"
    cells = f"{counted(len(board.main.cells), 'cell')} on {board.platform}, run {board.days}"
    others = board.others
    more = f"; of other builds in {_of(others.sets(RULES), levels)}" if others else ""
    sentences = [
        f"{cells}: {releases} on Python {pythons}.",
        f"The gate passes {with_plain}with envlock's lock in {_of(own, levels)}{more}.",
    ]
    return " ".join([*sentences, *_pairs(board, rules, levels)])


def _pairs(board: Board, rules: Sequence[Rule], levels: Levels) -> list[str]:
    pairs = [
        (evidence.cell, proved)
        for evidence, sets in board.pairs
        for proved in sets.values()
        if proved.packages
    ]
    if not pairs:
        return []
    bad = [(cell, proved) for cell, proved in pairs if not proved.passes(levels.gate)]
    text = f"Of {counted(len(pairs), 'pair')} of TensorFlow and h5py {len(pairs) - len(bad)} pass"
    if bad:
        refused = sum(is_refused(rules, cell, proved) for cell, proved in bad)
        which = f"all {refused}" if refused == len(bad) else f"{refused} of the {len(bad)}"
        text += f"; a rule or metadata refuses {which} that do not"
    return [f"{text}."]


def _of(sets: tuple[ProvedSet, ...], levels: Levels) -> str:
    return f"{passing(sets, levels.gate)} of {len(sets)}"
