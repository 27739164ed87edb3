"""Anchor, select, solve, check: until a lock obeys every rule, or none can.

No engine takes conditional constraints ("if this TensorFlow, then that
protobuf"). Choosing the framework first makes most of them plain; what is
left shows in the finished lock, becomes one more constraint, and the engine
is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.engine import Answer, Engine, Problem, Solution, Unsatisfiable
from envlock.model import (
    Constraint,
    IndexSettings,
    LockedPackage,
    Rule,
    Severity,
    Target,
    Violation,
)
from envlock.progress import Progress
from envlock.resolve.anchor import (
    TENSORFLOW,
    Anchor,
    Releases,
    candidates,
    distributions,
    framework,
)
from envlock.resolve.feasible import Feasible, Infeasible, judge, possible
from envlock.resolve.repair import bounds_for
from envlock.resolve.wishes import Wish, Wishes
from envlock.rules.check import Situation, violations
from envlock.rules.families import families

#: How often one release may be solved again before it is given up, and how
#: many solves a request may cost in all.
_ROUNDS = 6
_SOLVES = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Everything that a resolution depends on."""

    wishes: Wishes
    constraints: Wishes
    rules: tuple[Rule, ...]
    target: Target
    settings: IndexSettings
    preferences: Mapping[NormalizedName, Version] = field(default_factory=dict)
    exclude_newer: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """Who does the work: the engine, the index pages, and who is told.

    ``releases`` gives a package's files by version, those that the date of
    the question admits.
    """

    engine: Engine
    releases: Callable[[NormalizedName], Releases]
    progress: Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """Pins that obey every hard rule, the bounds that led there, and what was given up."""

    anchor: Anchor | None
    packages: tuple[LockedPackage, ...]
    constraints: tuple[Constraint, ...]
    given_up: tuple[Violation, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A release that cannot be: the engine's words, or the rules no bound could meet."""

    anchor: Anchor | None
    text: str = ""
    broken: tuple[Violation, ...] = ()
    constraints: tuple[Constraint, ...] = ()


Attempt = Infeasible | Refused


def search(
    question: Question,
    anchors: Iterable[Anchor | None],
    tools: Tools,
    *,
    solves: int = _SOLVES,
) -> tuple[Settled | None, tuple[Attempt, ...]]:
    """The first release that can be settled, and every one refused before it.

    The engine is asked ``solves`` times at most, a few more when a release
    that is under way needs them.
    """
    tried: list[Attempt] = []
    budget = _Budget(solves)
    for anchor in anchors:
        verdict = judge(anchor, question.wishes, question.rules, question.target)
        if isinstance(verdict, Infeasible):
            tried.append(verdict)
            continue
        result = _settle(question, anchor, verdict, tools, budget)
        if isinstance(result, Settled):
            return result, tuple(tried)
        tried.append(result)
        if budget.left <= 0:
            break
    return None, tuple(tried)


def anchors(question: Question, tools: Tools) -> tuple[Anchor | None, ...]:
    """The releases to try; one empty anchor where no framework is asked for."""
    wish = framework(question.wishes)
    if wish is None:
        return (None,)
    names = distributions(wish, question.target.accelerator)
    return candidates(wish, {name: tools.releases(name) for name in names}, question.target)


@dataclass(slots=True)
class _Budget:
    """How many more times an engine may be started."""

    left: int


def _settle(
    question: Question, anchor: Anchor | None, verdict: Feasible, tools: Tools, budget: _Budget
) -> Settled | Refused:
    """Solve and check until nothing is broken, for one framework release.

    When nothing fits, the soft constraints are given up together and once.
    """
    constraints = verdict.constraints
    soft = True
    broken: tuple[Violation, ...] = ()
    for _ in range(_ROUNDS):
        answer = _ask(question, anchor, constraints, tools, budget)
        if isinstance(answer, Unsatisfiable):
            if not (soft and any(item.soft for item in constraints)):
                return Refused(anchor=anchor, text=answer.text, constraints=constraints)
            soft = False
            constraints = tuple(item for item in constraints if not item.soft)
            continue
        broken = _broken(question, answer)
        urgent = [v for v in broken if soft or v.rule.severity is Severity.BREAKS]
        added = _bounds(question, anchor, answer, urgent, tools)
        added = tuple(item for item in added if item not in constraints)
        if added:
            constraints = (*constraints, *added)
        elif any(v.rule.severity is Severity.BREAKS for v in broken):
            break
        else:
            return Settled(
                anchor=anchor,
                packages=answer.packages,
                constraints=constraints,
                given_up=broken,
            )
    return Refused(anchor=anchor, broken=broken, constraints=constraints)


def _ask(
    question: Question,
    anchor: Anchor | None,
    constraints: tuple[Constraint, ...],
    tools: Tools,
    budget: _Budget,
) -> Answer:
    budget.left -= 1
    wishes = [w for w in question.wishes.values() if anchor is None or not _same_place(w, anchor)]
    required = [*map(str, wishes), *([str(anchor)] if anchor else [])]
    required += [f"{c.package}{c.specifier}" for c in constraints if c.include]
    bounds = [f"{c.package}{c.specifier}" for c in constraints if not c.include]
    bounds += [str(replace(wish, extras=())) for wish in question.constraints.values()]
    problem = Problem(
        requirements=tuple(sorted(set(required))),
        constraints=tuple(sorted(set(bounds))),
        target=question.target,
        settings=question.settings,
        preferences=question.preferences,
        wheels_only=families().wheels_only,
        exclude_newer=question.exclude_newer,
    )
    name = str(anchor) if anchor else "the request"
    with tools.progress.phase(f"resolve {name}"):
        return tools.engine.solve(problem, tools.progress)


def _same_place(wish: Wish, anchor: Anchor) -> bool:
    """Whether the anchor stands for this wish."""
    return wish.name in {anchor.name, TENSORFLOW} and (
        families().family_of(wish.name) == families().family_of(anchor.name)
    )


def _broken(question: Question, solution: Solution) -> tuple[Violation, ...]:
    """The rules that a solution breaks, those that are only declared left out."""
    pins = {package.name: package.version for package in solution.packages}
    judged = [rule for rule in question.rules if rule.severity is not Severity.DECLARED]
    return violations(judged, pins, Situation.of(question.target))


def _bounds(
    question: Question,
    anchor: Anchor | None,
    solution: Solution,
    broken: Iterable[Violation],
    tools: Tools,
) -> tuple[Constraint, ...]:
    """The constraints that a solution calls for: broken rules, and files that are too new."""
    pins = {package.name: package.version for package in solution.packages}
    fixed = frozenset({anchor.name} if anchor else set())
    situation = Situation.of(question.target)
    found = [
        bound
        for violation in broken
        for bound in bounds_for(violation, pins, fixed, situation, tools.releases)
        if possible(bound, anchor, question.wishes, question.target)
    ]
    found.extend(_too_new(question, pins, tools))
    return tuple(dict.fromkeys(found))


def _too_new(
    question: Question, pins: Mapping[NormalizedName, Version], tools: Tools
) -> Iterator[Constraint]:
    """Bounds against releases uploaded after the date, for engines that cannot see dates."""
    if question.exclude_newer is None:
        return
    for name, version in pins.items():
        admitted = tools.releases(name)
        if version not in admitted:
            older = (each for each in admitted if each < version and not each.is_prerelease)
            newest = max(older, default=None)
            bound = f"<={newest}" if newest else f"<{version}"
            yield Constraint(package=name, specifier=SpecifierSet(bound), rules=())
