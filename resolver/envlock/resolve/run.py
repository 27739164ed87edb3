"""The whole resolution of one question: a release, its pins, their reasons.

Where nothing fits with the first index of each name, the refusal says what the
other indexes would make of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.choices import EngineName, IndexStrategy
from envlock.engine import ENGINES, Solution
from envlock.errors import NoResolution
from envlock.index.origin import indexes, public
from envlock.index.pages import Index
from envlock.model import LockedPackage, Rule, RuleId
from envlock.resolve.assemble import (
    built_there,
    explained,
    notes,
    reasons,
    taken_back,
    with_files,
)
from envlock.resolve.candidate import Candidate, distributions, framework
from envlock.resolve.conflicts import apart, least
from envlock.resolve.loop import Attempt, candidates_for, search
from envlock.resolve.question import Asked, Question, Tools
from envlock.resolve.settle import Resolved
from envlock.resolve.ways import absent, collision, no_resolution, refusal
from envlock.system import OutOfTime, solve_limit, within

#: How long is looked for the extras and groups that have no answer together.
_SECONDS = 60.0

#: What stands before a version in the words of an engine, and of envlock.
_NAME = re.compile(r"([A-Za-z0-9][\w.-]*)(?=(?:[<>=!~]=?|===?| )\d)")


def beside(error: NoResolution, question: Question, tools: Tools, index: Index) -> NoResolution:
    """Add to an error which of its packages other indexes have too, and whether that frees it."""
    if question.settings.index_strategy is IndexStrategy.BEST:
        return error
    told = {*question.requirements, *map(canonicalize_name, _NAME.findall(error.message))}
    crowded = index.crowded(told) if len(indexes(question.settings)) > 1 else {}
    if not crowded:
        return error
    lines = (
        f"  because {name} comes from {public(first)} alone, the first index that has it, and not"
        f" from {' and '.join(map(public, others))}"
        for name, (first, *others) in crowded.items()
    )
    best = replace(question.settings, index_strategy=IndexStrategy.BEST)
    with tools.progress.phase("look at the other indexes"):
        problem = replace(question.problem(None, ()), settings=best)
        answer = ENGINES[EngineName.UV]().solve(problem, tools.progress)
    ways = (f"--index-strategy {IndexStrategy.BEST}",) if isinstance(answer, Solution) else ()
    return NoResolution("\n".join((error.message, *lines)), *error.remedies, *ways).telling(
        **error.details
    )


class Resolution(Struct, frozen=True, kw_only=True):
    """Pins with reasons and hashes, and what the reader should know.

    ``differs`` are the differences from a set that was proved, where there is one,
    ``variables`` what was set there.
    """

    packages: tuple[LockedPackage, ...]
    notes: tuple[str, ...]
    reasons: Mapping[RuleId, str]
    differs: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def pins(self) -> dict[NormalizedName, Version]:
        """The version of each package."""
        return {package.name: package.version for package in self.packages}

    def noting(self, *more: str) -> Resolution:
        """Return the same with more that the reader should know."""
        return replace(self, notes=(*self.notes, *more))

    def recalling(
        self, known: Iterable[LockedPackage], find: Callable[[str], Rule | None]
    ) -> Resolution:
        """Return the same with the rules that moved pins when they were first chosen.

        A version that is preferred and kept is moved by nothing any more, and
        its reason would be lost.
        """
        before = {(package.name, package.version): package.because for package in known}
        packages = tuple(
            replace(package, because=tuple(sorted({*package.because, *kept})))
            for package in self.packages
            for kept in [[r for r in before.get((package.name, package.version), ()) if find(r)]]
        )
        return replace(self, packages=packages, reasons=reasons(packages, find))


def resolve(question: Question, tools: Tools, index: Index, asked: Asked) -> Resolution:
    """Answer a question, or say why it has no answer.

    Raises:
        NoResolution: nothing fits; the message says what collides, the
            remedies what would free it.
        WorkError: the index or the engine failed.
    """
    if not question.requirements:
        goal = question.target
        note = f"nothing is asked for on Python {goal.minor} on {goal.platform}"
        return Resolution(packages=(), notes=(note,), reasons={})
    tools = replace(tools, pinned=index.pinned)
    if index.renew(
        {name: requirement.specifier for name, requirement in question.requirements.items()}
    ):
        question = replace(question, settings=replace(question.settings, refresh=True))
    settled, tried = _search(question, tools, index)
    if settled is None:
        raise _refusal(question, tools, index, asked, tried)
    packages = with_files(
        explained(settled, tried, question.requirements),
        index,
        question.target,
        settings=question.settings,
        progress=tools.progress,
        exclude_newer=question.exclude_newer,
    )
    return Resolution(
        packages=packages,
        notes=(
            *notes(settled),
            *built_there(packages, question.target),
            *taken_back(packages),
        ),
        reasons=reasons(packages, asked.database.find),
    )


def _refusal(
    question: Question, tools: Tools, index: Index, asked: Asked, tried: tuple[Attempt, ...]
) -> NoResolution:
    """Why there is no answer; of extras and groups, which of them have none together."""
    if question.optional:
        with suppress(OutOfTime), within(_SECONDS):
            return _conflict(question, tools, index, asked)
    return beside(no_resolution(question, tools, asked, tried), question, tools, index)


def _conflict(question: Question, tools: Tools, index: Index, asked: Asked) -> NoResolution:
    """Which extras and groups have no answer together."""

    def answers(each: Question) -> bool:
        return not each.requirements or _search(each, tools, index)[0] is not None

    with tools.progress.phase("find the extras and groups that have no answer together"):
        found = least(question, answers)
        fewer = question.choosing(found)
        _, tried = _search(fewer, tools, index)
        if not found:
            return _refusal(replace(fewer, optional={}), tools, index, asked, tried)
        reason = refusal(*collision(fewer, tools, asked, tried))
        return apart(question, found, beside(reason, fewer, tools, index), answers)


def _search(
    question: Question, tools: Tools, index: Index
) -> tuple[Resolved | None, tuple[Attempt, ...]]:
    """Search for an answer, unless the index has nothing for some requirement."""
    requirement = framework(question.requirements)
    if requirement is not None:
        names = distributions(requirement, question.target.accelerator)
        with tools.progress.phase(f"read the releases of {' and '.join(names)}"):
            index.files_of(names)
    candidates = candidates_for(question, tools)
    likely = partial(_likely, question, next(iter(candidates), None), tools)
    index.files_of(question.requirements)  # all pages at once: each is looked at
    if absent(question, tools):
        return None, ()
    with within(solve_limit()), index.expecting(likely):
        return search(question, candidates, tools)


def _likely(question: Question, candidate: Candidate | None, tools: Tools) -> set[NormalizedName]:
    """The packages that an answer will probably pin."""
    companions = () if candidate is None else tools.companions(candidate)
    return {*question.preferences, *companions}
