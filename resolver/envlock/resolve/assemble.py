"""Settled pins → a `Lock` with every reason and hash in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace
from packaging.ranges import VersionRange
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.errors import IndexFailure
from envlock.model import (
    Constraint,
    DistributionFile,
    LockedPackage,
    Rule,
    RuleId,
    Target,
    Violation,
)
from envlock.resolve.anchor import Candidate, framework
from envlock.resolve.feasible import Infeasible
from envlock.resolve.loop import Attempt, BudgetExhausted
from envlock.resolve.settle import Rejected, Resolved
from envlock.resolve.wishes import Wishes
from envlock.targets.fitting import fits, installable
from envlock.versions import version_range

_LINE = re.compile(r":\d+$")
#: What pip takes for ``--require-hashes``, best first.
_STRONG = ("sha256", "sha384", "sha512")


def explained(
    settled: Resolved, tried: Iterable[Attempt], wishes: Wishes
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
        asked = origins(package.name, candidate.name if candidate else None, wishes)
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
    name: NormalizedName, candidate: NormalizedName | None, wishes: Wishes
) -> tuple[str, ...]:
    """Return the files (without line numbers, which move) or the command line that asked for it."""
    wish = framework(wishes) if name == candidate else wishes.get(name)
    return tuple(_LINE.sub("", origin) for origin in wish.origins) if wish else ()


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
    said.extend(map(_given_up, settled.given_up))
    return tuple(dict.fromkeys(said))


def built_there(packages: Iterable[LockedPackage], target: Target) -> tuple[str, ...]:
    """The pins of a lock for another machine that have no wheels at all, as a sentence."""
    if target.interpreter is not None:
        return ()
    bare = [p for p in packages if not any(f.filename.endswith(".whl") for f in p.files)]
    named = " and ".join(f"{package.name} {package.version}" for package in bare)
    return (f"there is only source of {named}: it is built where it is installed",) if bare else ()


def _given_up(violation: Violation) -> str:
    seen = ", ".join(f"{n} {v}" if v else f"no {n}" for n, v in violation.packages.items())
    return f"{violation.rule.id} is not met ({seen}): {violation.rule.because}"
