"""Sets that lack what their packages need are closed; and which Python takes a set at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import reduce

from msgspec.structs import replace
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.bisect.pinsets import PinSet
from envlock.choices import EngineName
from envlock.engine import ENGINES, Problem, Solution
from envlock.errors import WorkError
from envlock.index.pages import Index
from envlock.model import IndexSettings, Target
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

    All are solved as of one day, that of the newest of their pins, each with
    what was added to those before, so that they differ in no more than they
    must. Where the index tells no day, or nothing fits as of it, that is today.
    A set that contradicts itself stays as it is: that may be what is looked for.
    """
    goal = target(interpreter)
    open_sets = [each for each in sets if not each.whole]
    date = _newest(open_sets, goal, settings) if open_sets else None
    known: dict[NormalizedName, Version] = {}
    found: list[PinSet] = []
    for each in sets:
        added: Mapping[NormalizedName, Version] = {}
        if not each.whole:
            problem = _problem(each, goal, settings)
            problem = replace(problem, preferences=known, exclude_newer=date)
            with progress.phase(f"look whether {each.origin} has all that its packages need"):
                added, dated = _lacking(each, problem, progress)
            _tell(each, added, dated, progress)
        known = {**known, **added}
        found.append(replace(each, pins=dict(sorted({**added, **each.pins}.items()))))
    return tuple(found)


def _tell(
    pins: PinSet, added: Mapping[NormalizedName, Version], date: datetime | None, progress: Progress
) -> None:
    if added:
        names = ", ".join(f"{name} {version}" for name, version in sorted(added.items()))
        progress.note(
            f"{pins.origin} lacks {counted(len(added), 'package')} that its own need:"
            f" added as of {date.date().isoformat() if date else 'now'}, {names}"
        )


#: What is uploaded this much later than what needs it belongs to it.
_TOGETHER = timedelta(days=1)


def _newest(sets: Iterable[PinSet], goal: Target, settings: IndexSettings) -> datetime | None:
    """When the newest pin was there that can be installed, and what came with it; None: untold."""
    days: list[datetime] = []
    index = Index(settings)
    for each in sets:
        try:
            listed = index.pinned(each.pins)
        except WorkError:  # told by who installs from it
            return None
        for files in listed.values():
            times = [file.upload_time for file in files if fits(file, goal)]
            if not times or None in times:
                return None
            days.append(min(filter(None, times)))
    return max(days) + _TOGETHER if days else None


def _problem(pins: PinSet, goal: Target, settings: IndexSettings) -> Problem:
    return Problem(
        requirements=tuple(f"{name}=={version}" for name, version in pins.pins.items()),
        constraints=(),
        target=goal,
        settings=settings,
        wheels_only=families().wheels_only,
    )


def _lacking(
    pins: PinSet, problem: Problem, progress: Progress
) -> tuple[dict[NormalizedName, Version], datetime | None]:
    """What a set needs besides, and as of which day that was found."""
    try:
        answer = ENGINES[EngineName.UV]().solve(problem, progress)
    except WorkError:  # what is wrong with an index is told by who installs from it
        return {}, None
    if isinstance(answer, Solution):
        lacking = {e.name: e.version for e in answer.packages if e.name not in pins.pins}
        return lacking, problem.exclude_newer
    if problem.exclude_newer is None:
        return {}, None
    return _lacking(pins, replace(problem, exclude_newer=None), progress)


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
