"""Which packages of an answer each extra and group needs.

With every version fixed, several of them need together what each needs by
itself: an edge from one package to another is there or not, whoever brought
the first. So one solve for the base and one for each tell it for any choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from envlock.choices import EngineName
from envlock.engine import Problem, Unsatisfiable
from envlock.errors import WorkError
from envlock.model import Constraint, LockedPackage, Selection
from envlock.resolve.loop import candidates_for
from envlock.resolve.question import Pins, Question, Tools
from envlock.resolve.run import Resolution
from envlock.rules.check import Situation, violations

Names = frozenset[NormalizedName]


def shared(question: Question, answer: Resolution, tools: Tools) -> tuple[LockedPackage, ...]:
    """Return the packages of an answer, each with the extras and groups that it is only for.

    Raises:
        WorkError: the engine failed.
    """
    always = _needed(question.choosing(()), answer, tools, "what is always installed")
    found = {
        each: _needed(question.choosing((each,)), answer, tools, str(each)) if wanted else always
        for each, wanted in question.optional.items()
    }
    # What only a rule asks for, of several extras together, is there for everybody.
    alone = answer.pins.keys() - always.union(*found.values())
    if alone:
        always |= _asked(
            question.choosing(()), answer, tools, "what rules ask for", frozenset(alone)
        )
    return tuple(replace(each, only=_only(each, always, found)) for each in answer.packages)


def _only(
    package: LockedPackage, always: Names, found: Mapping[Selection, Names]
) -> tuple[Selection, ...]:
    if package.name in always:
        return ()
    return tuple(each for each, names in found.items() if package.name in names)


def _needed(question: Question, answer: Resolution, tools: Tools, name: str) -> Names:
    """The packages that a question needs, with what rules ask for beside them."""
    more: Names = frozenset()
    while True:
        names = _asked(question, answer, tools, name, more)
        pins = {each: answer.pins[each] for each in names}
        broken = violations(question.rules, pins, Situation.of(question.target))
        lacking = {each for found in broken for each in found.packages} & answer.pins.keys()
        if lacking <= names:
            return names
        more |= lacking


def _asked(question: Question, answer: Resolution, tools: Tools, name: str, more: Names) -> Names:
    """The packages that a question needs, and some more of the answer."""
    if not (question.requirements or more):
        return frozenset()
    found = tools.solve(_problem(question, answer, tools, more), name)
    if isinstance(found, Unsatisfiable):
        raise WorkError(
            f"{name}: which packages of the lock it needs cannot be told: {found.text}",
            f"--engine {EngineName.UV}",
        )
    return frozenset(each.name for each in found.packages if each.name in answer.pins)


def _problem(question: Question, answer: Resolution, tools: Tools, more: Names) -> Problem:
    pins = answer.pins
    bounds = [*_exact(pins, pins), *_exact(pins, more, include=True)]
    alone = replace(question, constraints={}, preferences=pins)
    releases = filter(None, candidates_for(alone, tools))
    taken = next((each for each in releases if pins.get(each.name) == each.version), None)
    return alone.problem(taken, bounds)


def _exact(
    pins: Pins, names: Iterable[NormalizedName], *, include: bool = False
) -> Iterator[Constraint]:
    for name in names:
        specifier = SpecifierSet(f"=={pins[name]}")
        yield Constraint(package=name, specifier=specifier, rules=(), include=include)
