"""How far do versions break a rule? The one place that judges: exact, in ranges, or not told. Pure.

Everybody who asks about a rule asks `Known`: the check of a finished lock
(`violations`, where all is exact), the bounds on what is still open
(`envlock.rules.select`) and the diagnosis of a file or a log, where a rule may
be broken more or less surely. So no two of them can say opposite things of
the same versions: an exact version is judged as the range of one version is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from itertools import combinations

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.model import Case, Condition, Demand, Platform, Rule, Severity, Target, Violation
from envlock.rules.frameworks import families
from envlock.versions import admits, version_range

Packages = Mapping[NormalizedName, Version]


class Truth(IntEnum):
    """How far something is known to be so; of all together, as far as the least of them."""

    NO = 0
    MAYBE = 1
    LIKELY = 2  # an installer would choose so today
    YES = 3


class Situation(Struct, frozen=True, kw_only=True):
    """What a rule may ask besides versions; None: nobody said.

    ``pythons`` are the minors that are likely meant where ``python`` is not
    told. A ``platform`` without machine or C library is any of them;
    ``manager`` is pip or conda, ``accelerator`` cpu or cuda. ``settled`` says
    that no other ``variables`` are set.
    """

    python: Version | None = None
    pythons: tuple[Version, ...] = ()
    platform: Platform | None = None
    manager: str | None = None
    accelerator: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    settled: bool = False

    @classmethod
    def of(cls, target: Target) -> Situation:
        """The situation of a lock for ``target``."""
        accelerator = None if target.accelerator == "auto" else target.accelerator.value
        return cls(
            python=target.python,
            platform=target.platform,
            manager=target.manager,
            accelerator=accelerator,
            variables=target.variables,
        )

    def suits(self, case: Case) -> Truth:
        """Whether a case speaks of this Python, platform, manager, accelerator and variables."""
        found = self._python(case.python) if case.python else Truth.YES
        if case.platforms:
            found = min(found, max(_is(each, self.platform) for each in case.platforms))
        if case.managers:
            found = min(found, self._manager(case.managers))
        if case.accelerators:
            found = min(found, _told(self.accelerator, case.accelerators))
        for key, value in case.variables.items():
            found = min(found, _told(self.variables.get(key), (value,)))
        return found

    def unset(self, case: Case) -> Truth:
        """How far something that a case wants set in the environment is not."""
        if not case.settings:
            return Truth.NO
        if all(self.variables.get(name) == value for name, value in case.settings.items()):
            return Truth.NO
        return Truth.YES if self.settled else Truth.MAYBE

    def _python(self, wanted: SpecifierSet) -> Truth:
        if self.python is not None:
            return Truth.YES if admits(wanted, self.python) else Truth.NO
        # Which minors are meant is a guess, so it rules no case out.
        return Truth.YES if all(admits(wanted, each) for each in self.pythons) else Truth.MAYBE

    def _manager(self, wanted: tuple[str, ...]) -> Truth:
        if self.manager is None and "pip" in wanted:
            return Truth.LIKELY
        return _told(self.manager, wanted)


def _told(value: str | None, wanted: tuple[str, ...]) -> Truth:
    if value is None:
        return Truth.MAYBE
    return Truth.YES if value in wanted else Truth.NO


def _is(wanted: str, platform: Platform | None) -> Truth:
    """Whether a platform is the one that a rule names; its machine or C library may be unknown."""
    if platform is None:
        return Truth.MAYBE
    system, _, machine = wanted.partition("-")
    if system != platform.system:
        return Truth.NO
    own = platform.libc.partition(" ")[0] if machine == "musl" else platform.machine
    return Truth.YES if machine in {"", own} else Truth.NO if own else Truth.MAYBE


class Known(Struct, frozen=True, kw_only=True):
    """What is known of the packages of one environment, asked one condition at a time.

    ``versions`` are exact, ``ranges`` what is asked for where no version is
    told, and ``today`` the version that an installer would take of a range
    now. What is in neither is not there when the set is ``complete``, and
    otherwise not known. A pre-release of a bound is on neither side of it by
    PEP 440 (2.16rc1 is neither ``<2.16`` nor ``>=2.16``); with ``lenient``
    such an answer is MAYBE, because the code of a pre-release may be of either.

    A member of a family stands for the family, and what one member does
    counts: so the truth of a family is the greatest of its members'.
    """

    situation: Situation
    versions: Packages = field(default_factory=dict)
    ranges: Mapping[NormalizedName, SpecifierSet] = field(default_factory=dict)
    today: Packages = field(default_factory=dict)
    complete: bool = False
    lenient: bool = False

    def named(self, package: NormalizedName) -> tuple[NormalizedName, ...]:
        """The members of a family that are known to be there."""
        return self._there(families().members(package))

    def meant(self, condition: Condition) -> tuple[NormalizedName, ...]:
        """The distributions that a condition speaks of and that are known to be there."""
        return self._there(families().meant(condition))

    def _there(self, names: Iterable[NormalizedName]) -> tuple[NormalizedName, ...]:
        # Asked hundreds of times of each lock: a list is made in half the time of a generator.
        versions, ranges = self.versions, self.ranges
        return tuple([name for name in names if name in versions or name in ranges])

    def applies(self, case: Case) -> Truth:
        """Whether the situation and the conditions of a case hold, whatever it demands."""
        found = self.situation.suits(case)
        for condition in case.when:
            if found is Truth.NO:
                break
            found = min(found, self.holds(condition))
        return found

    def holds(self, condition: Condition) -> Truth:
        """Whether the package, or one of its family, is there and in the range."""
        named = self.meant(condition)
        if not named:
            return self._untold()
        if len(named) == 1:
            return self.inside(named[0], condition)
        return max([self.inside(each, condition) for each in named])

    def broken(self, demand: Demand, condition: Condition) -> Truth:
        """Whether what a rule demands is not so."""
        if demand is Demand.REFUSE:
            return self.holds(condition)
        named = self.meant(condition)
        if not named:
            missing = self.complete and demand is Demand.INCLUDE
            return Truth.YES if missing else self._untold()
        outside = [self.outside(each, condition) for each in named]
        return min(outside) if demand is Demand.INCLUDE else max(outside)

    def crowd(self, case: Case) -> Iterator[tuple[NormalizedName, NormalizedName]]:
        """The pairs of a family that are there and do not belong together.

        Two of which no version is told are taken for different ones.
        """
        if case.alone is None:
            return
        for one, other in combinations(self.named(case.alone), 2):
            own, its = self._exact(one), self._exact(other)
            alike = own is not None and own == its
            same = own == its or None in {own, its}  # of a shell and what it pulls in
            if alike is case.alike and not (same and families().is_stub_pair(one, other)):
                yield one, other

    def crowded(self, case: Case) -> Truth:
        """Whether two of a family are there that do not belong together."""
        return Truth.YES if any(self.crowd(case)) else self._untold()

    def _exact(self, name: NormalizedName) -> Version | None:
        """The version of a package, also where a range admits one alone."""
        if name in self.versions:
            return self.versions[name]
        (part, *others) = [*self.ranges[name]] or [None]
        if part is None or others or part.operator != "==" or part.version.endswith(".*"):
            return None
        return Version(part.version)

    def inside(self, name: NormalizedName, condition: Condition) -> Truth:
        """Whether the version of one package that is there is in the range."""
        version = self.versions.get(name)
        if version is None:
            return self._in_range(name, condition.specifier)
        strict = admits(condition.specifier, version)
        if self.lenient and version.is_prerelease and strict != _ordered(version, condition):
            return Truth.MAYBE
        return Truth.YES if strict else Truth.NO

    def outside(self, name: NormalizedName, condition: Condition) -> Truth:
        """Whether the version of one package that is there is not in the range."""
        if name in self.versions:
            return _OPPOSITE[self.inside(name, condition)]
        return self._in_range(name, condition.specifier, wanted=False)

    def _untold(self) -> Truth:
        return Truth.NO if self.complete else Truth.MAYBE

    def _in_range(
        self, name: NormalizedName, specifier: SpecifierSet, *, wanted: bool = True
    ) -> Truth:
        """Whether the versions of a range are in another, or (not ``wanted``) none of them is."""
        limit, has = version_range(specifier), version_range(self.ranges[name])
        if has.is_subset(limit):
            return Truth.YES if wanted else Truth.NO
        if has.is_disjoint(limit):
            return Truth.NO if wanted else Truth.YES
        newest = self.today.get(name)
        likely = newest is not None and admits(specifier, newest) is wanted
        return Truth.LIKELY if likely else Truth.MAYBE


_OPPOSITE = {Truth.YES: Truth.NO, Truth.MAYBE: Truth.MAYBE, Truth.NO: Truth.YES}


def _ordered(version: Version, condition: Condition) -> bool:
    """Whether a version is in a range where < and > mean the order of versions alone."""

    def holds(part: Specifier) -> bool:
        if part.operator == "<":
            return version < Version(part.version)
        if part.operator == ">":
            return version > Version(part.version)
        return part.contains(version, prereleases=True)

    return all(map(holds, condition.specifier))


def violations(
    rules: Iterable[Rule], packages: Packages, situation: Situation, *, lenient: bool = False
) -> tuple[Violation, ...]:
    """Every rule that ``packages``, as a whole environment, breaks for sure, a line each.

    One for something that is not set has no demand on packages in its case.
    """
    known = Known(situation=situation, versions=packages, complete=True, lenient=lenient)
    return tuple(
        Violation(rule=rule, case=case, packages=seen)
        for rule in rules
        for every in rule.cases
        if known.applies(every) is Truth.YES
        for case, seen in _broken(every, known)
    )


def demanded(
    rules: Iterable[Rule], packages: Packages, situation: Situation
) -> tuple[tuple[str, str, Rule], ...]:
    """What is to be set beside ``packages``: name, value, and the rule that says so first."""
    known = Known(situation=situation, versions=packages, complete=True)
    found = {
        name: (name, value, rule)
        for rule in reversed([*rules])
        for case in rule.cases
        if case.settings and rule.severity is not Severity.DECLARED
        if known.applies(case) is Truth.YES
        for name, value in case.settings.items()
    }
    return tuple(found[name] for name in sorted(found))


def bounding(
    rules: Iterable[Rule], packages: Packages, situation: Situation, name: NormalizedName
) -> Iterator[tuple[Rule, str]]:
    """Yield the rules whose conditions hold and that bound a package, and the bound in words."""
    known = Known(situation=situation, versions=packages, complete=True)
    for rule in rules:
        for case in rule.cases:
            bounds = [
                f"{'not ' if demand is Demand.REFUSE else ''}{each.package} {each.specifier}"
                for demand, each in case.demands
                if name in known.meant(each)
            ]
            if bounds and known.applies(case) is Truth.YES:
                given = " and ".join(in_words(case.when))
                yield rule, f"{', '.join(bounds)}, beside {given}" if given else ", ".join(bounds)


def conditions(case: Case) -> tuple[Condition, ...]:
    """Everything a case says about packages: its conditions and its demands."""
    return (*case.when, *(condition for _, condition in case.demands))


def spoken_of(rules: Iterable[Rule]) -> frozenset[NormalizedName]:
    """Return every package that rules say something about."""
    return frozenset(
        each.package for rule in rules for case in rule.cases for each in conditions(case)
    )


def in_words(conditions: Iterable[Condition]) -> list[str]:
    """Conditions as a reader compares them with what is installed: ``keras >=3``."""
    return [f"{each.package} {each.specifier or 'any'}" for each in conditions]


def _broken(
    case: Case, known: Known
) -> Iterator[tuple[Case, dict[NormalizedName, Version | None]]]:
    """What a case whose conditions hold is broken by: those that meet them, and an offender."""
    seen: dict[NormalizedName, Version | None] = {}
    for each in case.when:
        met = (n for n in known.meant(each) if known.inside(n, each) is Truth.YES)
        name = next(met)
        seen[name] = known.versions[name]
    for demand, condition in case.demands:
        if known.broken(demand, condition) is Truth.YES:
            for name in _offenders(demand, condition, known):
                yield case, {**seen, name: known.versions.get(name)}
    for pair in known.crowd(case):
        yield case, {**seen, **{name: known.versions[name] for name in pair}}
    if known.situation.unset(case) is Truth.YES:
        yield replace(case, demands=(), alone=None), seen


def _offenders(demand: Demand, condition: Condition, known: Known) -> Iterable[NormalizedName]:
    named = known.meant(condition)
    if demand is Demand.INCLUDE:  # one that fits is enough, so one is told
        return named[:1] or (condition.package,)
    offends = known.inside if demand is Demand.REFUSE else known.outside
    return (name for name in named if offends(name, condition) is Truth.YES)
