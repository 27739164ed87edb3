"""Pins without a wheel for the target: whether they may be built, and their wheels.

Building runs a stranger's code. So a source distribution is built only where
``--allow-build`` names it, where the request pins it, or where its release has
no wheel for anybody, so that there is no other way to have it; and it is told.
What may not be built, and what cannot be, is left out of the next solve, unless
somebody asked for just that release.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.choices import ALL_BUILDS
from envlock.engine import Problem, Unbuilt
from envlock.errors import InterpreterMissing, NoResolution
from envlock.index.filenames import WHEEL_SUFFIX, releases
from envlock.index.pages import Index
from envlock.locking.job import Job
from envlock.model import DistributionFile, LockedPackage, Target
from envlock.progress import Progress
from envlock.resolve import PackageRequirement, Question
from envlock.resolve.explain import remedy
from envlock.rules.building import cause_of
from envlock.rules.traps import traps
from envlock.sdists.building import Made, NotBuilt, SourceRelease
from envlock.sdists.keeping import wheel_of
from envlock.targets.description import target
from envlock.targets.interpreters import find_interpreter
from envlock.targets.tags import installable, taken

#: Who wants no wheel of a package.
_ASKED = "--no-binary"


class SourceWheels:
    """The wheels of a question's source distributions; see `envlock.resolve.question.Sources`."""

    def __init__(
        self,
        question: Question,
        job: Job,
        index: Index,
        progress: Progress,
    ) -> None:
        self._question = question
        self._verb = job.verb
        self._allowed = frozenset(job.request.allow_build)
        self._index = index
        self._builder = builder_of(question.target)
        self._progress = progress
        self._made: dict[tuple[NormalizedName, Version], Made | NotBuilt | None] = {}
        self._bounds: dict[str, None] = {}

    def given(self, problem: Problem) -> Problem:
        """Return a problem with the wheels that were built, and without what cannot be."""
        folders = [each.wheel.parent for each in self._made.values() if isinstance(each, Made)]
        if not folders and not self._bounds:
            return problem
        links = (*problem.settings.find_links, *(each.as_uri() for each in folders))
        return replace(
            problem,
            constraints=tuple(sorted({*problem.constraints, *self._bounds})),
            settings=replace(problem.settings, find_links=links),
        )

    def mended(self, error: Unbuilt) -> None:
        """Build what an engine could not, or leave that release out from now on.

        Raises:
            NoResolution: it cannot be built, and somebody asked for just this release.
            WorkError: its source cannot be read.
        """
        files = self._index.pinned({error.name: error.version})[error.name]
        made = self._wheel(error.name, error.version, files)
        if isinstance(made, Made):
            return
        failed = made or NotBuilt(cause=cause_of([error.log]), ways=("plainly",))
        self._leave_out(error.name, error.version, failed)

    def settled(self, packages: Iterable[LockedPackage]) -> tuple[LockedPackage, ...] | None:
        """Return pins with what their source was built with; None: solve again without some.

        Raises:
            NoResolution: one cannot be built or may not be, and there is no other.
            WorkError: a source cannot be read.
        """
        goal, bounds = self._question.target, len(self._bounds)
        found: list[LockedPackage] = []
        for package in packages:
            if any(installable(file, goal) for file in package.files) or not package.files:
                found.append(package)
                continue
            made = self._wheel(package.name, package.version, package.files)
            if isinstance(made, NotBuilt):
                self._leave_out(package.name, package.version, made)
            built = made.built if isinstance(made, Made) else None
            kept = built if built and (built.tools or built.mended) else None
            found.append(replace(package, built=kept))
        return tuple(found) if len(self._bounds) == bounds else None

    def _wheel(
        self, name: NormalizedName, version: Version, files: Iterable[DistributionFile]
    ) -> Made | NotBuilt | None:
        key = name, version
        if key in self._made:
            return self._made[key]
        goal = self._question.target
        file = taken(files, goal)
        self._made[key] = None
        if self._builder is None or file is None or file.filename.endswith(WHEEL_SUFFIX):
            return None
        reason = self._reason(name, version)
        if not reason:
            self._made[key] = NotBuilt(cause="", ways=())
            return self._made[key]
        why = f"has no wheel for Python {goal.minor}: it " * (reason != _ASKED)
        self._progress.note(
            f"{name} {version} {why}is built of its source, which runs its code ({reason})"
        )
        source = SourceRelease(name=name, version=version, file=file, target=self._builder)
        made = wheel_of(source, self._question.settings, self._progress)
        self._made[key] = made
        if isinstance(made, Made):
            for line in _told(source, made):
                self._progress.note(line)
        return made

    def _reason(self, name: NormalizedName, version: Version) -> str:
        """Why a source distribution may be built; "" where it may not."""
        kinds = self._question.settings.kinds
        if not kinds.takes(name, wheel=False):
            return ""
        if not kinds.takes(name, wheel=True):
            return _ASKED
        if self._allowed & {name, ALL_BUILDS}:
            return "--allow-build"
        if self._pinned(name, version):
            return "just this release was asked for"
        listed = self._index.pinned({name: version})[name]
        if not any(file.filename.endswith(WHEEL_SUFFIX) for file in listed):
            return "the release has no wheel at all"
        return ""

    def _pinned(self, name: NormalizedName, version: Version) -> bool:
        """Whether somebody asked for just one release."""
        asked = [self._question.requirements.get(name), self._question.constraints.get(name)]
        return any(
            part.operator in {"==", "==="} and not part.version.endswith(".*")
            for each in asked
            if each is not None
            for part in each.specifier
            if part.contains(version, prereleases=True)
        )

    def _leave_out(self, name: NormalizedName, version: Version, failed: NotBuilt) -> None:
        older, newer = self._nearest(name, version)
        if self._pinned(name, version) or (older is None and newer is None):
            raise self._refusal(name, version, failed)
        why = f"cannot be built: {failed.cause}" if failed.ways else "may not be built"
        self._progress.note(f"{name} {version} {why}; another release is looked for")
        bound = f"{name}!={version}" if failed.ways or older is None else f"{name}<={older}"
        self._bounds[bound] = None

    def _refusal(self, name: NormalizedName, version: Version, failed: NotBuilt) -> NoResolution:
        goal = self._question.target
        where = f"Python {goal.minor} ({goal.platform})"
        nearest = [str(each) for each in self._nearest(name, version) if each is not None]
        words = " and ".join(nearest) if nearest else ""
        has = f"; the nearest with a wheel: {words}" if words else "; no release has a wheel for it"
        if not failed.ways:
            return NoResolution(
                f"{name} {version} has no wheel for {where}, and would have to be built of its"
                f" source, which runs its code{has}",
                f"--allow-build {name}",
            )
        tried = ", ".join(failed.ways)
        if (trap := traps().get(name)) is not None:
            return NoResolution(
                f"{name} {version} cannot be built for {where}: {failed.cause}",
                self._changed(name, trap.write),
            )
        return NoResolution(
            f"{name} {version} cannot be built for {where}: {failed.cause} (tried {tried}){has}",
            *(self._instead(name, each) for each in nearest[:1]),
        )

    def _instead(self, name: NormalizedName, version: str) -> str:
        return self._changed(name, f"{name}=={version}")

    def _changed(self, name: NormalizedName, instead: str) -> str:
        asked = self._question.requirements.get(
            name, PackageRequirement(name=name, specifier=SpecifierSet())
        )
        return remedy(asked, instead, self._question, self._verb)

    def _nearest(
        self, name: NormalizedName, version: Version
    ) -> tuple[Version | None, Version | None]:
        """The next older and the next newer release with a wheel for the target."""
        goal = self._question.target
        there = [
            each
            for each, files in releases(self._index.files(name)).items()
            if not each.is_prerelease
            and any(installable(f, goal) and f.yanked is None for f in files)
        ]
        older = max((each for each in there if each < version), default=None)
        newer = min((each for each in there if each > version), default=None)
        return older, newer


def builder_of(goal: Target) -> Target | None:
    """Return the target that builds for one: itself, or the same Python on a machine of its kind.

    What it was built with holds for an image of another system's release too.
    """
    if goal.interpreter is not None:
        return goal
    with suppress(InterpreterMissing):
        found = target(find_interpreter(goal.minor))
        here, there = found.platform, goal.platform
        if (here.system, here.machine) == (there.system, there.machine):
            return found
    return None


def _told(source: SourceRelease, made: Made) -> Iterator[str]:
    """What is worth a word of a wheel that was built."""
    if made.way:
        yield f"{source} was built {made.way}: {' '.join(made.built.tools)}"
    for each in made.built.mended:
        old, _, new = each.partition(" -> ")
        taken_as = f"taken as {new!r}" if new else "left out"
        yield f"{source}: no installer reads its requirement {old!r}, which is {taken_as}"
