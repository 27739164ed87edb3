"""Sets that lack what their packages need are closed; and which Python takes a set at all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from msgspec.structs import replace
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.bisect.pinsets import PinSet
from envlock.choices import EngineName
from envlock.engine import ENGINES, Problem, Solution
from envlock.errors import WorkError
from envlock.index.pages import Index
from envlock.model import IndexSettings
from envlock.progress import Progress
from envlock.rules.frameworks import families
from envlock.targets.description import Interpreter, target
from envlock.targets.interpreters import available
from envlock.targets.tags import fits
from envlock.versions import minor_of
from envlock.words import counted


def closed(
    sets: tuple[PinSet, ...], interpreter: Interpreter, settings: IndexSettings, progress: Progress
) -> tuple[PinSet, ...]:
    """Return sets with what their packages need besides, told where that is added.

    All are solved at one time, each with what was added to those before, so
    that they differ in no more than they must. A set that contradicts itself
    stays as it is: that may be what is looked for.
    """
    known: dict[NormalizedName, Version] = {}
    found: list[PinSet] = []
    for each in sets:
        added = {} if each.whole else _lacking(each, known, interpreter, settings, progress)
        known |= added
        if added:
            names = ", ".join(f"{name} {version}" for name, version in sorted(added.items()))
            progress.note(
                f"{each.origin} lacks {counted(len(added), 'package')} that its own need:"
                f" added as of now, {names}"
            )
        found.append(replace(each, pins=dict(sorted({**added, **each.pins}.items()))))
    return tuple(found)


def _lacking(
    pins: PinSet,
    known: Mapping[NormalizedName, Version],
    interpreter: Interpreter,
    settings: IndexSettings,
    progress: Progress,
) -> dict[NormalizedName, Version]:
    problem = Problem(
        requirements=tuple(f"{name}=={version}" for name, version in pins.pins.items()),
        constraints=(),
        target=target(interpreter),
        settings=settings,
        preferences=known,
        wheels_only=families().wheels_only,
    )
    with progress.phase(f"look whether {pins.origin} has all that its packages need"):
        try:
            answer = ENGINES[EngineName.UV]().solve(problem, progress)
        except WorkError:  # what is wrong with an index is told by who installs from it
            return {}
    solved = answer.packages if isinstance(answer, Solution) else ()
    return {each.name: each.version for each in solved if each.name not in pins.pins}


def other_python(
    pins: Mapping[NormalizedName, Version], than: Interpreter, settings: IndexSettings
) -> str | None:
    """Return the newest other Python here that an index has files of all pins for."""
    try:
        listed = Index(settings).pinned(pins)
    except WorkError:
        return None
    goals = {minor_of(each.version): target(each) for each in reversed(available())}
    fitting = (
        {minor for minor, goal in goals.items() if any(fits(file, goal) for file in files)}
        for files in listed.values()
    )
    every = reduce(set.intersection, fitting, set(goals))
    return next((m for m in reversed(goals) if m in every and m != minor_of(than.version)), None)
