"""One pin moved into a new bound while all others stay, where metadata shows that they may. Pure.

What a rule keeps away is mostly one release of a package that little depends
on, and to move it an engine would read every page and every declaration again.
The few that speak of it are enough: who asks for it admits another release,
and that one needs what the first one did, in the versions that are pinned.
Whatever is less plain (extras, source archives, other needs) is left to the
engine, so that a pin is moved to where an engine would move it, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from envlock import standards
from envlock.engine import Problem, Solution
from envlock.index.filenames import WHEEL_SUFFIX, admitted, version_of
from envlock.model import DistributionFile, LockedPackage
from envlock.resolve.question import Listed, Tools
from envlock.targets.tags import taken
from envlock.versions import admits


def moved(
    problem: Problem,
    answer: Solution,
    names: Iterable[NormalizedName],
    listed: Listed,
    tools: Tools,
) -> Solution | None:
    """The answer with some pins in the newest releases that the problem and the others admit.

    ``listed`` are the files of the pins as they are. None where that cannot be told.
    """
    pins = {package.name: package for package in answer.packages}
    pending = [pins[name] for name in names if name in pins]
    files: dict[NormalizedName, DistributionFile] = {}
    while pending:
        # Who asks for another that moves too goes first: its new release is what counts.
        waiting = {each.name for each in pending}
        own = next((each for each in pending if waiting.isdisjoint(each.via)), None)
        file = None if own is None else _chosen(problem, own, listed, tools)
        version = None if file is None else version_of(file)
        if own is None or file is None or version is None:
            return None
        pending.remove(own)
        files[own.name], listed = file, {**listed, own.name: (file,)}
        pins[own.name] = replace(own, version=version)
    if not files or not all(_stands(problem, pins, name, files[name], tools) for name in files):
        return None
    return replace(answer, packages=tuple(pins.values()))


def _chosen(
    problem: Problem, own: LockedPackage, listed: Listed, tools: Tools
) -> DistributionFile | None:
    """The file of the release that a pin may move to, as far as others speak of it."""
    if own.version.is_prerelease or own.name in problem.preferences:
        return None
    asked = _asked(problem, own, listed, tools)
    return None if asked is None else _newest(problem, own.name, asked, tools)


def _asked(
    problem: Problem, own: LockedPackage, listed: Listed, tools: Tools
) -> tuple[Requirement, ...] | None:
    """Everything that is said of a package: by the problem, and by the pins that asked for it."""
    wheels = [_wheel(problem, listed.get(NormalizedName(name), ())) for name in own.via]
    there = [file for file in wheels if file is not None]
    said = [tuple(_about(own.name, needs)) for needs in tools.needs(there).values()]
    if len(said) != len(own.via) or not all(said):
        return None
    ours = _about(own.name, (*problem.requirements, *problem.constraints))
    found = (*ours, *chain.from_iterable(said))
    plain = all(not (each.url or each.extras) and "extra" not in str(each.marker) for each in found)
    return found if plain else None


def _about(name: NormalizedName, lines: Iterable[str]) -> Iterator[Requirement]:
    for line in lines:
        found = standards.requirement(line)
        if found is not None and canonicalize_name(found.name) == name:
            yield found


def _newest(
    problem: Problem, name: NormalizedName, asked: Iterable[Requirement], tools: Tools
) -> DistributionFile | None:
    """The file of the newest release that is admitted, where that is a wheel."""
    environment = dict(problem.target.markers)
    counting = [
        each.specifier
        for each in asked
        if each.marker is None or standards.judged(each.marker, environment)
    ]
    releases = tools.releases(name)
    for version in sorted(releases, reverse=True):
        if version.is_prerelease or not all(admits(each, version) for each in counting):
            continue
        files = [file for file in releases[version] if file.yanked is None]
        if taken(files, problem.target) is not None:
            return _wheel(problem, files)
    return None


def _stands(
    problem: Problem,
    pins: Mapping[NormalizedName, LockedPackage],
    name: NormalizedName,
    file: DistributionFile,
    tools: Tools,
) -> bool:
    """Whether a release needs the pins that the one in its place did, as they are."""
    said = tools.needs((file,)).get(file.filename)
    if said is None:
        return False
    needs = tuple(standards.applicable(said, dict(problem.target.markers)))
    met = all(
        not (each.url or each.extras)
        and (there := pins.get(canonicalize_name(each.name))) is not None
        and admits(each.specifier, there.version)
        for each in needs
    )
    before = {package.name for package in pins.values() if name in package.via}
    return met and before == {canonicalize_name(each.name) for each in needs}


def _wheel(problem: Problem, files: Iterable[DistributionFile]) -> DistributionFile | None:
    """The wheel of a release that is installed, if it is one."""
    file = taken(admitted(tuple(files), problem.exclude_newer), problem.target)
    return file if file is not None and file.filename.endswith(WHEEL_SUFFIX) else None
