"""Solved versions → the steps of a plan, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.changes import Plan, Step
from envlock.model import Rule
from envlock.plan.asking import Names, Solved
from envlock.plan.case import Case
from envlock.versions import admits


def plan_of(case: Case, left: Case, solution: Solved, leaving: Names, staying: Names) -> Plan:
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


def _removed(name: NormalizedName, case: Case) -> Step:
    owners = next(each for each in case.owners if name in each.names)
    return Step(
        package=name,
        before=case.packages[name],
        after=None,
        because=owners.because,
        rules=(owners.rule,),
    )


def _owner(name: NormalizedName, case: Case) -> str:
    others = sorted(n for each in case.owners if name in each.names for n in each.names - {name})
    return f"its files were shared with {', '.join(others)}"


class _Reasons:
    """Why each package moves."""

    def __init__(self, case: Case, solution: Solved) -> None:
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
