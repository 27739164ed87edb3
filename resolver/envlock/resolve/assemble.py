"""Settled pins → a `Lock` with every reason, index and hash in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from msgspec.structs import replace
from packaging.ranges import VersionRange
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.choices import IndexStrategy
from envlock.errors import IndexFailure
from envlock.index.filenames import admitted
from envlock.index.metadata import with_hashes
from envlock.index.origin import Files, distinct, public
from envlock.index.pages import Index
from envlock.index.secrets import redact
from envlock.model import (
    Constraint,
    DistributionFile,
    IndexSettings,
    LockedPackage,
    Rule,
    RuleId,
    Target,
    Violation,
)
from envlock.progress import Progress
from envlock.resolve.candidate import Candidate, Requirements, framework
from envlock.resolve.feasible import Infeasible
from envlock.resolve.loop import Attempt, BudgetExhausted
from envlock.resolve.settle import Rejected, Resolved
from envlock.targets.tags import fits, installable
from envlock.versions import version_range
from envlock.words import withdrawn

_LINE = re.compile(r":\d+$")
#: What pip takes for ``--require-hashes``, best first.
_STRONG = ("sha256", "sha384", "sha512")
Fits = Callable[[LockedPackage, DistributionFile], bool]
Complete = Callable[[Mapping[NormalizedName, Files]], Mapping[NormalizedName, Files]]


def explained(
    settled: Resolved, tried: Iterable[Attempt], requirements: Requirements
) -> tuple[LockedPackage, ...]:
    """The pins with who asked for them and which rules moved them."""
    candidate = settled.candidate
    refused_by = {rule for attempt in tried for rule in _rules_of(attempt, candidate)}
    packages: list[LockedPackage] = []
    for package in settled.packages:
        because = {
            rule
            for constraint in settled.constraints
            if constraint.package == package.name and _moves(constraint, package.version)
            for rule in constraint.rules
        }
        if candidate is not None and package.name == candidate.name:
            because.update(refused_by)
        asked = origins(package.name, candidate.name if candidate else None, requirements)
        packages.append(
            replace(
                package,
                via=tuple(sorted({*package.via, *asked})),
                because=tuple(sorted(because)),
            )
        )
    return tuple(packages)


def _rules_of(attempt: Attempt, settled: Candidate | None) -> Iterator[RuleId]:
    """The rules that refused a release newer than the one taken."""
    if isinstance(attempt, BudgetExhausted) or attempt.candidate is None or settled is None:
        return
    if attempt.candidate.version < settled.version:
        return
    match attempt:
        case Infeasible(broken=broken, collision=collision):
            yield from (rule.id for rule in broken)
            yield from (collision.rules if collision else ())
        case Rejected(broken=violations):
            yield from (violation.rule.id for violation in violations)


def _moves(constraint: Constraint, version: Version) -> bool:
    """Whether a bound keeps a newer version away, or put the package there at all."""
    if constraint.include:
        return True
    newer: VersionRange = version_range(SpecifierSet(f">{version}"))
    return not newer.is_subset(version_range(constraint.specifier))


def origins(
    name: NormalizedName, candidate: NormalizedName | None, requirements: Requirements
) -> tuple[str, ...]:
    """Return the files (without line numbers, which move) or the command line that asked for it."""
    requirement = framework(requirements) if name == candidate else requirements.get(name)
    return tuple(_LINE.sub("", origin) for origin in requirement.origins) if requirement else ()


def hashed(
    packages: Iterable[LockedPackage],
    listed: Mapping[NormalizedName, Iterable[DistributionFile]],
) -> tuple[LockedPackage, ...]:
    """The pins with the files of their releases, as the index pages list them.

    Raises:
        IndexFailure: a release has no file with a hash that pip accepts.
    """
    return tuple(_with_files(package, listed[package.name]) for package in packages)


def wanted(files: Sequence[DistributionFile], *, target: Target) -> tuple[DistributionFile, ...]:
    """The files of a release that an installer may take: the wheels for a target, else source."""
    wheels = tuple(file for file in files if installable(file, target))
    return wheels or tuple(file for file in files if fits(file, target))


def _with_files(package: LockedPackage, listed: Iterable[DistributionFile]) -> LockedPackage:
    files = tuple(sorted(filter(_strong, listed), key=lambda file: file.filename))
    if not files:
        raise IndexFailure(
            f"the index gives no hash for any file of {package.name} {package.version}",
            "use an index that states sha256 hashes on its pages",
        )
    hashes = {f"{kind}:{file.hashes[kind]}" for file in files if (kind := _strong(file))}
    return replace(package, files=files, hashes=tuple(sorted(hashes)))


def _strong(file: DistributionFile) -> str | None:
    return next((kind for kind in _STRONG if file.hashes.get(kind)), None)


def reasons(
    packages: Iterable[LockedPackage], find: Callable[[str], Rule | None]
) -> dict[RuleId, str]:
    """The sentence of every rule that moved a pin."""
    ids = sorted({rule for package in packages for rule in package.because})
    return {name: rule.because for name in ids if (rule := find(name)) is not None}


def notes(settled: Resolved) -> tuple[str, ...]:
    """What the reader of the lock should know: the build taken, rules given up."""
    said = [settled.candidate.note] if settled.candidate and settled.candidate.note else []
    said.extend(f"numpy is held below 2 for {each}, from before NumPy 2" for each in settled.dated)
    said.extend(map(_given_up, settled.given_up))
    return tuple(dict.fromkeys(said))


def built_there(packages: Iterable[LockedPackage], target: Target) -> tuple[str, ...]:
    """The pins of a lock for another machine that have no wheels at all, as a sentence."""
    if target.interpreter is not None:
        return ()
    bare = [p for p in packages if not any(f.filename.endswith(".whl") for f in p.files)]
    named = " and ".join(f"{package.name} {package.version}" for package in bare)
    return (f"there is only source of {named}: it is built where it is installed",) if bare else ()


def taken_back(packages: Iterable[LockedPackage]) -> tuple[str, ...]:
    """The pins whose authors took them back, each as a sentence with the reason that they gave."""
    return tuple(
        withdrawn(package.name, package.version, "; ".join(dict.fromkeys(filter(None, why))))
        for package in packages
        for why in [[file.yanked for file in package.files]]
        if why and None not in why
    )


def _given_up(violation: Violation) -> str:
    seen = ", ".join(f"{n} {v}" if v else f"no {n}" for n, v in violation.packages.items())
    return f"{violation.rule.id} is not met ({seen}): {violation.rule.because}"


def with_files(
    pins: Iterable[LockedPackage],
    index: Index,
    target: Target,
    *,
    settings: IndexSettings,
    progress: Progress,
    exclude_newer: datetime | None = None,
) -> tuple[LockedPackage, ...]:
    """The pins for a target `located`, with the files that an installer may take there.

    A lock from evidence holds the same ones, so that neither way of making a
    lock changes the hashes of what stays. Hashes are made here where the index
    states none.

    Raises:
        IndexFailure: as `located` and `with_hashes`.
    """
    choose = partial(wanted, target=target)

    def complete(found: Mapping[NormalizedName, Files]) -> Mapping[NormalizedName, Files]:
        whole = with_hashes(found, choose=choose, settings=settings, progress=progress)
        return {name: choose(files) or files for name, files in whole.items()}

    return located(pins, index, lambda _, file: fits(file, target), exclude_newer, complete)


def located(
    packages: Iterable[LockedPackage],
    index: Index,
    fits: Fits,
    exclude_newer: datetime | None,
    complete: Complete = dict,
) -> tuple[LockedPackage, ...]:
    """The pins with the files of the index that each is from, and with the index.

    Where several indexes have a release, it is the first that has a file of it
    that ``fits``. What find-links have of a release counts beside its index.
    ``complete`` gives files that the index states no hash of theirs.

    Raises:
        IndexFailure: as `hashed` and `admitted`.
    """
    packages = tuple(packages)
    index.read(package.name for package in packages)
    found = {each.name: _located(each, index, fits, exclude_newer) for each in packages}
    listed = complete({name: files for name, (_, files) in found.items()})
    return tuple(_placed(whole, found[whole.name][0], index) for whole in hashed(packages, listed))


def _located(
    package: LockedPackage, index: Index, fits: Fits, exclude_newer: datetime | None
) -> tuple[str, Files]:
    """The index of a pin ("" for none), and its files there."""
    places = [
        replace(place, files=admitted(place.files, exclude_newer))
        for place in index.places(package.name, package.version)
    ]
    there = [place for place in places if place.files]
    usable = [place for place in there if any(fits(package, file) for file in place.files)]
    chosen = next(iter(usable or there), None)
    if chosen is None:
        return "", ()
    return chosen.url, distinct(
        file for each in there if each is chosen or each.url in index.links for file in each.files
    )


def _placed(package: LockedPackage, url: str, index: Index) -> LockedPackage:
    others = (public(each) for each in index.standing(package.name) if each != url)
    return replace(package, index=public(url), elsewhere=tuple(others))


def tell_several(
    packages: Iterable[LockedPackage], settings: IndexSettings, progress: Progress
) -> None:
    """Say of each name that several indexes have which one it is from, and why."""
    groups: dict[tuple[str, tuple[str, ...]], list[LockedPackage]] = {}
    for package in packages:
        if package.elsewhere:
            groups.setdefault((package.index, package.elsewhere), []).append(package)
    for (index, elsewhere), group in groups.items():
        *most, last = (f"{package.name} {package.version}" for package in group)
        pins = f"{', '.join(most)} and {last} are" if most else f"{last} is"
        others = " and ".join(map(redact, elsewhere))
        progress.note(
            f"{pins} from {redact(index)}, {_why(index, settings)};"
            f" {others} {'have' if len(elsewhere) > 1 else 'has'}"
            f" {'those names' if most else 'that name'} too"
        )


def _why(index: str, settings: IndexSettings) -> str:
    if index in {public(link) for link in settings.find_links}:
        return "which find-links name"
    if settings.index_strategy is IndexStrategy.BEST:
        return "which has the best version of all indexes (best-match)"
    return "the first index that has the name (first-index)"
