"""A broken rule becomes a bound on what may move."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.version import Version

from envlock.model import Constraint, DistributionFile, Rule
from envlock.resolve.settle import bounds_for
from envlock.rules.check import violations
from support.rules import SITUATION, packages, rule


def bounds(
    given: Rule, pins: str, *, fixed: Iterable[str] = (), there: str = "1.0 2.0 3.0"
) -> list[str]:
    known = packages(**dict(pin.split() for pin in pins.split(", ")))
    (violation,) = violations([given], known, SITUATION)

    def allowed(constraint: Constraint) -> bool:
        return constraint.package not in fixed

    listed: dict[Version, tuple[DistributionFile, ...]] = {Version(v): () for v in there.split()}
    found = bounds_for(violation, known, SITUATION, allowed, lambda _: listed)
    assert all(constraint.rules == (given.id,) for constraint in found)
    return [f"{'+' if c.include else ''}{c.package}{c.specifier}" for c in found]


PAIR = rule(when={"alpha": ">=2"}, require={"beta": "<5"})


def test_what_the_rule_demands_moves_first() -> None:
    assert bounds(PAIR, "alpha 2.0, beta 5.0") == ["beta<5"]


def test_where_that_may_not_move_a_condition_does() -> None:
    assert bounds(PAIR, "alpha 2.0, beta 5.0", fixed=["beta"]) == ["alpha<2"]


def test_where_nothing_may_move_there_is_no_bound() -> None:
    assert bounds(PAIR, "alpha 2.0, beta 5.0", fixed=["alpha", "beta"]) == []


def test_a_range_without_an_opposite_is_spelled_out_version_by_version() -> None:
    window = rule(when={"alpha": ">=2,<4"}, require={"beta": "<5"})
    assert bounds(window, "alpha 2.0, beta 5.0", fixed=["beta"]) == ["alpha!=2.0,!=3.0"]
    refusal = rule(when={"beta": ">=5"}, refuse={"alpha": ">=2,<4"})
    assert bounds(refusal, "alpha 2.0, beta 5.0") == ["alpha!=2.0,!=3.0"]


def test_a_range_that_leaves_no_release_is_not_spelled_out() -> None:
    window = rule(when={"alpha": ">=1,<4"}, require={"beta": "<5"})
    assert bounds(window, "alpha 2.0, beta 5.0", fixed=["beta"]) == []


def test_a_demand_that_may_not_be_met_is_never_turned_round() -> None:
    window = rule(when={"alpha": ">=1,<4"}, require={"beta": ">=2,<5"})
    assert bounds(window, "alpha 2.0, beta 5.0", fixed=["alpha", "beta"], there="2 3 5") == []


def test_a_package_that_is_missing_or_unfit_is_asked_for() -> None:
    need = rule(when={"alpha": ""}, include={"beta": "<5"})
    assert bounds(need, "alpha 2.0") == ["+beta<5"]
    assert bounds(need, "alpha 2.0, beta 5.0") == ["+beta<5"]


def test_a_package_that_may_not_come_moves_the_condition() -> None:
    need = rule(when={"alpha": ">=2"}, include={"beta": "<5"})
    assert bounds(need, "alpha 2.0, beta 5.0", fixed=["beta"]) == ["alpha!=2.0,!=3.0"]


def test_two_owners_go_together_in_one_version() -> None:
    owners = rule(alone="tensorflow")
    assert bounds(owners, "tensorflow 2.0, tf_nightly 2.1") == ["tf-nightly==2.0"]
