"""Evidence at work: the set that answers a request becomes the lock, or is preferred in one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.resources.abc import Traversable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.errors import NoResolution, UsageError
from envlock.evidence.library import proved_sets, shelf
from envlock.evidence.values import Cell, ProvedSet
from envlock.index.origin import has_several, public
from envlock.index.pages import Index
from envlock.model import DistributionFile, IndexSettings, LockedPackage, Rule, Severity, Target
from envlock.outcomes import Passed
from envlock.probes import DEFAULT_GATE, PROBES
from envlock.releases import wheels_for
from envlock.resolve import Question, Resolution
from envlock.resolve.assemble import hashed, located, origins, reasons
from envlock.resolve.candidate import (
    TYPED,
    PackageRequirement,
    Requirements,
    distributions,
    framework,
    joined,
)
from envlock.rules.check import Situation, violations
from envlock.rules.database import Database
from envlock.rules.frameworks import families
from envlock.targets.tags import installable
from envlock.words import counted


class Needed(Struct, frozen=True, kw_only=True):
    """A request for one target, and what its answer must be seen to do.

    ``levels`` are those of the gate and the capabilities that are needed.
    """

    requirements: Requirements
    constraints: Requirements
    target: Target
    rules: tuple[Rule, ...]
    levels: tuple[str, ...]
    exclude_newer: datetime | None = None

    @property
    def distribution(self) -> NormalizedName | None:
        """The distribution of the framework that the request is for, or None."""
        requirement = framework(self.requirements)
        cuda = self.target.accelerator is Accelerator.CUDA
        if requirement is None or requirement.extras or cuda:
            return None
        return distributions(requirement, self.target.accelerator)[0]


def cells_for(asked: Needed, cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Return the cells whose release is asked for on this target, newest first."""
    name, requirement = asked.distribution, framework(asked.requirements)
    if name is None or requirement is None:
        return ()
    bound = asked.constraints.get(name)
    wanted = requirement.specifier & bound.specifier if bound else requirement.specifier
    found = [
        cell
        for cell in cells
        if cell.distribution == name
        and cell.python == asked.target.minor
        and cell.platform == str(asked.target.platform)
        and wanted.contains(cell.version, prereleases=True)
    ]
    return tuple(sorted(found, key=lambda cell: cell.version, reverse=True))


def newest_on_record(asked: Needed) -> Version | None:
    """Return the newest final release with a wheel for the target that the request admits."""
    requirement = framework(asked.requirements)
    if requirement is None:
        return None
    known = wheels_for(asked.target.minor, asked.target.platform).versions
    return max(requirement.specifier.filter(known, prereleases=False), default=None)


def usable(proved: ProvedSet, asked: Needed) -> bool:
    """Whether a set was seen to do what is needed, and may be installed for this target."""
    own = asked.target.variables
    if any(own.get(name, value) != value for name, value in proved.variables.items()):
        return False
    dated = asked.exclude_newer is None or proved.circumstances.day <= asked.exclude_newer.date()
    return (
        dated
        and proved.passes(asked.levels)
        and all(
            any(installable(file, asked.target) for file in package.files) or not _wheels(package)
            for package in proved.packages
        )
        and not any(
            broken.rule.severity is not Severity.DECLARED
            for broken in violations(asked.rules, proved.pins, _situation(proved, asked))
        )
    )


def _situation(proved: ProvedSet, asked: Needed) -> Situation:
    return Situation.of(_with_settings(asked.target, proved))


def _with_settings(target: Target, proved: ProvedSet) -> Target:
    """A target with what is set where a set was proved."""
    return replace(target, variables={**proved.variables, **target.variables})


