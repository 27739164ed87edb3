"""Solve and check, round after round, until pins obey every rule, or none can.

    constraints ─▶ engine ─▶ pins ─▶ rules, files ─▶ nothing broken: resolved
         ▲                                │
         └──── the bounds that mend it ◀──┘   none new: rejected

What holds in every round:

- Constraints are only added, but for the soft ones, which go together and
  once: so no round asks what an earlier one asked, and six are enough or too
  many. (Letting soft ones go one by one would cost a solve for each of their
  combinations.)
- Pins that the new bounds are about are moved without an engine where
  metadata shows that all others may stay (`resolve.moving`).
- A bound is added only where some version is left that the request and the
  release declare, and that is on the index page: what it cannot have, the
  engine need not be started for.
- Files count as rules do: an engine may know no dates (pip before 26) and no
  upper bound of a Requires-Python (uv).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.engine import Answer, Problem, Solution, Unsatisfiable
from envlock.index.filenames import admitted
from envlock.model import Constraint, Demand, LockedPackage, Rule, Severity, Target, Violation
from envlock.resolve.candidate import Candidate, Releases
from envlock.resolve.moving import moved
from envlock.resolve.old_wheels import HELD, Dates, OldWheel
from envlock.resolve.question import Listed, Pins, Tools
from envlock.rules.abi import LAW
from envlock.rules.check import Situation
from envlock.rules.frameworks import families
from envlock.rules.select import select
from envlock.targets.tags import fits, serves
from envlock.versions import admits, meet

#: How often one task may be solved again before it is given up.
ROUNDS = 6


def bounds_for(
    violation: Violation,
    pins: Mapping[NormalizedName, Version],
    situation: Situation,
    allowed: Callable[[Constraint], bool],
    releases: Callable[[NormalizedName], Releases],
) -> tuple[Constraint, ...]:
    """The constraints on one package that keep a rule, everything else as pinned.

    What the rule demands moves first, its conditions after; only ``allowed``
    bounds are given. Empty when nothing may move.
    """
    rule = replace(violation.rule, cases=(violation.case,))
    missing = [c for c in _select(rule, pins, None, situation) if c.include]
    if missing and all(map(allowed, missing)):
        return tuple(missing)
    for name in reversed(tuple(violation.packages)):
        if name not in pins:
            continue
        found = [c for c in _select(rule, pins, name, situation) if c.package == name]
        if found and all(map(allowed, found)):
            return tuple(found)
        more = (_spelled_out(violation, name, releases(name)), _of_one_version(violation, name))
        for one in more:
            if one is not None and allowed(one):
                return (one,)
    return ()


def _select(
    rule: Rule,
    pins: Mapping[NormalizedName, Version],
    free: NormalizedName | None,
    situation: Situation,
) -> tuple[Constraint, ...]:
    known = {n: SpecifierSet(f"=={v}") for n, v in pins.items() if n != free}
    return select([rule], known, situation).constraints


def _spelled_out(
    violation: Violation, name: NormalizedName, releases: Releases
) -> Constraint | None:
    """The forbidden versions one by one, for ranges whose opposite no specifier can say."""
    members = {name, families().family_of(name)}
    case = violation.case
    refusals = (condition for demand, condition in case.demands if demand is Demand.REFUSE)
    ranges = [c.specifier for c in (*case.when, *refusals) if c.package in members]
    if len(ranges) != 1:
        return None
    refused = sorted(version for version in releases if admits(ranges[0], version))
    if not refused or len(refused) == len(releases):
        return None
    return Constraint(
        package=name,
        specifier=SpecifierSet(",".join(f"!={version}" for version in refused)),
        rules=(violation.rule.id,),
        soft=violation.rule.severity is not Severity.BREAKS,
    )


def _of_one_version(violation: Violation, name: NormalizedName) -> Constraint | None:
    """The version of the other of a family, where two of one version go together."""
    case = violation.case
    others = {version for package, version in violation.packages.items() if package != name}
    if case.alone is None or case.alike or len(others) != 1:
        return None
    return Constraint(
        package=name,
        specifier=SpecifierSet(f"=={others.pop()}"),
        rules=(violation.rule.id,),
        soft=violation.rule.severity is not Severity.BREAKS,
    )


class Budget(Struct, kw_only=True):
    """How many more times an engine may be started, and whether it gave its advice.

    Whoever begins a task looks whether something is left; one that is under
    way may overdraw it by its rounds.
    """

    left: int
    advised: bool = False


def breaks(violation: Violation) -> bool:
    """Tell whether a violation never gives way."""
    return violation.rule.severity is Severity.BREAKS


class Settlement(Struct, frozen=True, kw_only=True):
    """What is to be settled: for a lock around one release, or for a plan.

    ``name`` is told while it is solved. ``problem`` gives what an engine gets
    with some constraints, ``broken`` the rules that pins do not meet,
    ``allowed`` whether a bound may be added, ``hard`` which of the broken rules
    never give way. ``kept`` are packages that stay as they are beside the pins:
    rules see them, their files are not looked at.
    ``inferred`` constraints are no reason of a pin that nothing newer was kept from.
    ``dates`` judges the wheels of the pins by their days. ``finals`` are packages of
    which nobody asks for a pre-release, though engines take one where no other fits.
    """

    name: str
    target: Target
    problem: Callable[[tuple[Constraint, ...]], Problem]
    broken: Callable[[Pins], tuple[Violation, ...]]
    allowed: Callable[[Constraint], bool]
    hard: Callable[[Violation], bool] = breaks
    candidate: Candidate | None = None
    inferred: tuple[Constraint, ...] = ()
    kept: Mapping[NormalizedName, Version] = field(default_factory=dict)
    situation: Situation
    exclude_newer: datetime | None = None
    dates: Dates = Dates()
    finals: Collection[NormalizedName] = ()


class Resolved(Struct, frozen=True, kw_only=True):
    """Pins, their files, the bounds that led there, and the rules that they do not meet.

    ``dated`` are the pins for whose day NumPy is held back.
    """

    candidate: Candidate | None
    packages: tuple[LockedPackage, ...]
    constraints: tuple[Constraint, ...]
    files: Listed
    given_up: tuple[Violation, ...] = ()
    dated: tuple[OldWheel, ...] = ()


class SourceOnly(Struct, frozen=True, kw_only=True):
    """Pins that a target would have to compile, and every older release of them too."""

    packages: tuple[LockedPackage, ...]
    target: Target


class Rejected(Struct, frozen=True, kw_only=True):
    """What cannot be: the engine's words, the rules no bound could meet, or what has no wheels.

    Without a candidate it is the request as it stands, no rule applied.
    """

    candidate: Candidate | None
    text: str = ""
    broken: tuple[Violation, ...] = ()
    source_only: SourceOnly | None = None
    constraints: tuple[Constraint, ...] = ()
    packages: tuple[LockedPackage, ...] = ()


class _Checked(Struct, frozen=True, kw_only=True):
    """What an engine pinned, with the files, and the rules that it breaks."""

    pins: Pins
    files: Listed
    broken: tuple[Violation, ...]
    hard: tuple[Violation, ...]
    dated: tuple[OldWheel, ...]


def settle(
    task: Settlement, constraints: tuple[Constraint, ...], tools: Tools, budget: Budget
) -> Resolved | Rejected:
    """Solve and check until nothing is broken."""
    soft = True
    last = Rejected(candidate=task.candidate)
    known: Solution | None = None
    dated: dict[NormalizedName, OldWheel] = {}
    for _ in range(ROUNDS):
        answer = known or _solved(task, constraints, tools, budget)
        known = None
        if isinstance(answer, Unsatisfiable):
            if not (soft and any(item.soft for item in constraints)):
                return Rejected(candidate=task.candidate, text=answer.text, constraints=constraints)
            soft = False
            constraints = tuple(item for item in constraints if not item.soft)
            continue
        found = _checked(task, answer.packages, tools)
        dated.update((each.name, each) for each in found.dated)
        if bare := _source_only(task, answer.packages, found.files, tools):
            return Rejected(candidate=task.candidate, source_only=bare, constraints=constraints)
        last = Rejected(
            candidate=task.candidate,
            broken=found.hard,
            constraints=constraints,
            packages=answer.packages,
        )
        broken = found.broken if soft else found.hard
        bounds = _bounds(task, found, broken, constraints, tools)
        added = dict.fromkeys(bound for bound in bounds if bound not in constraints)
        if not added:
            counting = _counting(task, constraints, found.pins, tools)
            if found.hard:
                return last
            return _resolved(task, answer.packages, counting, found, dated)
        constraints = (*constraints, *added)
        if all(bound.package in found.pins for bound in added if bound.include):
            names = dict.fromkeys(bound.package for bound in added)
            known = moved(task.problem(constraints), answer, names, found.files, tools)
    return last


def _solved(
    task: Settlement, constraints: tuple[Constraint, ...], tools: Tools, budget: Budget
) -> Answer:
    budget.left -= 1
    return tools.solve(task.problem(constraints), task.name)


def _resolved(
    task: Settlement,
    packages: tuple[LockedPackage, ...],
    constraints: tuple[Constraint, ...],
    found: _Checked,
    dated: Mapping[NormalizedName, OldWheel],
) -> Resolved:
    kept = (dated.get(package.name) for package in packages)
    held = HELD in constraints
    return Resolved(
        candidate=task.candidate,
        packages=packages,
        constraints=constraints,
        files=found.files,
        given_up=found.broken,
        dated=tuple(each for each in kept if each is not None and held),
    )


def _counting(
    task: Settlement, constraints: tuple[Constraint, ...], pins: Pins, tools: Tools
) -> tuple[Constraint, ...]:
    """The constraints without inferred ones that kept no newer release away."""

    def moved(bound: Constraint) -> bool:
        pin = pins.get(bound.package)
        return pin is not None and any(
            version > pin and not admits(bound.specifier, version) and serves(files, task.target)
            for version, files in tools.releases(bound.package).items()
        )

    return tuple(
        each for each in constraints if each not in task.inferred or each.include or moved(each)
    )


def _checked(task: Settlement, packages: tuple[LockedPackage, ...], tools: Tools) -> _Checked:
    pins = {package.name: package.version for package in packages}
    looked_at = {name: v for name, v in pins.items() if task.kept.get(name) != v}
    with tools.progress.phase("read the files of the pins"):
        files = tools.pinned(looked_at)
    whole = {**task.kept, **pins}
    dated = task.dates.found(packages, files, task.target)
    broken = (*task.broken(whole), *task.dates.broken(dated, whole, task.situation))
    hard = tuple(filter(task.hard, broken))
    return _Checked(pins=whole, files=files, broken=broken, hard=hard, dated=dated)


def _bounds(
    task: Settlement,
    found: _Checked,
    broken: Iterable[Violation],
    constraints: Iterable[Constraint],
    tools: Tools,
) -> Iterator[Constraint]:
    """The constraints that pins call for: broken rules, and files that are not for the target.

    One that leaves nothing beside those that hold already is none: another side of the rule moves.
    """
    hold: dict[NormalizedName, list[SpecifierSet]] = {}
    for each in constraints:
        if not each.soft:
            hold.setdefault(each.package, []).append(each.specifier)

    def allowed(bound: Constraint) -> bool:
        fits = meet(bound.specifier, *hold.get(bound.package, ()))
        return fits and task.allowed(bound) and _there(bound, tools)

    for violation in broken:
        if violation.rule.id == LAW:
            yield from filter(allowed, (HELD,))
            continue
        yield from bounds_for(violation, found.pins, task.situation, allowed, tools.releases)
    yield from _unfit(task, found, tools)
    yield from filter(allowed, _pre_releases(task, found, tools))


def _pre_releases(task: Settlement, found: _Checked, tools: Tools) -> Iterator[Constraint]:
    """Bounds against pre-releases that an engine fell back to: of no release, it takes any."""
    for name in task.finals:
        pin, listed = found.pins.get(name), tools.releases(name)
        if pin is not None and pin.is_prerelease:
            early = sorted(version for version in listed if version.is_prerelease)
            specifier = SpecifierSet(",".join(f"!={version}" for version in early))
            yield Constraint(package=name, specifier=specifier, rules=())


def _there(bound: Constraint, tools: Tools) -> bool:
    """Whether a bound leaves a release; what the index does not list, it says nothing of."""
    releases = tools.releases(bound.package)
    return not releases or any(admits(bound.specifier, version) for version in releases)


def _unfit(task: Settlement, found: _Checked, tools: Tools) -> Iterator[Constraint]:
    """Bounds against releases that are too new or not for this Python."""
    for name, listed in found.files.items():
        if serves(admitted(listed, task.exclude_newer), task.target):
            continue
        newest = _newest_below(found.pins[name], tools.releases(name), task.target)
        bound = f"<={newest}" if newest else f"<{found.pins[name]}"
        yield Constraint(package=name, specifier=SpecifierSet(bound), rules=())


def _newest_below(version: Version, releases: Releases, target: Target) -> Version | None:
    older = (each for each in releases if each < version and not each.is_prerelease)
    return max((each for each in older if serves(releases[each], target)), default=None)


def _source_only(
    task: Settlement, packages: Iterable[LockedPackage], listed: Listed, tools: Tools
) -> SourceOnly | None:
    """The pins that the target would have to compile, and every older release too."""
    target = task.target

    def compiled(package: LockedPackage) -> bool:
        files = admitted(listed.get(package.name, ()), task.exclude_newer)
        return (
            not serves(files, target)
            and any(fits(file, target) for file in files)
            and _newest_below(package.version, tools.releases(package.name), target) is None
        )

    found = tuple(package for package in packages if compiled(package))
    return SourceOnly(packages=found, target=target) if found else None
