"""Several platforms: what cannot be is refused before a solve, and what was solved stays.

Whether a release has a wheel for a platform, its index page says in a moment;
a solve for each of the others takes a while.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.errors import NoResolution
from envlock.index.filenames import admitted, releases
from envlock.index.pages import Index
from envlock.locking.job import Job, SolvedPart, Work
from envlock.locking.pypi import solve_pypi
from envlock.model import LockedPackage, Part, RuleId, Target
from envlock.progress import Progress
from envlock.releases import framework_releases, pythons_for
from envlock.request.digest import request_digest
from envlock.request.words import applicable
from envlock.resolve.candidate import PackageRequirement, Releases, distributions, framework, merge
from envlock.standards import requirement
from envlock.system import keep_recent, kept_folder, load_recent, remove_file
from envlock.targets.tags import installable

#: Seconds that the pins of a platform are kept for, whose lock another platform kept from being.
_KEPT = 3600.0


def solve_targets(work: Work, goals: Sequence[Target], progress: Progress) -> Iterator[SolvedPart]:
    """Solve for each target; what was solved before another one failed is taken up again.

    Raises:
        NoResolution: nothing fits, or the framework has no wheel for one of several platforms.
        WorkError: an index or an engine is missing or fails.
    """
    if len(goals) == 1:
        yield solve_pypi(work, goals[0], progress)
        return
    _refuse_impossible(work.job, goals, progress)
    for goal in goals:
        kept = {str(goal.platform): _recalled(work.job, goal), **work.kept}
        solved = solve_pypi(replace(work, kept=kept), goal, progress)
        _remember(work.job, goal, solved.part)
        yield solved
    _forget(work.job, goals)


def _refuse_impossible(job: Job, goals: Sequence[Target], progress: Progress) -> None:
    """Refuse a framework that has no wheel for one of several platforms.

    One platform alone has its own refusal, with ways out.

    Raises:
        NoResolution: it has none; the message says since when there is one.
        WorkError: a page cannot be read.
    """
    index = Index(job.settings, progress=progress)
    for goal in goals:
        wanted = framework(merge(applicable(job.request.requirements, goal)))
        if wanted is None:
            continue
        names = distributions(wanted, goal.accelerator)
        with progress.phase(f"read the releases of {' and '.join(names)}"):
            pages = index.files_of(names)
        dated = (admitted(files, job.request.exclude_newer) for files in pages.values())
        listed = [releases(files) for files in dated]
        met = [{v: f for v, f in each.items() if v in wanted.specifier} for each in listed]
        there = any(_serving(each, goal) for each in met)
        if any(met) and not there:
            raise _refusal(job, goal, wanted, listed)


def _serving(found: Releases, goal: Target) -> list[Version]:
    """The final releases that have a wheel for a target, oldest first."""
    return sorted(
        version
        for version, files in found.items()
        if any(installable(file, goal) and file.yanked is None for file in files)
    )


def _refusal(
    job: Job,
    goal: Target,
    wanted: PackageRequirement,
    listed: Iterable[Releases],
) -> NoResolution:
    place = f"Python {goal.minor} on {goal.platform}"
    final = [v for each in listed for v in _serving(each, goal) if not v.is_prerelease]
    oldest = min(final, default=None)
    has = f"the oldest release that has one there is {oldest}" if oldest else _pythons(wanted, goal)
    return NoResolution(
        f"no release of {wanted} has a wheel for {place}; {has}",
        *_without(job, goal),
        *([_changed(job, goal, wanted, f"{wanted.name}>={oldest}")] if oldest else []),
    )


def _changed(job: Job, goal: Target, wanted: PackageRequirement, instead: str) -> str:
    """The same command with another requirement, or the line of the file to edit."""
    if wanted.places:
        return f"in {' and '.join(wanted.places)}, change {wanted} to {instead}"
    words = shlex.split(job.command)
    typed = [requirement(word) for word in words]
    names = [None if each is None else canonicalize_name(each.name) for each in typed]
    changed = (
        instead if name == wanted.name else word for word, name in zip(words, names, strict=True)
    )
    return shlex.join([*changed, "--python", goal.minor])


def _pythons(wanted: PackageRequirement, goal: Target) -> str:
    """Which Pythons the newest release that is asked for has wheels for there, if any is known."""
    minors = pythons_for(_newest(wanted), goal.platform, wanted.name) or ()
    return f"it has wheels for Python {' and '.join(minors)}" if minors else "no other has one"


def _newest(wanted: PackageRequirement) -> Version:
    known = [each.version for each in framework_releases()]
    return max((v for v in known if v in wanted.specifier), default=known[-1])


def _without(job: Job, goal: Target) -> Iterator[str]:
    """The same command for the other platforms."""
    words = shlex.split(job.command)
    kept: list[str] = []
    for word in words:
        if kept[-1:] == ["--platform"] and word == goal.option:
            kept.pop()
        else:
            kept.append(word)
    if len(kept) < len(words):
        yield shlex.join([*kept, "--python", goal.minor])


#: Pins with the rules that moved them.
_Pins = dict[str, tuple[str, tuple[RuleId, ...]]]


def _remember(job: Job, goal: Target, part: Part) -> None:
    """Keep the pins of a platform for an hour, should another one end the work."""
    if (file := _file(job, goal)) is not None and not part.verified:
        pins = {str(each.name): (str(each.version), each.because) for each in part.pypi}
        keep_recent(file, pins)


def _forget(job: Job, goals: Iterable[Target]) -> None:
    """Keep nothing of platforms that are all solved."""
    for file in filter(None, (_file(job, goal) for goal in goals)):
        remove_file(file)


def _recalled(job: Job, goal: Target) -> Part:
    """Return what `_remember` kept of a platform, or nothing."""
    pins = load_recent(_file(job, goal), _Pins, _KEPT) or {}
    return Part(
        pypi=tuple(
            LockedPackage(name=NormalizedName(name), version=Version(text), because=because)
            for name, (text, because) in pins.items()
        )
    )


def _file(job: Job, goal: Target) -> Path | None:
    if job.settings.no_cache or job.upgrade:
        return None
    folder = kept_folder("solved")
    digest = request_digest(job.request, (goal,)).removeprefix("sha256:")
    return None if folder is None else folder / digest