def unmet(proved: ProvedSet, asked: Needed) -> tuple[str, ...]:
    """Return the requirements and constraints that a set does not meet, as they are written."""
    anchor = asked.distribution
    missing = [
        str(requirement)
        for requirement in asked.requirements.values()
        if requirement.extras
        or not _met(requirement, proved, _standing_for(requirement, proved.pins, anchor))
    ]
    missing += [
        str(bound)
        for name, bound in asked.constraints.items()
        if name in proved.pins and not _met(bound, proved, name)
    ]
    return tuple(missing)


def _standing_for(
    requirement: PackageRequirement, pins: Collection[NormalizedName], anchor: NormalizedName | None
) -> NormalizedName:
    """The package of a set that a requirement is for: the framework's build for the framework."""
    if anchor is not None and requirement.name == families().family_of(anchor):
        return anchor
    if requirement.name in pins:
        return requirement.name
    return next(
        (name for name in families().members(requirement.name) if name in pins), requirement.name
    )


def _met(requirement: PackageRequirement, proved: ProvedSet, name: NormalizedName) -> bool:
    version = proved.pins.get(name)
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def _wheels(package: LockedPackage) -> bool:
    return any(file.filename.endswith(".whl") for file in package.files)


_PYPI = "https://pypi.org/simple"

_SHOWN = 3  # releases that come close

_BARRED = "has it, in versions that a rule or the date refuses"

#: Whether a set can be had where the packages of a request come from.
Offered = Callable[[Cell, ProvedSet], bool]


class Precedent(Struct, frozen=True, kw_only=True):
    """The newest set that was proved for a request, and what of the request it does not meet."""

    cell: Cell
    proved: ProvedSet
    unmet: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """When, where and what: the line of a lock that is this very set."""
        where = self.proved.circumstances
        passed = ", ".join(o.level for o in self.proved.outcomes if isinstance(o, Passed))
        settings = (f"{name}={value}" for name, value in self.proved.variables.items())
        system = ", ".join(filter(None, (where.interpreter, where.libc, *settings)))
        return f"{where.day} on {self.cell.platform} ({system}): {passed}"


def consult(
    question: Question, needs: Sequence[str], folders: Sequence[Path], offered: Offered
) -> Precedent | None:
    """Return the newest set that was proved for a question on this target, or None.

    ``offered`` tells whether a set can be had where packages come from. Without
    ``needs`` only a set of the newest release on record counts: proof is no
    reason to take an older one.

    Raises:
        UsageError: a need is no capability.
        NoResolution: no release is known to have what is needed.
    """
    asked = _asked(question, needs)
    cells = shelf(tuple(folders))
    candidates = cells_for(asked, cells)
    newest = newest_on_record(asked)
    if not needs:
        candidates = tuple(cell for cell in candidates if newest is None or cell.version >= newest)
    seen: list[Precedent] = []
    for cell in candidates:
        for proved in proved_sets(cells[cell]):
            chosen = proved.variables.items() <= asked.target.variables.items()
            if not (needs or chosen) or not offered(cell, proved):
                continue
            seen.append(Precedent(cell=cell, proved=proved, unmet=unmet(proved, asked)))
            if usable(proved, asked):
                return seen[-1]
    if needs:
        raise _none_has(needs, question, seen, cells)
    return None


def resolution(
    found: Precedent, question: Question, rules: Database, index: Index, *, addresses: bool
) -> Resolution:
    """Return the set as the answer to a question that it meets; nothing is solved.

    With ``addresses`` the files' addresses are read from the index pages.

    Raises:
        IndexFailure: the pages do not list the files that were proved.
    """
    packages = tuple(_for_request(each, found, question) for each in found.proved.packages)
    if has_several(question.settings):
        packages = _with_indexes(packages, index)
    else:
        only = public(question.settings.index_url)
        packages = tuple(replace(each, index=only) for each in packages)
    if addresses:
        packages = _addressed(packages, index)
    return Resolution(
        packages=packages,
        notes=(),
        reasons=reasons(packages, rules.find),
        variables=found.proved.variables,
    )


