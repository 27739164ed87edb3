"""What an installer takes of a request today: the loop with every rule put aside. Pure.

Rules judge what comes out and steer nothing. Files are looked at as for a lock,
so that what is not for this Python is not taken. Nothing is built: of a package
that is source alone nobody knows what it needs, so it is left out, and told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, partial

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name

from envlock.engine import Problem
from envlock.index.filenames import WHEEL_SUFFIX
from envlock.model import Constraint, LockedPackage, Target
from envlock.resolve import explain
from envlock.resolve.candidate import PackageRequirement, Releases, admitted, framework
from envlock.resolve.old_wheels import OldWheel, old_wheels
from envlock.resolve.question import Question, Tools
from envlock.resolve.settle import Budget, Resolved, Settlement, settle
from envlock.resolve.ways import installable, sought
from envlock.rules.check import Situation
from envlock.rules.frameworks import families, frameworks
from envlock.rules.tables import pythons
from envlock.targets.platforms import NamedPlatform, foreign_target, python_version
from envlock.targets.tags import fits
from envlock.versions import exact, meet

#: Solves of one request, and how often packages without wheels are found on the way.
_SOLVES = 12
_ROUNDS = 5

#: uv's words for what it would have to build.
_NO_WHEELS = re.compile(r"([A-Za-z0-9][\w.-]*?)(?:[<>=!~][^\s]*)? ha(?:s|ve) no usable wheels")


class Today(Struct, frozen=True, kw_only=True):
    """The set that is taken; ``unread`` are packages that are source alone.

    ``dated`` are those with wheels of before NumPy 2, where that is taken.
    """

    packages: tuple[LockedPackage, ...]
    unread: tuple[NormalizedName, ...] = ()
    dated: tuple[OldWheel, ...] = ()


class Obstacle(Struct, frozen=True, kw_only=True):
    """Why nothing can be installed, and the requirements that it is about."""

    text: str
    about: tuple[PackageRequirement, ...]


class Impossible(Struct, frozen=True, kw_only=True):
    """Nothing can be installed; ``pythons`` are those on which none of this is in the way."""

    obstacles: tuple[Obstacle, ...]
    pythons: tuple[str, ...] = ()
    unread: tuple[NormalizedName, ...] = ()


def today(question: Question, tools: Tools, unread: set[NormalizedName]) -> Today | Impossible:
    """Return what a plain install takes of a request, or why it takes nothing.

    What the index alone tells is told without a solve. ``unread`` are packages
    that are known to be source alone; those that are found are added to it,
    also where the time for it ends.

    Raises:
        WorkError: the index or the engine failed.
    """
    near = replace(tools, releases=cache(partial(_asked_for, question, tools)))
    obstacles = tuple(_obstacles(question, near, question.target))
    if obstacles:
        others = _pythons(obstacles, question, near)
        return Impossible(obstacles=obstacles, pythons=others)
    unread.update(_source_alone(question, near))
    unread.difference_update(families().wheels_only)
    text = ""
    for _ in range(_ROUNDS):
        task = _task(question, frozenset(unread))
        found = settle(task, (), tools, Budget(left=_SOLVES))
        if isinstance(found, Resolved):
            dated = old_wheels(found.packages, found.files, question.target)
            return Today(packages=found.packages, unread=tuple(sorted(unread)), dated=dated)
        text = found.text
        more = {canonicalize_name(name) for name in _NO_WHEELS.findall(text)}
        more -= {*unread, *families().wheels_only}
        if not more:
            break
        unread |= more
    about = tuple(each for each in question.requirements.values() if _names(text, each.name))
    obstacle = Obstacle(text=text, about=about)
    return Impossible(obstacles=(obstacle,), unread=tuple(sorted(unread)))


def _asked_for(question: Question, tools: Tools, name: NormalizedName) -> Releases:
    """The one release that is pinned, where it has wheels, or all: most of a page is not read."""
    asked = question.given(None).get(name)  # another name may be looked for, as the one meant
    version = None if asked is None else exact(asked.specifier)
    files = () if version is None else tools.pinned({name: version}).get(name, ())
    if version is not None and any(f.filename.endswith(WHEEL_SUFFIX) for f in files):
        return {version: files}
    return tools.releases(name)


def _source_alone(question: Question, tools: Tools) -> Iterator[NormalizedName]:
    """The packages asked for that no release admitted has a wheel of for the target."""
    for name, each in question.given(None).items():
        found = admitted(each, tools.releases(name))
        if found and not any(
            fits(file, question.target) and file.filename.endswith(WHEEL_SUFFIX)
            for files in found.values()
            for file in files
        ):
            yield name


def _names(text: str, name: NormalizedName) -> bool:
    return bool(re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text))


def _task(question: Question, unread: frozenset[NormalizedName]) -> Settlement:
    """The request as it stands, without what nobody can look into."""
    asked = {n: each for n, each in question.requirements.items() if n not in unread}
    question = replace(question, requirements=asked)

    def problem(constraints: tuple[Constraint, ...]) -> Problem:
        plain = question.problem(None, constraints)
        return replace(plain, builds=False, without=tuple(sorted(unread)))

    return Settlement(
        name="what is installed today",
        target=question.target,
        problem=problem,
        broken=lambda pins: (),  # noqa: ARG005  (no rule steers)
        allowed=partial(_allowed, question),
        situation=Situation.of(question.target),
    )


def _allowed(question: Question, bound: Constraint) -> bool:
    """Whether a bound leaves something of what is asked for."""
    asked = question.given(None).get(bound.package)
    return asked is None or meet(asked.specifier, bound.specifier)


def _obstacles(question: Question, tools: Tools, target: Target) -> Iterator[Obstacle]:
    """The requirements that the index has nothing for, whatever the others are."""
    known = sorted({*families().wheels_only, *_flavours()})
    for each in question.given(None).values():
        releases = installable(each, question, tools)
        looked = sought(each.name, question, tools, known)
        if line := explain.missing(each, releases, target, looked):
            yield Obstacle(text=line, about=(each,))


def _flavours() -> Iterable[NormalizedName]:
    return (name for each in frameworks() for name in each.members)


def _pythons(obstacles: Iterable[Obstacle], question: Question, tools: Tools) -> tuple[str, ...]:
    """The other Pythons that all of these have files for, newest first."""
    about = {each.name: each for obstacle in obstacles for each in obstacle.about}
    if (own := framework(question.requirements)) is not None:
        about[own.name] = own
    lacking = replace(question, requirements=about, constraints={})
    place = NamedPlatform(platform=question.target.platform, option=question.target.option)
    found = []
    for minor in reversed(pythons().minors):
        version = python_version(minor)
        if minor == question.target.minor or version is None:
            continue
        other = foreign_target(place, version, question.target.accelerator)
        if not any(_obstacles(lacking, tools, other)):
            found.append(minor)
    return tuple(found)
