"""One platform of a conda request: packages that the channels have and the rules admit.

py-rattler is an `Engine` of the loop, and speaks PyPI's names to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from envlock.conda import rattler
from envlock.conda.names import names, pypi_pins, python_of, to_conda, unread
from envlock.engine import Answer, Problem, Unsatisfiable
from envlock.engine.interface import Solution
from envlock.model import (
    CondaPackage,
    CondaSpec,
    DistributionFile,
    IndexSettings,
    LockedPackage,
    RuleId,
    Target,
)
from envlock.progress import Progress
from envlock.resolve.assemble import explained, notes, reasons
from envlock.resolve.candidate import Releases, framework
from envlock.resolve.conda.explain import (
    CondaAsked,
    Refusal,
    by_the_rules,
    by_the_solver,
    no_packages,
    sentences,
)
from envlock.resolve.conda.question import CondaQuestion
from envlock.resolve.loop import candidates_for, search
from envlock.resolve.question import Question, Tools
from envlock.rules.check import conditions
from envlock.rules.frameworks import families
from envlock.system import OutOfTime, left, solve_limit, within
from envlock.targets.subdirs import target_of

_LINE = re.compile(r":\d+$")
_NOTHING = NormalizedName("")


class CondaEngine:
    """`Engine` for one `CondaQuestion`: its specs, and the bounds that the loop adds.

    ``found`` keeps conda's packages behind the last solution.
    """

    crosses_platforms = True

    def __init__(self, question: CondaQuestion, python: Version) -> None:
        self.found: tuple[CondaPackage, ...] = ()
        self._question = question
        self._python = python
        self._required = {str(requirement) for requirement in question.requirements().values()}

    def solve(self, problem: Problem, progress: Progress) -> Answer:
        """Solve with the framework and the bounds of a problem beside the question's own specs."""
        added = [Requirement(each) for each in problem.requirements if each not in self._required]
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
        required = self._question.requirements()
        for need in added:
            name = canonicalize_name(need.name)
            if name not in required:
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


class CondaAnswer(Struct, frozen=True, kw_only=True):
    """The packages of one platform, what the reader should know, and why they are these."""

    packages: tuple[CondaPackage, ...]
    notes: tuple[str, ...] = ()
    reasons: Mapping[RuleId, str] = field(default_factory=dict)
    target: Target | None = None


def resolve_packages(question: CondaQuestion, asked: CondaAsked, progress: Progress) -> CondaAnswer:
    """Answer a question, or say why it has no answer.

    The Python is the one that conda takes when no rule is applied.

    Raises:
        NoResolution: nothing fits; the message says what collides, the
            remedies what would free it.
        WorkError: a channel or py-rattler failed.
    """
    with within(solve_limit()):
        found = _attempt(question, asked, progress)
    if isinstance(found, CondaAnswer):
        return found

    def solve(changed: CondaQuestion) -> tuple[CondaPackage, ...] | None:
        try:
            answer = _attempt(changed, asked, progress) if left() else None
        except OutOfTime:
            return None
        return answer.packages if isinstance(answer, CondaAnswer) else None

    raise no_packages(question, found, asked, solve)


def _attempt(
    question: CondaQuestion, asked: CondaAsked, progress: Progress
) -> CondaAnswer | Refusal:
    said: tuple[str, ...] = ()
    with progress.phase(f"resolve conda's packages for {question.subdir}"):
        free = _free(question, progress)
        if isinstance(free, rattler.Unsolvable) and any(each.build for each in question.specs):
            open_builds = question.without_builds()
            again = _free(open_builds, progress)
            if not isinstance(again, rattler.Unsolvable):
                question, free = open_builds, again
                said = (_builds_left_out(question.subdir),)
    if isinstance(free, rattler.Unsolvable):
        return by_the_solver(question, free.text)
    python = python_of(free)
    if python is None:
        return CondaAnswer(packages=via(free, question.specs), notes=said)
    target = replace(target_of(question.subdir, python, question.virtual), manager="conda")
    answer = _obeying(question, free, target, asked, progress)
    if isinstance(answer, Refusal):
        return answer
    undated = _undated(answer.packages, question)
    return replace(answer, notes=(*said, *undated, *answer.notes))