def preferring(question: Question, found: Precedent, *, needed: bool) -> Question:
    """Return the question with the pins of a set preferred, and its release fixed if ``needed``."""
    known = {**found.proved.pins, **question.preferences}
    requirements, base = question.requirements, question.base
    requirement = framework(requirements)
    if needed and requirement is not None:
        name = requirement.name
        exact = PackageRequirement(name=name, specifier=SpecifierSet(f"=={found.cell.version}"))
        requirements = joined((requirements, {name: exact}))
        base = joined((base, {name: exact})) if question.optional else base
    target = _with_settings(question.target, found.proved) if needed else question.target
    return replace(question, preferences=known, requirements=requirements, base=base, target=target)


def compared(found: Precedent, packages: Iterable[LockedPackage]) -> tuple[str, tuple[str, ...]]:
    """Say how a lock differs from the set that was proved: in how much, and in what."""
    pins = {package.name: package.version for package in packages}
    known = found.proved.pins
    other = [f"{n} {v} ({pins[n]} here)" for n, v in known.items() if n in pins and pins[n] != v]
    missing = [f"{n} {v} (not here)" for n, v in known.items() if n not in pins]
    added = [f"{n} {v} (here alone)" for n, v in pins.items() if n not in known]
    parts = [f"with {counted(len(other), 'other version')}"] if other else []
    parts += [f"with {counted(len(missing), 'package')} more"] if missing else []
    parts += [f"without {counted(len(added), 'package')} of these"] if added else []
    day = found.proved.circumstances.day
    said = f"not verified as a whole: {found.cell} was on {day}, {' and '.join(parts)}"
    return said, (*other, *missing, *added)


def elsewhere(question: Question, folders: Sequence[Path], answer: Resolution) -> tuple[str, ...]:
    """Say where the framework release of a lock is verified, when only on other platforms."""
    settings, pins = question.settings, answer.pins
    if settings.index_url.rstrip("/") != _PYPI or settings.no_index or has_several(settings):
        return ()
    cells = [cell for cell in shelf(tuple(folders)) if pins.get(cell.distribution) == cell.version]
    platforms = sorted({cell.platform for cell in cells})
    if not platforms or str(question.target.platform) in platforms:
        return ()
    names = ", ".join(sorted({f"{cell.distribution} {cell.version}" for cell in cells}))
    return (f"{names} is verified on {', '.join(platforms)}, and not on this platform",)


def _asked(question: Question, needs: Sequence[str]) -> Needed:
    levels = {level.name for probe in PROBES.values() for level in probe.levels}
    unknown = [each for each in needs if each not in levels]
    if unknown:
        raise UsageError(
            f"--needs {unknown[0]}: there is no such capability; there are "
            f"{', '.join(sorted(levels))}",
            "envlock capabilities",
        )
    return Needed(
        requirements=question.requirements,
        constraints=question.constraints,
        target=question.target,
        rules=question.rules,
        levels=(*DEFAULT_GATE, *needs),
        exclude_newer=question.exclude_newer,
    )


def on(index: Index, settings: IndexSettings) -> Offered:
    """Return what tells whether an index has the files that were proved."""
    return lambda cell, proved: _comes_from(cell, proved, index, settings)


def _comes_from(cell: Cell, proved: ProvedSet, index: Index, settings: IndexSettings) -> bool:
    """Whether the index has the files that were proved: it is PyPI, or a mirror of it.

    Where there are several, each package must be there that it is taken from.
    """
    if has_several(settings):
        listed = index.pinned(proved.pins)
        return all(
            any(_is_locked(each, file) for file in listed[each.name]) for each in proved.packages
        )
    if settings.index_url.rstrip("/") == _PYPI and not settings.no_index:
        return True
    framework_files = next(p.files for p in proved.packages if p.name == cell.distribution)
    wanted = {file.hashes["sha256"] for file in framework_files}
    return any(file.hashes.get("sha256") in wanted for file in index.files(cell.distribution))


