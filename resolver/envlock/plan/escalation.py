"""Which packages may move: a scope that widens until the engine finds a solution.

First what the findings name, the demanded package of each rule; then the
packages that the engine names as in the way; then the neighbours by what they
declare; then all but the framework; then the framework, a patch release of its
minor before another minor. What may move stays as it is where it can, since
engines prefer the installed versions: so a wide scope is still a small change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.changes import Plan
from envlock.model import Violation
from envlock.plan.asking import Asking, Names, Solved, plan_of
from envlock.plan.case import Complaint, Owners
from envlock.resolve import Tools
from envlock.rules.frameworks import families
from envlock.targets.tags import installable


class _Step(Enum):
    """How a scope widens, in this order."""

    NAMED = "what the findings name"
    IN_THE_WAY = "what the engine names"
    NEIGHBOURS = "what declares something about them, or they about it"
    ALL = "all but the framework"


_MINORS = 6  # other minors of the framework that are tried, the nearest first
_WORD = re.compile(r"[A-Za-z](?:[\w.-]*\w)?")


def plans(case: Complaint, tools: Tools) -> Iterator[Plan]:
    """Every plan that cures by the rules, the smallest first; each is looked for when asked for.

    Raises:
        WorkError: the index or the engine failed.
    """
    leaving = frozenset(name for owners in case.owners for name in _leaving(owners, case))
    staying = frozenset(name for owners in case.owners for name in owners.names) - leaving
    left = case.without(leaving)
    seen: set[Plan] = set()
    for solved in _cures(left, tools):
        plan = plan_of(case, left, solved, leaving, staying)
        if plan.steps and plan not in seen:
            seen.add(plan)
            yield plan


def _leaving(owners: Owners, case: Complaint) -> Iterator[NormalizedName]:
    """All owners but the one that stays: a kept one, one that others ask for, the plain name."""
    asked = {canonicalize_name(r.name) for needs in case.requires.values() for r in needs}
    order = families().members(families().family_of(min(owners.names)) or min(owners.names))

    def rank(name: NormalizedName) -> tuple[bool, bool, int, str]:
        place = order.index(name) if name in order else len(order)
        return name not in case.keep, name not in asked, place, name

    _, *others = sorted(owners.names, key=rank)
    yield from (name for name in others if name in case.packages)


def _cures(case: Complaint, tools: Tools) -> Iterator[Solved]:
    if not (case.broken or case.missing):
        yield Solved(solved={}, constraints=())
        return
    asking = Asking(case=case, tools=tools)
    for scope in _first(case):
        yield from _escalated(asking, scope)
    framework = case.framework
    if framework is not None and case.movable(framework):
        yield from _other_frameworks(asking, framework)


def _escalated(asking: Asking, scope: Names) -> Iterator[Solved]:
    """The solutions of the smallest scope that has one, from ``scope`` on.

    Each scope holds the one before it, so the engine is never asked again for
    less, and one that is no wider is not asked for at all: engines are slow,
    and the answer would be the same. The framework joins none of them by
    itself, because what it pulls along is never the smallest change.
    """
    case = asking.case
    others = frozenset(n for n in case.packages if case.movable(n) and n != case.framework)
    said, tried = "", None  # what the engine said last, and of which scope
    for step in _Step:
        scope |= others & _widened(step, case, scope, said)
        if scope == tried:
            continue
        tried = scope
        answer = asking.ask(scope)
        if isinstance(answer, Solved):
            yield answer
            yield from asking.further(scope, answer)
            return
        said = answer.text


def _widened(step: _Step, case: Complaint, scope: Names, said: str) -> Names:
    """What a step adds to the scope that failed, and about which the engine ``said`` why."""
    match step:
        case _Step.NAMED:
            return frozenset()
        case _Step.IN_THE_WAY:  # every word, since no two engines word it alike: a few are names
            return frozenset(canonicalize_name(word) for word in _WORD.findall(said))
        case _Step.NEIGHBOURS:
            return _asking(case, scope) | _asked(case, scope)
        case _Step.ALL:
            return frozenset(case.packages)


def _first(case: Complaint) -> Iterator[Names]:
    """What the findings name: what each rule demands, then what it is about.

    The framework is among them only when it is allowed to move, or nothing
    else is named.
    """
    firsts = [list(_named(violation, case)) for violation in case.broken]
    demanded = frozenset(names[0] for names in firsts if names)
    yield demanded | _allowed(case)
    others = frozenset(name for names in firsts for name in names[:2])
    if others != demanded:
        yield (others - demanded) | _allowed(case)
        yield others | _allowed(case)


def _allowed(case: Complaint) -> Names:
    return frozenset(name for name in case.allow if case.movable(name))


def _named(violation: Violation, case: Complaint) -> Iterator[NormalizedName]:
    for name in reversed(tuple(violation.packages)):
        if case.movable(name) and name != case.framework:
            yield name


def _asking(case: Complaint, names: Names) -> Names:
    """The packages that declare something about ``names``."""
    return frozenset(
        name
        for name, needs in case.requires.items()
        if any(canonicalize_name(need.name) in names for need in needs)
    )


def _asked(case: Complaint, names: Names) -> Names:
    """The packages that ``names`` declare something about."""
    return frozenset(
        canonicalize_name(need.name) for name in names for need in case.requires.get(name, ())
    )


def _other_frameworks(asking: Asking, framework: NormalizedName) -> Iterator[Solved]:
    """Other releases of the framework, with what it asks for, then with everything."""
    case = asking.case
    pieces = frozenset(n for v in case.broken for n in v.packages if case.movable(n))
    near = {framework} | pieces | _asked(case, frozenset({framework}))
    near |= _asking(case, frozenset({framework}))
    few = frozenset(name for name in near if case.movable(name))
    everything = frozenset(name for name in case.packages if case.movable(name))
    patches, minors = _releases(asking, framework)
    for versions in (patches, minors):
        for free in (few, everything):
            for version in versions:
                answer = asking.ask(free, version)
                if isinstance(answer, Solved):
                    yield answer


def _releases(asking: Asking, framework: NormalizedName) -> tuple[list[Version], list[Version]]:
    """The patches of the installed minor, upwards first, and the newest of the nearest minors."""
    case = asking.case
    now = case.packages[framework]
    there = [
        version
        for version, files in asking.tools.releases(framework).items()
        if version != now
        and not version.is_prerelease
        and any(installable(file, case.target) for file in files if file.yanked is None)
    ]
    patches = [each for each in there if each.release[:2] == now.release[:2]]
    patches.sort(reverse=True)  # the newest patch has the best metadata; those above come first
    newest: dict[tuple[int, ...], Version] = {}
    for version in sorted(there, reverse=True):
        newest.setdefault(version.release[:2], version)
    newest.pop(now.release[:2], None)
    order = sorted({*newest, now.release[:2]})
    place = order.index(now.release[:2])
    near = sorted(newest, key=lambda minor: (abs(order.index(minor) - place), minor < now.release))
    return patches, [newest[minor] for minor in near[:_MINORS]]
