"""Releases that a lock takes though there are newer ones: which, what holds those back, what frees.

A release is told of by itself where it was asked for and is years older than the
framework beside it, or a development build: mostly a newer one is refused by a
rule, by what somebody declares, or has nothing for this Python, and the engine went back
until something declared less.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import islice

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.behind import Behind, Holdback
from envlock.index.filenames import WHEEL_SUFFIX, released_on, releases
from envlock.index.filenames import admitted as uploaded_by
from envlock.index.metadata import read_needs
from envlock.index.pages import Index
from envlock.model import DistributionFile, LockedPackage, Rule, Severity
from envlock.releases import framework_releases
from envlock.resolve import Question
from envlock.resolve.candidate import PackageRequirement, admitted
from envlock.rules.check import Situation, violations
from envlock.rules.frameworks import framework_of
from envlock.rules.select import select
from envlock.rules.tables import pythons
from envlock.targets.tags import serves, taken
from envlock.versions import admits, meet, pin

#: How much older than the framework a release is that is told.
_YEARS = timedelta(days=2 * 365)
_TOLD = 2  # reasons of one release

Pins = Mapping[NormalizedName, LockedPackage]


def fallen_back(
    question: Question, packages: Iterable[LockedPackage], index: Index
) -> tuple[Behind, ...]:
    """Return what was asked for and is years behind the framework, though there are newer ones.

    Nothing is read for a request without such a release but what was read for its lock.
    """
    pins = {package.name: package for package in packages}
    days = (
        released_on(each.files) for each in pins.values() if framework_of(each.name) is not None
    )
    of_framework = next((day for day in days if day is not None), None)
    if of_framework is None:
        return ()
    found = (
        _fallen_back(question, requirement, pins, index, of_framework)
        for requirement in question.requirements.values()
        if requirement.name in pins and framework_of(requirement.name) is None
    )
    return tuple(each for each in found if each is not None)


def _fallen_back(
    question: Question,
    requirement: PackageRequirement,
    pins: Pins,
    index: Index,
    of_framework: date,
) -> Behind | None:
    package = pins[requirement.name]
    day = released_on(package.files)
    if day is None or not (of_framework - day > _YEARS or package.version.is_devrelease):
        return None
    listed = releases(uploaded_by(index.files(package.name), question.exclude_newer))
    newer = {v: f for v, f in admitted(requirement, listed).items() if v > package.version}
    usable = {v: f for v, f in newer.items() if serves(f, question.target)} or newer
    newest = max(usable, default=None)
    newest_day = None if newest is None else released_on(usable[newest])
    if newest is None or newest_day is None:
        return None
    held = holding(question, pins.values(), package.name, newest, usable[newest])
    return Behind(
        name=package.name,
        version=package.version,
        uploaded=day,
        newest=newest,
        newest_uploaded=newest_day,
        holding=tuple(islice(held, _TOLD)),
    )


def in_words(behind: Behind) -> str:
    """A fall-back as a note of a lock."""
    told = "; ".join(
        f"{each.why} ({each.frees} frees it)" if each.frees else each.why for each in behind.holding
    )
    return (
        f"{behind.name} is {behind.version} of {behind.uploaded}, not {behind.newest} of"
        f" {behind.newest_uploaded}: {told or 'nothing tells what it does not fit'}"
    )


def holding(
    question: Question,
    packages: Iterable[LockedPackage],
    name: NormalizedName,
    newest: Version,
    files: Collection[DistributionFile] = (),
) -> Iterator[Holdback]:
    """Say what keeps a newer release away: who asks, a rule, or what somebody needs.

    With the ``files`` of that release also its Python, and what it needs itself.
    """
    pins = {package.name: package for package in packages}
    for known in (question.requirements, question.constraints):
        wish = known.get(name)
        if wish is not None and not admits(wish.specifier, newest):
            yield Holdback(why=f"{' and '.join(wish.origins)} asks for {wish}")
    if files and not serves(files, question.target):
        yield _of_python(question, newest, files)
        return
    if pins[name].because:
        yield Holdback(why=f"by rule {' and '.join(pins[name].because)}")
    yield from _of_rules(question, pins, name, newest)
    yield from _of_users(question, pins, name, newest)
    yield from _of_its_own(question, pins, name, newest, files)


def _of_python(question: Question, newest: Version, files: Iterable[DistributionFile]) -> Holdback:
    """That a release has nothing for the target, and for which Python it has."""
    files = tuple(files)
    target = question.target
    minors = [each for each in pythons().minors if any(_is_for(f, each) for f in files)]
    frees = f"--python {minors[-1]}" if minors and target.minor not in minors else ""
    return Holdback(
        why=f"{newest} has no file for Python {target.minor} on {target.platform}", frees=frees
    )


def _is_for(file: DistributionFile, minor: str) -> bool:
    """Whether a wheel is for a minor of Python, as far as its name and its index say."""
    said = standards.specifiers(file.requires_python or "")
    if said is not None and not admits(said, Version(f"{minor}.0")):
        return False
    if not file.filename.endswith(WHEEL_SUFFIX):
        return False
    python, abi, _ = file.filename.removesuffix(WHEEL_SUFFIX).rsplit("-", 3)[1:]
    tag = f"cp{minor.replace('.', '')}"
    return tag in python.split(".") or "abi3" in abi or python.startswith("py")


def _of_rules(
    question: Question, pins: Pins, name: NormalizedName, newest: Version
) -> Iterator[Holdback]:
    """The rules that the release would break beside the other pins, and what they ask instead."""
    situation = Situation.of(question.target)
    moved = {each.name: each.version for each in pins.values()} | {name: newest}
    told = pins[name].because
    for violation in violations(question.rules, moved, situation):
        rule = violation.rule
        if rule.severity is not Severity.BREAKS or name not in violation.packages:
            continue
        if rule.id in told:
            continue
        frees = _framework_for([rule], {name: pin(newest)}, pins, question)
        yield Holdback(why=f"rule {rule.id}: {rule.because}", frees=frees)


def _of_users(
    question: Question, pins: Pins, name: NormalizedName, newest: Version
) -> Iterator[Holdback]:
    """What those that need the package declare of it."""
    users = [pins[each] for each in map(canonicalize_name, pins[name].via) if each in pins]
    for user, need in _needs(question, {each.name: each.files for each in users}):
        if canonicalize_name(need.name) == name and not admits(need.specifier, newest):
            yield Holdback(
                why=f"{user} {pins[user].version} needs {name}{need.specifier}",
            )


def _of_its_own(
    question: Question,
    pins: Pins,
    name: NormalizedName,
    newest: Version,
    files: Iterable[DistributionFile],
) -> Iterator[Holdback]:
    """What the release itself declares, where rules or another package want it otherwise.

    A pin that only the release in its place asked for would move along.
    """
    own = taken(files, question.target)
    found = [
        each
        for _, need in _needs(question, {name: (own,) if own is not None else ()})
        if (there := pins.get(canonicalize_name(need.name))) is not None
        and not admits(need.specifier, there.version)
        and (each := _refused(question, pins, name, there, need)) is not None
    ]
    said = [f"{newest} needs {need}{why}" for need, why, _ in found]
    held = [Holdback(why=why, frees=each[2]) for why, each in zip(said, found, strict=True)]
    # What a rule refuses is sure, where another package may have a release that asks for less.
    yield from [each for each in held if each.frees] or held


def _refused(
    question: Question,
    pins: Pins,
    name: NormalizedName,
    there: LockedPackage,
    need: Requirement,
) -> tuple[str, str, str] | None:
    """A need that cannot be met, who refuses it, and which framework would not; None: it can."""
    wanted = f"{need.name}{need.specifier}"
    others = {n: pin(each.version) for n, each in pins.items() if n not in {name, there.name}}
    for bound in select(question.rules, others, Situation.of(question.target)).hard():
        own = bound.package == there.name and not bound.include
        if own and not meet(bound.specifier, need.specifier):
            rules = [each for each in question.rules if each.id in bound.rules]
            frees = _framework_for(rules, {there.name: need.specifier}, pins, question)
            return wanted, f", which rule {' and '.join(bound.rules)} refuses here", frees
    via = [pins[n] for n in map(canonicalize_name, there.via) if n in pins and n != name]
    for user, other in _needs(question, {each.name: each.files for each in via}):
        own = canonicalize_name(other.name) == there.name
        if own and not meet(other.specifier, need.specifier):
            asked = f"{other.name}{other.specifier}"
            return wanted, f", and {user} {pins[user].version} needs {asked}", ""
    return None


def _framework_for(
    rules: Iterable[Rule],
    known: Mapping[NormalizedName, SpecifierSet],
    pins: Pins,
    question: Question,
) -> str:
    """The newest older release of the framework beside which rules have nothing against a range."""
    rules = tuple(rules)
    there = next((each for each in pins.values() if framework_of(each.name) is not None), None)
    if there is None:
        return ""
    situation = Situation.of(question.target)
    for version in sorted({each.version for each in framework_releases()}, reverse=True):
        if version < there.version and not version.is_prerelease:
            both = {**known, there.name: pin(version)}
            if not select(rules, both, situation).broken:
                return f"{there.name}=={version}"
    return ""


def _needs(
    question: Question, wheels: Mapping[NormalizedName, Iterable[DistributionFile]]
) -> Iterator[tuple[NormalizedName, Requirement]]:
    """What wheels declare for the target, each with whose it is."""
    files = {
        name: [each for each in found if each.filename.endswith(WHEEL_SUFFIX)]
        for name, found in wheels.items()
    }
    said = read_needs([each for found in files.values() for each in found], question.settings)
    for name, found in files.items():
        lines = {need for file in found for need in said.get(file.filename, ())}
        for need in standards.applicable(sorted(lines), dict(question.target.markers)):
            yield name, need
