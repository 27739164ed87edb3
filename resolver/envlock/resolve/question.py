"""What a resolution is asked, who works on it, and the problem an engine gets."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.engine import Answer, Engine, Problem, Unbuilt
from envlock.model import Constraint, DistributionFile, IndexSettings, Rule, Selection, Target
from envlock.progress import Progress
from envlock.releases import declared
from envlock.resolve.candidate import (
    Candidate,
    PackageRequirement,
    Releases,
    Requirements,
    joined,
)
from envlock.rules.database import Database
from envlock.rules.frameworks import families
from envlock.system import OutOfTime

#: How many source distributions an engine may stumble over in one solve.
_BUILDS = 12


class Question(Struct, frozen=True, kw_only=True):
    """Everything that a resolution depends on.

    ``constraints`` are the user's bounds on packages that need not be there.
    ``optional`` are the requirements of extras and groups that can be chosen where
    the answer is installed, ``base`` those of whoever chooses none; without
    any both are empty. ``requirements`` are always all of them.
    """

    requirements: Requirements
    constraints: Requirements
    rules: tuple[Rule, ...]
    target: Target
    settings: IndexSettings
    preferences: Mapping[NormalizedName, Version] = field(default_factory=dict)
    exclude_newer: datetime | None = None
    base: Requirements = field(default_factory=dict)
    optional: Mapping[Selection, Requirements] = field(default_factory=dict)

    def choosing(self, chosen: Iterable[Selection]) -> Question:
        """The same for whoever chooses these extras and groups."""
        optional = {each: self.optional[each] for each in chosen}
        together = joined((self.base, *optional.values()))
        return replace(self, requirements=together, optional=optional)

    def given(self, candidate: Candidate | None) -> dict[NormalizedName, PackageRequirement]:
        """The user's bounds on packages that will be there: asked for, or needed by a release."""
        known = dict(self.requirements)
        for name, constraint in self.constraints.items():
            if name in known:
                known[name] = known[name].within(constraint)
            elif (
                candidate is not None and declared(candidate.version, name, self.target) is not None
            ):
                known[name] = constraint
        return known

    def problem(self, candidate: Candidate | None, constraints: Iterable[Constraint]) -> Problem:
        """What an engine is to solve: the request with a release and bounds, or as it stands."""
        constraints = tuple(constraints)
        requirements = [
            w
            for w in self.requirements.values()
            if candidate is None or not candidate.stands_for(w)
        ]
        required = [*map(str, requirements), *([str(candidate)] if candidate else [])]
        required += [f"{c.package}{c.specifier}" for c in constraints if c.include]
        bounds = [f"{c.package}{c.specifier}" for c in constraints if not c.include]
        bounds += [
            str(replace(requirement, extras=())) for requirement in self.constraints.values()
        ]
        return Problem(
            requirements=tuple(sorted(set(required))),
            constraints=tuple(sorted(set(bounds))),
            target=self.target,
            settings=self.settings,
            preferences=self.preferences,
            wheels_only=families().wheels_only,
            exclude_newer=self.exclude_newer,
        )


Pins = Mapping[NormalizedName, Version]
Listed = Mapping[NormalizedName, tuple[DistributionFile, ...]]


def _nothing(pins: Pins) -> Listed:
    """What an index that is not asked lists."""
    del pins
    return {}


def _unread(files: Iterable[DistributionFile]) -> Mapping[str, tuple[str, ...]]:
    """What is known of wheels that nobody reads."""
    del files
    return {}


class Sources(Protocol):
    """Who builds what has no wheel, so that an engine sees one."""

    @abstractmethod
    def given(self, problem: Problem) -> Problem:
        """Return a problem with the wheels that were built, and without what cannot be."""
        ...

    @abstractmethod
    def mended(self, error: Unbuilt) -> None:
        """Build what an engine could not, or leave that release out from now on.

        Raises:
            NoResolution: it cannot be built, and somebody asked for just this release.
        """
        ...


def _nobody(candidate: Candidate) -> Iterable[NormalizedName]:
    """Who comes with a release of which nothing is on record."""
    del candidate
    return ()


class Tools(Struct, frozen=True, kw_only=True):
    """Who does the work: the engine, the index pages, and who is told.

    ``releases`` gives a package's files by version, those that the date of
    the question admits. ``pinned`` gives the files of many releases at once,
    of any date. ``companions`` names packages that a framework release will
    probably bring along; they are looked up while the engine works. ``needs``
    gives the Requires-Dist of wheels by file name, as far as they are known.
    ``sources`` builds what an engine cannot.
    """

    engine: Engine
    releases: Callable[[NormalizedName], Releases]
    progress: Progress
    pinned: Callable[[Pins], Listed] = _nothing
    companions: Callable[[Candidate], Iterable[NormalizedName]] = _nobody
    needs: Callable[[Iterable[DistributionFile]], Mapping[str, tuple[str, ...]]] = _unread
    sources: Sources | None = None

    def solve(self, problem: Problem, name: str) -> Answer:
        """Ask the engine, and tell that ``name`` is being resolved."""
        with self.progress.phase(f"resolve {name}"):
            try:
                return self._solved(problem)
            except OutOfTime as error:
                raise error.resolving(name) from None

    def _solved(self, problem: Problem) -> Answer:
        """What the engine answers, where need be with wheels that had to be built for it."""
        if self.sources is None:
            return self.engine.solve(problem, self.progress)
        for _ in range(_BUILDS):
            try:
                return self.engine.solve(self.sources.given(problem), self.progress)
            except Unbuilt as error:
                self.sources.mended(error)
        return self.engine.solve(self.sources.given(problem), self.progress)


class Asked(Struct, frozen=True, kw_only=True):
    """What only an explanation needs.

    ``verb`` is the command that was typed, ``targets_here`` the interpreters of
    this machine, newest first.
    """

    database: Database
    verb: str
    targets_here: Callable[[], tuple[Target, ...]]