def _free(
    question: CondaQuestion, progress: Progress
) -> tuple[CondaPackage, ...] | rattler.Unsolvable:
    """What conda itself would take, no rule applied."""
    try:
        return rattler.solve(_bounded(question), progress)
    except OutOfTime as error:
        raise error.resolving(f"conda's packages for {question.subdir}") from None


def _undated(packages: tuple[CondaPackage, ...], question: CondaQuestion) -> tuple[str, ...]:
    """How many packages could not be held to the date, as their channel tells none."""
    without = sum(each.timestamp is None for each in packages)
    if question.exclude_newer is None or not without:
        return ()
    return (
        (
            f"{without} of {len(packages)} packages have no date in their channel:"
            f" they may be newer than {question.exclude_newer:%Y-%m-%d}"
        ),
    )


def _bounded(question: CondaQuestion) -> rattler.SolveJob:
    requirements = question.constraints.values()
    return question.job(
        constraints=tuple(
            text
            for requirement in requirements
            for text in bounds(requirement.name, requirement.specifier)
        )
    )


def _builds_left_out(subdir: str) -> str:
    return (
        f"the builds that the request names are not there for {subdir}, as in an export of"
        " another machine: only the versions are kept"
    )


def _obeying(
    question: CondaQuestion,
    free: tuple[CondaPackage, ...],
    target: Target,
    asked: CondaAsked,
    progress: Progress,
) -> CondaAnswer | Refusal:
    """The packages that the rules admit, by the loop that pip's packages go through too."""
    engine = CondaEngine(question, target.python)
    requirements = question.requirements()
    requirement = framework(requirements)
    pins = pypi_pins(free)
    family = families().family_of(requirement.name) if requirement else None
    loop = Question(
        requirements=requirements,
        constraints=question.constraints,
        rules=question.rules,
        target=target,
        settings=IndexSettings(),
        preferences={n: v for n, v in pins.items() if families().family_of(n) == family},
        exclude_newer=question.exclude_newer,
    )
    tools = Tools(
        engine=engine,
        releases=cache(lambda name: engine.releases(name, progress)),
        progress=progress,
    )
    settled, tried = search(loop, candidates_for(loop, tools), tools)
    if settled is None:
        return by_the_rules(question, tried, requirements, asked)
    packages = explained(settled, tried, requirements)
    because = {package.name: package.because for package in packages}
    return CondaAnswer(
        packages=tuple(
            replace(each, because=because.get(names().provided(each) or _NOTHING, ()))
            for each in via(engine.found, question.specs)
        ),
        notes=(*notes(settled), *_unchecked(engine.found, question)),
        reasons=reasons(packages, asked.database.find),
        target=target,
    )


def via(packages: Iterable[CondaPackage], specs: Iterable[CondaSpec]) -> tuple[CondaPackage, ...]:
    """Return packages with who asked for each: other packages, and the places of specs."""
    packages = tuple(packages)
    askers: dict[str, set[str]] = {package.name: set() for package in packages}
    for package in packages:
        for need in package.depends:
            askers.get(need.partition(" ")[0], set()).add(package.name)
    for spec in specs:
        askers.get(spec.name, set()).add(_LINE.sub("", spec.origin))
    return tuple(replace(each, via=tuple(sorted(askers[each.name]))) for each in packages)


def _unchecked(packages: Iterable[CondaPackage], question: CondaQuestion) -> Iterator[str]:
    """Say which rules could not be held against a version that PEP 440 cannot read."""
    for name, version in unread(packages).items():
        about = [
            rule.id
            for rule in question.rules
            if any(each.package == name for case in rule.cases for each in conditions(case))
        ]
        if about:
            yield (
                f"{name} {version} is not a version as PEP 440 has them:"
                f" not checked against {', '.join(about)}"
            )
