"""The values of evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.model import LockedPackage
from envlock.outcomes import IMPORTS, Failed, Outcome, Passed

#: The names of the sets that every cell may have.
RULES = "rules"

PLAIN = "plain"

#: The set of the rules with Keras 2 where the release comes with Keras 3.
LEGACY = "legacy"

_NAMED = (RULES, PLAIN, LEGACY)

_WITH = "+"

#: The folder below that of the evidence with what stands beside a framework.
COMPANIONS = "companions"

_FILENAME = re.compile(
    r"(?P<distribution>[a-z0-9-]+)-(?P<version>\d+(\.\d+)+)-cp(?P<major>\d)(?P<minor>\d+)"
    r"-(?P<platform>[a-z]+-\w+)\.json"
)


class Cell(Struct, frozen=True, kw_only=True):
    """One release of a framework distribution, on one CPython minor and platform."""

    distribution: NormalizedName
    version: Version
    python: str
    platform: str

    @property
    def filename(self) -> str:
        """The name of its file; a distribution and a platform have no dots in theirs."""
        return (
            f"{self.distribution}-{self.version}-cp{self.python.replace('.', '')}"
            f"-{self.platform}.json"
        )

    @classmethod
    def named(cls, filename: str) -> Cell | None:
        """Return the cell that the name of a file tells, or None."""
        match = _FILENAME.fullmatch(filename)
        if match is None:
            return None
        return cls(
            distribution=canonicalize_name(match["distribution"]),
            version=Version(match["version"]),
            python=f"{match['major']}.{match['minor']}",
            platform=match["platform"],
        )

    def __str__(self) -> str:
        return f"{self.distribution} {self.version} on Python {self.python}"


class Variation(Struct, frozen=True, kw_only=True):
    """A set in which one package is of another minor release: ``h5py`` ``3.1``."""

    package: NormalizedName
    series: str

    def __str__(self) -> str:
        return f"{self.package} {self.series}"

    @classmethod
    def named(cls, name: str) -> Variation | None:
        """Return the variation that a set's name tells, or None for the other sets."""
        package, space, series = name.partition(" ")
        return cls(package=canonicalize_name(package), series=series) if space else None


class CompanionSet(Struct, frozen=True, kw_only=True):
    """A set with a distribution beside the framework, which is imported and used: ``+pandas``."""

    package: NormalizedName

    def __str__(self) -> str:
        return f"{_WITH}{self.package}"

    @property
    def level(self) -> str:
        """The level that shows it."""
        return f"{IMPORTS}{self.package}"

    @classmethod
    def named(cls, name: str) -> CompanionSet | None:
        """Return what a set's name tells, or None for the other sets."""
        return cls(package=canonicalize_name(name[1:])) if name.startswith(_WITH) else None


class Circumstances(Struct, frozen=True, kw_only=True):
    """Where and when a set was run.

    ``probe`` is the probe's name and the digest of its script, ``interpreter``
    such as ``CPython 3.10.13``, ``libc`` such as ``glibc 2.36``.
    """

    day: date
    interpreter: str
    libc: str
    probe: str


class ProvedSet(Struct, frozen=True, kw_only=True):
    """A complete set of pins, and what it did when it was run.

    ``name`` is ``rules``, ``plain``, ``legacy``, a `Variation` or a
    `CompanionSet`. ``problem`` says why there is nothing to run: no resolution,
    or an installation that failed; then there are no outcomes. ``against`` is
    true for a variation that the rules refuse, and that was run all the same:
    its package was replaced in the set of the rules. ``seconds`` maps resolve,
    install and prove to time.
    ``variables`` were set in the environment.
    """

    name: str
    request: tuple[str, ...]
    circumstances: Circumstances
    packages: tuple[LockedPackage, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    problem: str = ""
    against: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def pins(self) -> dict[NormalizedName, Version]:
        """The version of each package."""
        return {package.name: package.version for package in self.packages}

    @property
    def capabilities(self) -> frozenset[str]:
        """The names of the levels that passed."""
        return frozenset(each.level for each in self.outcomes if isinstance(each, Passed))

    def untried(self, levels: Iterable[str]) -> tuple[str, ...]:
        """The levels that nothing is known of: it was run when the probe had none of the name."""
        tried = {each.level for each in self.outcomes}
        return tuple(name for name in levels if name not in tried) if tried else ()

    def passes(self, levels: tuple[str, ...]) -> bool:
        """Whether it was run, and every one of ``levels`` passed."""
        return bool(self.outcomes) and self.capabilities.issuperset(levels)


class CellEvidence(Struct, frozen=True, kw_only=True):
    """A cell and its sets, ``rules`` first, then ``plain``, ``legacy`` and variations."""

    cell: Cell
    sets: tuple[ProvedSet, ...]

    def find(self, name: str) -> ProvedSet | None:
        """Return the set of this name, or None."""
        return next((each for each in self.sets if each.name == name), None)

    def with_set(self, new: ProvedSet) -> CellEvidence:
        """Return the cell with a set added, in place of an older one of its name."""
        others = [each for each in self.sets if each.name != new.name]
        return CellEvidence(cell=self.cell, sets=tuple(sorted((*others, new), key=_order)))


def _order(each: ProvedSet) -> tuple[int, str, Version]:
    variation = Variation.named(each.name)
    if CompanionSet.named(each.name) is not None:
        return (len(_NAMED) + 1, each.name, Version("0"))
    if variation is None:
        return (_NAMED.index(each.name), "", Version("0"))
    return (len(_NAMED), variation.package, Version(variation.series))


_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,}")

_SCRATCH = re.compile(r"[^\s'\"=(]*[/\\]envlock-[\w-]+[/\\]")


def steady(text: str, folder: Path) -> str:
    """Return a text without addresses in memory, scratch folders and the path of ``folder``."""
    text = text.replace(f"{folder}/", "").replace(f"{folder}\\", "")
    return _ADDRESS.sub("0x…", _SCRATCH.sub("", text))


def steady_outcome(outcome: Outcome, folder: Path) -> Outcome:
    """Return an outcome whose words are `steady`."""
    if isinstance(outcome, Failed):
        return replace(outcome, detail=steady(outcome.detail, folder))
    return outcome
