"""Which remedies cure? What would be there after each is judged by all rules first. Pure.

A remedy that installs something is tried on what is known: the wheels on
record for the Python and system, what an installer brings along by the ranges
that releases declare, and then every rule. One that cannot be installed, that
changes nothing or leaves its own finding is not told. One after which
something else breaks comes after those that end all of it; where no single
one does, the fewest changes that do are told first.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from heapq import heappop, heappush

from msgspec import Struct
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.diagnose.deduced import Edge, conflicts_by_release, newest_in
from envlock.diagnose.offers import brought, extras_of, is_empty, newest_offered, python_for
from envlock.diagnose.rulings import breaks, installs_of, judge
from envlock.findings import CONFLICT, Finding
from envlock.model import Remedy, RemedyKind, Rule, RuleId, Severity
from envlock.rules.check import Known, Truth, spoken_of
from envlock.rules.frameworks import families, framework, framework_of
from envlock.rules.patterns import flexible
from envlock.rules.schema import demands
from envlock.rules.traces import blamed, last_raised, raised
from envlock.versions import admits, is_within, meet, minor_of

_CREATE = "envlock create"
_MOST_TRIED = 40  # sets of changes, of one diagnosis
_OF_FRAMEWORK = 4  # packages that a change of the framework counts as


class _Trial(Struct, frozen=True, kw_only=True):
    """What is known after some changes, the rules that break then, and declared ranges unmet."""

    known: Known
    broken: frozenset[RuleId]
    unmet: int


class Cures:
    """The remedies of one diagnosis, each tried on what is known."""

    def __init__(
        self, known: Known, rules: Iterable[Rule], edges: Sequence[Edge], told: Iterable[str]
    ) -> None:
        """``edges`` are ranges that a text says are declared, ``told`` rules judged elsewhere."""
        aside = {*told}
        self._known = known
        self._edges = edges
        self._rules = {rule.id: rule for rule in rules if rule.id not in aside}
        self._breaking = tuple(
            rule
            for rule in self._rules.values()
            if rule.severity is Severity.BREAKS and any(map(demands, rule.cases))
        )
        self._named = {rule.id: _names(rule) for rule in self._breaking}
        self._tried: dict[str, _Trial | None] = {}

    def checked(self, finding: Finding, text: str) -> Finding:
        """Return a finding with the remedies that cure it, those that end all trouble first."""
        wanted = (each for each in finding.remedies if self._fits(each, text))
        said = (each for one in wanted if (each := filled(one, text)) is not None)
        fitting = [each for one in said if (each := self._served(one)) is not None]
        if finding.id == CONFLICT:
            fitting = [*self._agreed(finding), *fitting]
        clean: list[Remedy] = []
        partly: list[tuple[int, Remedy]] = []
        for remedy in fitting:
            if remedy.kind is not RemedyKind.INSTALL:
                clean.append(remedy)
                continue
            trial = self._try(_wishes(remedy))
            if trial is None:
                clean += self._elsewhere(_wishes(remedy))
                continue
            if self._remains(finding.id, trial):
                continue
            if trial.broken or trial.unmet > self._before.unmet:
                partly.append((len(trial.broken), remedy))
            else:
                clean.append(remedy)
        rest = [each for _, each in sorted(partly, key=lambda each: each[0])]
        first = self._first(finding, clean, fitting, rest)
        return replace(
            finding,
            remedies=_each_once((*first, *clean, *rest)),
            consequences=tuple(self.checked(each, text) for each in finding.consequences),
        )

    def _first(
        self,
        finding: Finding,
        clean: Sequence[Remedy],
        asked: Sequence[Remedy],
        partly: Sequence[Remedy],
    ) -> list[Remedy]:
        """What comes first where the best remedy of a rule is a change of versions."""
        if not asked or asked[0].kind is not RemedyKind.INSTALL:
            return []
        whole = [each for each in clean if each.kind is RemedyKind.INSTALL]
        if whole and self._cost(_wishes(whole[0])) < _OF_FRAMEWORK:
            return whole[:1]
        together = self._together or next(filter(None, map(self._completed, partly[:1])), None)
        if together is not None and self._cures(finding, together):
            whole.append(together)
        if whole:
            return [min(whole, key=lambda each: self._cost(_wishes(each)))]
        return [each for each in clean if each.text.startswith(_CREATE)][:1] or (
            self._anew() if finding.id in self._before.broken else []
        )

    def _completed(self, remedy: Remedy) -> Remedy | None:
        """A remedy with what has to change beside it, so that nothing breaks."""
        return self._search(_wishes(remedy))

    def _cures(self, finding: Finding, remedy: Remedy) -> bool:
        trial = self._try(_wishes(remedy))
        return trial is not None and not self._remains(finding.id, trial)

    def _elsewhere(self, wishes: Mapping[NormalizedName, Requirement]) -> Iterator[Remedy]:
        """The same in a new environment, where another Python has what this one has not."""
        if self._moves(wishes):
            python = python_for(wishes.items(), self._known.situation)
            if python is not None:
                yield _created(wishes.values(), python)

    def _moves(self, wishes: Mapping[NormalizedName, Requirement]) -> bool:
        """Whether something is wished that is not there already."""
        there = self._known.versions
        return not all(
            name in there and admits(each.specifier, there[name]) for name, each in wishes.items()
        )

    def _anew(self) -> list[Remedy]:
        """The release of the framework that is there, in a new environment."""
        for name in framework().members:
            version = self._known.versions.get(name)
            if version is not None:
                wish = Requirement(f"{name}=={minor_of(version)}.*")
                situation = self._known.situation
                offer = newest_offered(name, wish, situation)
                python = offer.minor if offer else python_for([(name, wish)], situation)
                return [_created([wish], python)] if python else []
        return []

    def _served(self, remedy: Remedy) -> Remedy | None:
        """A remedy with the newest Python that has what it asks for; None where none has."""
        if "{python}" not in remedy.text:
            return remedy
        wished = (standards.requirement(each) for each in shlex.split(remedy.text))
        names = {each.name: each for each in wished if each is not None and each.specifier}
        framework_itself = {framework().name: Requirement(framework().name)}
        wishes = {canonicalize_name(n): each for n, each in names.items()} or framework_itself
        python = python_for(wishes.items(), self._known.situation)
        if python is None:
            return None
        return replace(remedy, text=remedy.text.replace("{python}", python))

    def _fits(self, remedy: Remedy, text: str) -> bool:
        """Whether a remedy is for what is there, and for what the text says."""
        if remedy.case is not None and self._known.applies(remedy.case) is Truth.NO:
            return False
        return not (text and remedy.seen) or flexible(remedy.seen).search(text) is not None

    def _agreed(self, finding: Finding) -> Iterator[Remedy]:
        """One range of a package that all who declare one of it admit, where there is one."""
        name = [*finding.packages][-1]
        own = [each.requirement.specifier for each in self._edges if each.name == name]
        together = SpecifierSet()
        for specifier in own:
            together &= specifier
        if len(own) > 1 and meet(together):
            yield Remedy(kind=RemedyKind.INSTALL, text=f"{name}{together}")
        elif len(own) > 1:
            owners = " ".join(
                dict.fromkeys(each.owner for each in self._edges if each.name == name)
            )
            yield Remedy(kind=RemedyKind.COMMAND, text=f"envlock create {owners}")

    @cached_property
    def _before(self) -> _Trial:
        broken = (each.id for each in self._breaking if breaks(each, self._known))
        return _Trial(known=self._known, broken=frozenset(broken), unmet=self._unmet(self._known))

    @cached_property
    def _together(self) -> Remedy | None:
        """The smallest changes after which nothing breaks; None where they are not found."""
        return self._search({})

    def _search(self, start: Mapping[NormalizedName, Requirement]) -> Remedy | None:
        """The smallest changes, with those that it starts from, after which nothing breaks."""
        reached: list[tuple[int, int, Mapping[NormalizedName, Requirement]]] = [(0, 0, start)]
        seen: set[str] = set()
        while reached and len(seen) < _MOST_TRIED:
            _, _, wishes = heappop(reached)
            trial = self._try(wishes) if wishes else self._before
            if trial is None or not trial.broken:
                return _remedy(wishes) if trial and wishes else None
            for each in self._options(trial):
                merged = _merged(wishes, each)
                further = self._try(merged) if merged else None
                key = _key(merged or {})
                if merged and further and key not in seen:
                    seen.add(key)
                    remaining = self._cost(merged) + len(further.broken)
                    heappush(reached, (remaining, len(seen), merged))
        return None

    def _cost(self, wishes: Mapping[NormalizedName, Requirement]) -> int:
        """How much is changed: a framework that is there counts as several packages."""
        return sum(
            _OF_FRAMEWORK if name in self._known.versions and framework_of(name) else 1
            for name in wishes
        )

    def _options(self, trial: _Trial) -> Iterator[Remedy]:
        """The changes of versions that end one thing that breaks."""
        for name in sorted(trial.broken):
            rule = self._rules[name]
            yield from installs_of(rule, judge(rule, trial.known), trial.known)

    def _remains(self, name: str, trial: _Trial) -> bool:
        """Whether what a finding says is still so."""
        rule = self._rules.get(RuleId(name))
        if rule is None or not any(map(demands, rule.cases)):
            return False
        return breaks(rule, trial.known)

    def _try(self, wishes: Mapping[NormalizedName, Requirement]) -> _Trial | None:
        key = _key(wishes)
        if key not in self._tried:
            after = _after(self._known, wishes)
            self._tried[key] = None if after is None else self._trial(after)
        return self._tried[key]

    def _trial(self, known: Known) -> _Trial:
        """Judge anew what speaks of a package that was changed; the rest is as it was."""
        moved = _moved(self._known, known)
        broken = {
            each.id
            for each in self._breaking
            if (
                each.id in self._before.broken
                if moved.isdisjoint(self._named[each.id])
                else breaks(each, known)
            )
        }
        return _Trial(known=known, broken=frozenset(broken), unmet=self._unmet(known))

    def _unmet(self, known: Known) -> int:
        """How many declared ranges are not met, of releases on record and of a text."""
        told = sum(
            known.versions.get(each.owner) == each.version and not _meets(each.requirement, known)
            for each in self._edges
        )
        return told + len(conflicts_by_release(known))


def _names(rule: Rule) -> frozenset[NormalizedName]:
    """Every distribution that a rule speaks of."""
    alone = {case.alone for case in rule.cases if case.alone is not None}
    named = alone | spoken_of([rule])
    return frozenset(member for name in named for member in families().members(name))


def _moved(before: Known, after: Known) -> set[NormalizedName]:
    names = before.versions.keys() | after.versions.keys()
    names |= before.ranges.keys() | after.ranges.keys()
    return {
        name
        for name in names
        if before.versions.get(name) != after.versions.get(name)
        or before.ranges.get(name) != after.ranges.get(name)
    }


def filled(remedy: Remedy, text: str) -> Remedy | None:
    """Return a remedy with what the text tells; None where it does not tell it.

    ``{package}`` is the one whose code raised, ``{seen}`` what the pattern has in parentheses.
    """
    told = remedy.text
    if "{package}" in told:
        last = last_raised(raised(text))
        blame = None if last is None else blamed(last)
        if blame is None or blame.distribution is None:
            return None
        told = told.replace("{package}", blame.distribution)
    if "{seen}" in told:
        found = flexible(remedy.seen).search(text)
        if found is None:
            return None
        told = told.replace("{seen}", found[1])
    return remedy if told is remedy.text else replace(remedy, text=told)


def _meets(requirement: Requirement, known: Known) -> bool:
    name = canonicalize_name(requirement.name)
    if name in known.versions:
        return admits(requirement.specifier, known.versions[name])
    return name not in known.ranges or meet(known.ranges[name], requirement.specifier)


def _key(wishes: Mapping[NormalizedName, Requirement]) -> str:
    return " ".join(sorted(map(str, wishes.values())))


def _each_once(remedies: Iterable[Remedy]) -> tuple[Remedy, ...]:
    return tuple({(each.kind, each.text): each for each in remedies}.values())


def _wishes(remedy: Remedy) -> dict[NormalizedName, Requirement]:
    found = (standards.requirement(each) for each in remedy.text.split())
    return {canonicalize_name(each.name): each for each in found if each is not None}


def _remedy(wishes: Mapping[NormalizedName, Requirement]) -> Remedy:
    return Remedy(kind=RemedyKind.INSTALL, text=" ".join(map(_said, wishes.values())))


def _said(wish: Requirement) -> str:
    """A requirement with the lower bound first."""
    extras = f"[{','.join(sorted(wish.extras))}]" if wish.extras else ""
    bounds = sorted(map(str, wish.specifier), key=lambda each: (each[0] == "<", each))
    return f"{wish.name}{extras}{','.join(bounds)}"


def _created(wishes: Iterable[Requirement], python: str) -> Remedy:
    words = shlex.join(map(str, wishes))
    return Remedy(kind=RemedyKind.COMMAND, text=f"{_CREATE} {words} --python {python}")


def _merged(
    wishes: Mapping[NormalizedName, Requirement], remedy: Remedy
) -> dict[NormalizedName, Requirement] | None:
    """Changes with one more remedy among them; None where they contradict each other."""
    found = dict(wishes)
    for name, each in _wishes(remedy).items():
        own = found.get(name)
        if own is None or is_within(each.specifier, own.specifier):
            found[name] = each
        elif not meet(own.specifier, each.specifier):
            return None
        elif not is_within(own.specifier, each.specifier):
            extras = f"[{','.join(sorted(each.extras))}]" if each.extras else ""
            found[name] = Requirement(f"{name}{extras}{own.specifier & each.specifier}")
    return found


class _Set:
    """What is known, while it is changed."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.versions = dict(known.versions)
        self.ranges = dict(known.ranges)
        self._today = dict(known.today)

    def put(self, name: NormalizedName, specifier: SpecifierSet, version: Version | None) -> None:
        """Have one version of a package, or some one of a range."""
        for each in (self.versions, self.ranges, self._today):
            each.pop(name, None)
        if version is not None:
            self.versions[name] = version
        else:
            self.ranges[name] = specifier
            self._today[name] = newest_in(specifier)

    def drop_empty(self, family: NormalizedName) -> None:
        """Leave out releases of a family that have no file, so that nothing of them was there."""
        for name in families().members(family):
            if name in self.versions and is_empty(name, self.versions[name]):
                del self.versions[name]

    def refuses(self, name: NormalizedName, specifier: SpecifierSet) -> bool:
        """Whether what is there of a package is outside of a range."""
        own = self.versions.get(name)
        if own is not None:
            return not admits(specifier, own)
        return name in self.ranges and not meet(self.ranges[name], specifier)

    def known(self) -> Known:
        """Return what is known now."""
        return replace(self._known, versions=self.versions, ranges=self.ranges, today=self._today)


def _after(known: Known, wishes: Mapping[NormalizedName, Requirement]) -> Known | None:
    """What is known once an installer did what is wished; None where it cannot, or does nothing."""
    after = _Set(known)
    moved = False
    for name, wish in wishes.items():
        there = after.versions.get(name)
        if there is not None and admits(wish.specifier, there):
            if wish.extras and not wish.extras <= extras_of(name, there):
                return None
            moved = moved or bool(wish.extras)
            continue
        offer = newest_offered(name, wish, known.situation)
        if offer is None:
            return None
        moved = True
        after.put(name, wish.specifier, offer.version)
        after.drop_empty(families().family_of(name) or name)
        for other, specifier in brought(name, offer, known.situation).items():
            if other not in wishes and after.refuses(other, specifier):
                after.put(other, specifier, None)
    return after.known() if moved else None