def _for_request(package: LockedPackage, found: Precedent, question: Question) -> LockedPackage:
    """A package with who asks for it now, where the run of the matrix had asked for it."""
    asked = origins(package.name, found.cell.distribution, question.requirements)
    others = (each for each in package.via if each != TYPED)
    return replace(package, via=tuple(sorted({*others, *asked})))


def _with_indexes(packages: Iterable[LockedPackage], index: Index) -> tuple[LockedPackage, ...]:
    """The pins with the index of each, which has the files that were proved."""
    return tuple(
        replace(
            each,
            index=found.index,
            elsewhere=found.elsewhere,
            hashes=tuple(sorted({*each.hashes} & {*found.hashes})),
        )
        for each in packages
        for found in located((each,), index, _is_locked, None)
    )


def _is_locked(package: LockedPackage, file: DistributionFile) -> bool:
    return f"sha256:{file.hashes.get('sha256')}" in package.hashes


def _addressed(packages: Sequence[LockedPackage], index: Index) -> tuple[LockedPackage, ...]:
    listed = index.pinned({package.name: package.version for package in packages})
    kept = {
        package.name: [file for file in listed[package.name] if _is_locked(package, file)]
        for package in packages
    }
    return hashed(packages, kept)


def _none_has(
    needs: Sequence[str],
    question: Question,
    seen: Sequence[Precedent],
    cells: Mapping[Cell, Traversable],
) -> NoResolution:
    where = f"Python {question.target.minor} on {question.target.platform}"
    passing = (found for found in seen if found.proved.passes(DEFAULT_GATE))
    nearest = sorted(passing, key=lambda each: len(_missed(needs, each)))  # stable: newest first
    lines = [f"no release is known to have {', '.join(needs)} on {where}"]
    for found in nearest[:_SHOWN]:
        untried = found.proved.untried(needs)
        lacks = [each for each in _missed(needs, found) if each not in untried]
        why = [f"lacks {', '.join(lacks)}"] if lacks else []
        why += [f"was not tried with {', '.join(untried)}"] if untried else []
        words = " and ".join(why) or _BARRED
        lines.append(f"  {found.cell.distribution} {found.cell.version} {words}")
    lines += _of_other_build(needs, question, cells)
    return NoResolution("\n".join(lines), *_ways(needs, question, cells))


def _of_other_build(
    needs: Sequence[str], question: Question, cells: Mapping[Cell, Traversable]
) -> Iterator[str]:
    """The newest release of another build that has it all here, with what is set for it."""
    own = _asked(question, needs)
    here = (question.target.minor, str(question.target.platform))
    others = [
        c for c in cells if (c.python, c.platform) == here and own.distribution != c.distribution
    ]
    for cell in sorted(others, key=lambda each: each.version, reverse=True):
        for each in proved_sets(cells[cell]):
            if own.distribution is not None and each.passes(own.levels):
                settings = " and ".join(f"{n}={v}" for n, v in each.variables.items())
                with_it = f", with {settings}" if settings else ""
                yield f"  {cell.distribution} {cell.version}, another build, has it{with_it}"
                return


def _missed(needs: Sequence[str], found: Precedent) -> list[str]:
    return [each for each in needs if each not in found.proved.capabilities]


def _ways(
    needs: Sequence[str], question: Question, cells: Mapping[Cell, Traversable]
) -> Iterator[str]:
    """Another Python on which a release has it all; else the table."""
    for minor in sorted({cell.python for cell in cells}, key=_minor, reverse=True):
        target = replace(question.target, python=question.target.python.__class__(f"{minor}.0"))
        asked = replace(_asked(question, needs), target=target)
        for cell in cells_for(asked, cells):
            if any(each.passes(asked.levels) for each in proved_sets(cells[cell])):
                yield f"--python {minor}"
                return
    yield "envlock capabilities"


def _minor(python: str) -> tuple[int, ...]:
    return tuple(map(int, python.split(".")))
