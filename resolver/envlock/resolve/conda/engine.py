"""py-rattler as an `Engine` of the loop, which speaks PyPI's names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from envlock.conda import rattler
from envlock.conda.names import names, pypi_pins
from envlock.conda.versions import to_conda
from envlock.engine import Answer, Problem, Unsatisfiable
from envlock.engine.interface import Solution
from envlock.model import CondaPackage, DistributionFile, LockedPackage
from envlock.progress import Progress
from envlock.resolve.anchor import Releases
from envlock.resolve.conda.question import CondaQuestion
from envlock.resolve.conda.words import sentences


class CondaEngine:
    """`Engine` for one `CondaQuestion`: its specs, and the bounds that the loop adds.

    ``found`` keeps conda's packages behind the last solution.
    """

    crosses_platforms = True

    def __init__(self, question: CondaQuestion, python: Version) -> None:
        self.found: tuple[CondaPackage, ...] = ()
        self._question = question
        self._python = python
        self._wished = {str(wish) for wish in question.wishes().values()}

    def solve(self, problem: Problem, progress: Progress) -> Answer:
        """Solve with the framework and the bounds of a problem beside the question's own specs."""
        added = [Requirement(each) for each in problem.requirements if each not in self._wished]
        needs = [*added, *map(Requirement, problem.constraints)]
        job = self._question.job(
            specs=(f"python {self._python.major}.{self._python.minor}.*", *self._missing(added)),
            constraints=tuple(
                text
                for need in needs
                for text in bounds(canonicalize_name(need.name), need.specifier)
            ),
        )
        answer = rattler.solve(job, progress)
        if isinstance(answer, rattler.Unsolvable):
            return Unsatisfiable(text="; ".join(sentences(answer.text, self._question.specs)))
        self.found = answer
        return Solution(packages=told(answer))

    def _missing(self, added: Iterable[Requirement]) -> Iterable[str]:
        """What a rule wants to be there, and no spec asks for."""
        wished = self._question.wishes()
        for need in added:
            name = canonicalize_name(need.name)
            if name not in wished:
                yield f"{name} {to_conda(need.specifier)}".strip()

    def releases(self, name: NormalizedName, progress: Progress) -> Releases:
        """Return the versions of a project that the channels have, as the loop wants them."""
        question = self._question
        known = rattler.versions(question.channels, question.subdir, names().conda(name), progress)
        found: dict[Version, list[DistributionFile]] = {}
        for text in {each for versions in known.values() for each in versions}:
            try:
                version = Version(text)
            except InvalidVersion:
                continue
            # The loop asks index pages for wheels; any Python may have this one.
            file = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
            found[version] = [DistributionFile(filename=file, url="", hashes={})]
        return found


def bounds(name: NormalizedName, specifier: SpecifierSet) -> Iterator[str]:
    """Yield a bound on a project as bounds on every conda package that may hold it."""
    if specifier:
        yield from (f"{each} {to_conda(specifier)}" for each in names().conda(name))


def told(packages: Iterable[CondaPackage]) -> tuple[LockedPackage, ...]:
    """Return conda's packages as the rules know them."""
    return tuple(
        LockedPackage(name=name, version=version) for name, version in pypi_pins(packages).items()
    )
