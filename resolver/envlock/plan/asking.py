"""What the engine is asked for a plan, and why each step of its answer is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.changes import Plan, Step
from envlock.engine import Problem
from envlock.model import Constraint, LockedPackage, Rule, Severity, Violation
from envlock.plan.case import Complaint
from envlock.resolve import Tools
from envlock.resolve.settle import Budget, Rejected, Settlement, settle
from envlock.rules.check import violations
from envlock.rules.frameworks import families
from envlock.rules.select import select
from envlock.targets.tags import fits
from envlock.versions import admits, pin

_SOLVES = 24  # of all questions about one case

_FURTHER = 2  # minors beyond the nearest that are tried

Names = frozenset[NormalizedName]


class Solved(Struct, frozen=True, kw_only=True):
    """Versions that obey the rules, and the bounds that led there."""

    solved: Mapping[NormalizedName, LockedPackage]
    constraints: tuple[Constraint, ...]

    def beyond(self, case: Complaint) -> Iterator[Constraint]:
        """Yield bounds above the minors of the packages that went up for a rule."""
        ruled = {each.package for each in self.constraints if each.rules}
        for name in sorted(ruled & self.solved.keys() & case.packages.keys()):
            version = self.solved[name].version
            if version > case.packages[name]:
                bound = SpecifierSet(f">={version.major}.{version.minor + 1}")
                yield Constraint(package=name, specifier=bound, rules=())


class Unsolved(Struct, frozen=True, kw_only=True):
    """Nothing fits; ``text`` is what the engine said, or the rules that nobody is free to meet."""

    text: str


class Asking(Struct, frozen=True, kw_only=True):
    """A case and who answers questions about it."""

    case: Complaint
    tools: Tools
    budget: Budget = field(default_factory=lambda: Budget(left=_SOLVES))

    def ask(
        self,
        free: Names,
        framework: Version | None = None,
        beyond: tuple[Constraint, ...] = (),
    ) -> Solved | Unsolved:
        """Solve with ``free`` packages in any version, the framework in the given one.

        A package that must go up goes to the nearest minor that will do, within
        the bounds ``beyond`` what rules ask.

        Raises:
            WorkError: the index or the engine failed.
        """
        case = self.case
        known = {name: pin(v) for name, v in case.packages.items() if name not in free}
        if framework is not None and case.framework is not None:
            known[case.framework] = pin(framework)
        selection = select(case.rules, known, case.situation)
        wanted = {violation.rule.id for violation in case.broken}
        if hopeless := [r for r in selection.broken if r.id in wanted or framework is not None]:
            return Unsolved(text="; ".join(rule.because for rule in hopeless))
        cured = self._settle(free, known, (*selection.constraints, *beyond))
        if isinstance(cured, Solved) and (bounds := self._nearer(cured)):
            nearer = self._settle(free, known, (*cured.constraints, *bounds))
            return nearer if isinstance(nearer, Solved) else cured
        return cured

    def further(self, free: Names, cured: Solved) -> Iterator[Solved]:
        """Yield cures with the next minors, for packages that had to go up.

        Raises:
            WorkError: the index or the engine failed.
        """
        answer: Solved | Unsolved = cured
        for _ in range(_FURTHER):
            beyond = tuple(answer.beyond(self.case)) if isinstance(answer, Solved) else ()
            if not beyond:
                return
            answer = self.ask(free, beyond=beyond)
            if isinstance(answer, Solved):
                yield answer

    def _settle(
        self,
        free: Names,
        known: Mapping[NormalizedName, SpecifierSet],
        constraints: tuple[Constraint, ...],
    ) -> Solved | Unsolved:
        if self.budget.left <= 0:
            return Unsolved(text="")
        found = settle(self._task(free, known), constraints, self.tools, self.budget)
        if isinstance(found, Rejected):
            return Unsolved(text=found.text)
        solved = {package.name: package for package in found.packages}
        return Solved(solved=solved, constraints=found.constraints)

    def _task(self, free: Names, known: Mapping[NormalizedName, SpecifierSet]) -> Settlement:
        """A plan as the loop has it: what stays is kept, and no bound may be put on it."""
        case = self.case
        return Settlement(
            name=_named(free),
            target=case.target,
            problem=lambda constraints: self._problem(free, known, constraints),
            broken=self._broken,
            allowed=lambda bound: bound.package not in known,
            kept=case.packages,
            situation=case.situation,
        )

    def _broken(self, pins: Mapping[NormalizedName, Version]) -> tuple[Violation, ...]:
        """The rules that a plan has to meet: those of the findings, and those that it breaks."""
        case = self.case
        before = violations(case.rules, case.packages, case.situation)
        wanted = {violation.rule.id for violation in case.broken}
        left = {each.rule.id for each in before} - wanted
        return tuple(
            each
            for each in violations(case.rules, pins, case.situation)
            if _curable(each) and each.rule.id not in left
        )

    def _nearer(self, cured: Solved) -> tuple[Constraint, ...]:
        """Bounds to the nearest minor, for packages that were taken further up than rules ask."""
        found = []
        for name, package in cured.solved.items():
            rules = [each for each in cured.constraints if each.package == name]
            before = self.case.packages.get(name)
            if rules and before is not None and package.version > before:
                versions = [
                    version
                    for version, files in self.tools.releases(name).items()
                    if before < version <= package.version
                    and not version.is_prerelease
                    and all(admits(each.specifier, version) for each in rules)
                    and any(fits(f, self.case.target) and f.yanked is None for f in files)
                ]
                least = min(versions, default=package.version).release[:2]
                nearest = max((v for v in versions if v.release[:2] == least), default=None)
                if nearest is not None and nearest != package.version:
                    found.append(Constraint(package=name, specifier=pin(nearest), rules=()))
        return tuple(found)

    def _problem(
        self,
        free: Names,
        known: Mapping[NormalizedName, SpecifierSet],
        constraints: Iterable[Constraint],
    ) -> Problem:
        case = self.case
        constraints = tuple(constraints)
        bare = (name for name in free if name in case.packages and name not in known)
        asked = [f"{name}{case.extras.get(name, '')}" for name in bare]
        named = (name for name in known if case.listed or name in free)
        asked += [f"{name}{case.extras.get(name, '')}{known[name]}" for name in named]
        asked += [f"{each.package}{each.specifier}" for each in constraints if each.include]
        asked += [str(each) for each in (*case.missing, *case.loose)]
        bounds = [f"{name}{specifier}" for name, specifier in known.items()]
        bounds += case.bounds_on(free)
        bounds += [f"{each.package}{each.specifier}" for each in constraints if not each.include]
        return Problem(
            requirements=tuple(sorted(set(asked))),
            constraints=tuple(sorted(set(bounds))),
            target=case.target,
            settings=case.settings,
            preferences=case.packages,
            wheels_only=families().wheels_only,
            builds=not case.listed,
            without=case.unread,
        )


def _curable(violation: Violation) -> bool:
    return violation.rule.severity is Severity.BREAKS and bool(violation.case.demands)


def _named(free: Names) -> str:
    return ", ".join(sorted(free)) or "what is missing"


def plan_of(
    case: Complaint, left: Complaint, solution: Solved, leaving: Names, staying: Names
) -> Plan:
    """The steps from ``case`` to the solution of ``left``, the case without ``leaving``."""
    reasons = _Reasons(left, solution)
    removed = [_removed(name, case) for name in sorted(leaving)]
    moved = [
        reasons.step(name, case.packages.get(name), package.version)
        for name, package in sorted(solution.solved.items())
        if case.packages.get(name) != package.version
        and not (case.listed and name not in case.packages and name not in reasons.included)
    ]
    again = {**{name: _owner(name, case) for name in staying}, **case.reinstall}
    done = {step.package for step in moved} | leaving
    reinstalled = [
        Step(
            package=name,
            before=case.packages[name],
            after=case.packages[name],
            because=because,
        )
        for name, because in sorted(again.items())
        if name in case.packages and name not in done
    ]
    return Plan(steps=(*removed, *sorted((*moved, *reinstalled), key=lambda step: step.package)))


def _removed(name: NormalizedName, case: Complaint) -> Step:
    owners = next(each for each in case.owners if name in each.names)
    return Step(
        package=name,
        before=case.packages[name],
        after=None,
        because=owners.because,
        rules=(owners.rule,),
    )


def _owner(name: NormalizedName, case: Complaint) -> str:
    others = sorted(n for each in case.owners if name in each.names for n in each.names - {name})
    return f"its files were shared with {', '.join(others)}"


class _Reasons:
    """Why each package moves."""

    def __init__(self, case: Complaint, solution: Solved) -> None:
        self._case = case
        self._solution = solution
        self._rules: dict[str, Rule] = {rule.id: rule for rule in case.rules}
        self.included = {each.package for each in solution.constraints if each.include}
        self.included |= {canonicalize_name(each.name) for each in case.missing}
        self._driven = {
            name: rules
            for name, package in solution.solved.items()
            if case.packages.get(name) != package.version
            and (rules := tuple(self._of(name, case.packages.get(name))))
        }

    def step(self, name: NormalizedName, before: Version | None, after: Version) -> Step:
        """The step of one package that moves."""
        rules = self._driven.get(name, ())
        return Step(
            package=name,
            before=before,
            after=after,
            because=" ".join(rule.because for rule in rules) or self._follows(name),
            rules=tuple(rule.id for rule in rules),
        )

    def _of(self, name: NormalizedName, before: Version | None) -> Iterator[Rule]:
        """The rules that the version there now does not meet, those that were found first."""
        ids: dict[str, None] = {}
        for violation in self._case.broken:
            if name in violation.packages:
                ids[violation.rule.id] = None
        if not ids or before is None:
            for bound in self._solution.constraints:
                if bound.package == name and (
                    before is None or not admits(bound.specifier, before)
                ):
                    ids.update(dict.fromkeys(bound.rules))
        yield from (self._rules[each] for each in ids if each in self._rules)

    def _follows(self, name: NormalizedName) -> str:
        told = (
            why for need, why in self._case.missing.items() if canonicalize_name(need.name) == name
        )
        if because := next(told, ""):
            return because
        via = [canonicalize_name(each) for each in self._solution.solved[name].via]
        moved = self._moved()
        leaders = [each for each in via if each in moved] or self._near(name, moved)
        return f"because {_several(leaders or sorted(self._driven) or sorted(moved))} moves"

    def _moved(self) -> Mapping[NormalizedName, None]:
        solved, packages = self._solution.solved, self._case.packages
        return {name: None for name in sorted(solved) if packages.get(name) != solved[name].version}

    def _near(self, name: NormalizedName, moved: Iterable[NormalizedName]) -> list[NormalizedName]:
        """The moved packages that declare something about this one, or it about them."""
        needs = self._case.requires

        def asks(one: NormalizedName, other: NormalizedName) -> bool:
            return any(canonicalize_name(need.name) == other for need in needs.get(one, ()))

        return [each for each in moved if each != name and (asks(each, name) or asks(name, each))]


def _several(names: Iterable[NormalizedName]) -> str:
    listed = list(dict.fromkeys(names))[:3]
    return " and ".join(listed)
