"""The loop around an engine: how often it asks, what it adds, what it gives up, in which order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from envlock.progress import Silent
from envlock.resolve.feasible import Infeasible
from envlock.resolve.loop import BudgetExhausted, candidates_for, search
from envlock.resolve.question import Listed, Pins, Question, Tools
from envlock.resolve.settle import Rejected
from support.rules import packages, rule
from support.scripted import Pages, Scripted, question, wheels


def run(asked: Question, engine: Scripted, pages: Pages | None = None, **more: Any) -> Any:
    listed = {"tensorflow": wheels("tensorflow", "2.3 2.2 2.1 2.0"), **(pages or {})}
    tools = Tools(
        engine=engine,
        releases=lambda name: listed.get(name, wheels(name, "1.0 2.0")),
        progress=Silent(),
        **more,
    )
    return search(asked, candidates_for(asked, tools), tools)


def test_the_first_release_that_is_settled_ends_the_search() -> None:
    engine = Scripted(lambda *_: {"alpha": "1.0"})
    settled, tried = run(question("tensorflow", "alpha"), engine)
    assert str(settled.candidate) == "tensorflow==2.3"
    assert (tried, engine.asked) == ((), ["2.3"])


def test_a_release_that_rules_refuse_costs_no_solve() -> None:
    late = rule(when={"tensorflow": ">=2.2"}, require={"alpha": "<1"})
    engine = Scripted(lambda *_: {"alpha": "1.0"})
    settled, tried = run(question("tensorflow", "alpha>=1", rules=[late]), engine)
    assert str(settled.candidate) == "tensorflow==2.1"
    assert [type(each) for each in tried] == [Infeasible, Infeasible]
    assert engine.asked == ["2.1"]


def test_what_a_lock_breaks_becomes_a_bound_until_nothing_is_broken() -> None:
    pair = rule(when={"alpha": ">=2"}, require={"beta": "<2"})
    engine = Scripted(
        lambda _, bounds: {"alpha": "2.0", "beta": "1.0" if "beta<2" in bounds else "2.0"}
    )
    settled, _ = run(question("tensorflow", "alpha", rules=[pair]), engine)
    assert engine.asked == ["2.3", "2.3 beta<2"]
    assert [(c.package, c.rules) for c in settled.constraints] == [("beta", (pair.id,))]


def test_soft_bounds_are_given_up_together_and_once() -> None:
    noisy = rule("noisy", severity="degrades", when={"tensorflow": ""}, require={"beta": "<2"})
    hard = rule("hard", when={"tensorflow": ""}, require={"gamma": "<2"})
    engine = Scripted(
        lambda _, bounds: "no" if "beta<2" in bounds else {"beta": "2.0", "gamma": "1.0"}
    )
    settled, _ = run(question("tensorflow", rules=[noisy, hard]), engine)
    assert engine.asked == ["2.3 beta<2 gamma<2", "2.3 gamma<2"]
    assert [violation.rule.id for violation in settled.given_up] == ["noisy"]


def test_a_refusal_is_followed_by_the_advice_of_the_request_as_it_stands() -> None:
    engine = Scripted(
        lambda exact, _: {"tensorflow": "2.1"} if exact in {"", "2.1"} else f"not {exact}"
    )
    settled, tried = run(question("tensorflow", "alpha"), engine)
    assert str(settled.candidate) == "tensorflow==2.1"
    assert [each.text for each in tried] == ["not 2.3"]
    assert engine.asked == ["2.3", "", "2.1"]


def test_a_request_that_contradicts_itself_is_not_tried_with_every_release() -> None:
    engine = Scripted(lambda *_: "alpha against beta")
    settled, tried = run(question("tensorflow", "alpha", "beta"), engine)
    assert settled is None
    assert tried == (Rejected(candidate=None, text="alpha against beta"),)
    assert engine.asked == ["2.3", ""]


def test_another_owner_of_the_files_ends_the_search_with_that_distribution() -> None:
    alone = rule(alone="tensorflow")
    engine = Scripted(lambda *_: {"tensorflow-cpu": "2.2"})
    settled, tried = run(question("tensorflow", "alpha", rules=[alone]), engine)
    assert settled is None
    assert [violation.rule.id for each in tried for violation in each.broken] == [alone.id]
    assert engine.asked == ["2.3"]


def test_the_search_ends_when_its_solves_are_spent_and_says_what_is_left() -> None:
    engine = Scripted(lambda exact, _: f"not {exact}" if exact else {})
    many = wheels("tensorflow", " ".join(f"2.{minor}" for minor in range(30)))
    settled, tried = run(question("tensorflow"), engine, {"tensorflow": many})
    assert settled is None
    assert len(engine.asked) == 16
    spent = tried[-1]
    assert isinstance(spent, BudgetExhausted)
    assert (spent.solves, len(spent.untried), str(spent.untried[0])) == (16, 15, "tensorflow==2.15")


def test_a_release_that_never_comes_to_rest_is_given_up_after_six_rounds() -> None:
    pairs = [
        rule(f"pair-{n}", when={"beta": f"=={n}"}, refuse={"alpha": f"=={n}"}) for n in range(9)
    ]
    engine = Scripted(lambda _, bounds: dict.fromkeys(("alpha", "beta"), str(len(bounds))))
    settled, tried = run(question("tensorflow==2.3", rules=pairs), engine)
    assert settled is None
    assert len(engine.asked) == 6
    assert [violation.rule.id for violation in tried[0].broken] == ["pair-5"]


def test_the_framework_of_an_existing_lock_is_tried_first() -> None:
    engine = Scripted(lambda *_: {})
    kept = packages(tensorflow_cpu="2.1")
    settled, _ = run(question("tensorflow", preferences=kept), engine)
    assert str(settled.candidate) == "tensorflow==2.1"


def test_a_pin_that_is_too_new_or_for_another_python_goes_back_to_one_that_fits() -> None:
    old, new = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    admitted = {
        "tensorflow": wheels("tensorflow", "2.3", upload_time=old),
        "alpha": wheels("alpha", "1.0 1.1", upload_time=old),
        "beta": {
            **wheels("beta", "3.0", upload_time=old, requires_python="<3.8"),
            **wheels("beta", "2.0rc1 1.0", upload_time=old),
        },
        "gamma": {},
    }
    late = {name: wheels(name, "1.0 2.0", upload_time=new) for name in ("alpha", "gamma")}

    def pinned(pins: Pins) -> Listed:
        pages = {name: {**late.get(name, {}), **admitted[name]} for name in pins}
        return {name: pages[name][version] for name, version in pins.items()}

    def script(_: str, bounds: set[str]) -> dict[str, str]:
        if bounds:
            return {"alpha": "1.1", "beta": "1.0"}
        return {"alpha": "2.0", "beta": "3.0", "gamma": "1.0"}

    engine = Scripted(script)
    asked = question("tensorflow", exclude_newer=datetime(2021, 1, 1, tzinfo=UTC))
    settled, _ = run(asked, engine, admitted, pinned=pinned)
    assert engine.asked == ["2.3", "2.3 alpha<=1.1 beta<=1.0 gamma<1.0"]
    assert {p.name: str(p.version) for p in settled.packages} == {
        "tensorflow": "2.3",
        "alpha": "1.1",
        "beta": "1.0",
    }
