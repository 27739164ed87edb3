"""Whether a release can meet the requirements, told before any engine runs."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from envlock.model import Rule
from envlock.resolve.feasible import Collision, Feasible, Infeasible, judge
from envlock.versions import meet
from support.rules import TARGET, anchor, requirement, requirements, rule

H5PY = rule("h5py", when={"tensorflow": "<2.5"}, require={"h5py": "<3"})
NOISY = rule("noisy", severity="degrades", when={"tensorflow": "<2.5"}, require={"alpha": "<3"})


def verdict(given: Rule, *words: str, version: str = "2.4.4") -> Feasible | Infeasible:
    return judge(anchor(version), requirements(*words), [given], TARGET)


def test_a_release_that_meets_everything_comes_with_its_constraints() -> None:
    found = verdict(H5PY, "tensorflow", "numpy")
    assert isinstance(found, Feasible)
    assert [(c.package, str(c.specifier), c.rules) for c in found.constraints] == [
        ("h5py", "<3", ("h5py",))
    ]


def test_a_wish_that_a_rule_refuses_makes_the_release_infeasible() -> None:
    assert verdict(H5PY, "tensorflow", "h5py>=3") == Infeasible(
        candidate=anchor("2.4.4"), broken=(H5PY,)
    )


def test_a_wish_against_a_package_that_must_be_there_is_a_collision() -> None:
    needed = rule(when={"tensorflow": "<2.5"}, include={"alpha": "<2"})
    assert verdict(needed, "tensorflow", "alpha>=2") == Infeasible(
        candidate=anchor("2.4.4"),
        collision=Collision(
            requirement=requirement("alpha>=2"), bound=SpecifierSet("<2"), rules=(needed.id,)
        ),
    )


def test_a_wish_against_what_the_release_declares_is_a_collision_without_a_rule() -> None:
    found = verdict(H5PY, "tensorflow", "keras>=3", version="2.15.1")
    assert found == Infeasible(
        candidate=anchor("2.15.1"),
        collision=Collision(
            requirement=requirement("keras>=3"), bound=SpecifierSet(">=2.15.0,<2.16")
        ),
    )


@pytest.mark.parametrize("words", [("alpha>=3",), ("alpha==3.1",)])
def test_a_soft_rule_gives_way_to_a_wish_at_once(words: tuple[str, ...]) -> None:
    assert verdict(NOISY, "tensorflow", *words) == Feasible(constraints=())


def test_a_soft_rule_gives_way_to_what_the_release_declares() -> None:
    old_absl = rule(severity="degrades", when={"tensorflow": ">=2.20"}, require={"absl-py": "<1"})
    assert verdict(old_absl, "tensorflow", version="2.20.0") == Feasible(constraints=())


def test_the_anchor_stands_for_the_wish_it_answers_and_for_no_other() -> None:
    alone = rule("alone", alone="tensorflow")
    assert isinstance(verdict(alone, "tensorflow"), Feasible)
    cpu = judge(anchor("2.4.4", "tensorflow-cpu"), requirements("tensorflow"), [alone], TARGET)
    assert isinstance(cpu, Feasible)
    assert verdict(alone, "tensorflow", "tensorflow-cpu") == Infeasible(
        candidate=anchor("2.4.4"), broken=(alone,)
    )


def test_without_a_framework_the_wishes_speak_for_themselves() -> None:
    pair = rule(when={"keras": "<2.4"}, require={"h5py": "<3"})
    found: Any = judge(None, requirements("keras==2.3.1"), [pair], TARGET)
    assert [str(c.specifier) for c in found.constraints] == ["<3"]


@pytest.mark.parametrize(
    ("ranges", "possible"),
    [
        (("<2", ">=1"), True),
        (("<2", ">=2"), False),
        (("<2", ">=1", "!=1.*"), False),
        (("==1.5", "!=1.5"), False),
        ((), True),
    ],
)
def test_ranges_meet_where_some_version_is_in_all(
    *, ranges: tuple[str, ...], possible: bool
) -> None:
    assert meet(*map(SpecifierSet, ranges)) is possible


def test_what_comes_with_a_release_bounds_its_neighbours_before_anything_is_solved() -> None:
    # TensorFlow 2.15.1 declares tensorboard>=2.15,<2.16.
    old = rule("old", when={"tensorboard": "<2.16"}, require={"alpha": "<2"})
    new = rule("new", when={"tensorboard": ">=2.16"}, require={"beta": "<2"})
    for given, expected in ((old, [("alpha", "<2")]), (new, [])):
        found = verdict(given, "tensorflow", version="2.15.1")
        assert isinstance(found, Feasible)
        assert [
            (c.package, str(c.specifier)) for c in found.constraints if c.package != "tensorboard"
        ] == expected
