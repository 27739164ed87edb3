"""What rules mean once some versions are known: each side of a rule, each demand, each severity."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envlock.model import Rule
from envlock.rules.select import Consequences, select
from envlock.versions import complement
from support.rules import SITUATION, rule


def selected(rules: Rule | list[Rule], **known: str) -> Consequences:
    ranges = {canonicalize_name(name): SpecifierSet(text) for name, text in known.items()}
    return select(rules if isinstance(rules, list) else [rules], ranges, SITUATION)


def bounds(selection: Consequences) -> list[str]:
    return [
        f"{'+' if c.include else ''}{c.package}{c.specifier}{'?' if c.soft else ''}"
        for c in selection.constraints
    ]


REQUIRE = rule(when={"tensorflow": "<2.5"}, require={"h5py": "<3"})
REFUSE = rule(when={"tensorflow": ">=2.16"}, refuse={"keras": "<3"})
INCLUDE = rule(when={"tensorflow-hub": ">=0.13"}, include={"setuptools": "<82"})


@pytest.mark.parametrize(
    ("given", "known", "expected"),
    [
        (REQUIRE, {"tensorflow": "==2.4.4"}, ["h5py<3"]),
        (REQUIRE, {"tensorflow": "==2.5.0"}, []),
        (REQUIRE, {"tensorflow": "<2.4"}, ["h5py<3"]),
        (REQUIRE, {"tensorflow": "<2.6"}, []),
        (REQUIRE, {"numpy": "<2"}, []),
        (REFUSE, {"tensorflow": "==2.16.1"}, ["keras>=3", "keras-nightly>=3"]),
        (INCLUDE, {"tensorflow-hub": "==0.16.1"}, ["+setuptools<82"]),
        (INCLUDE, {"setuptools": "==84"}, []),
    ],
)
def test_a_condition_that_is_known_to_hold_makes_its_demand_a_bound(
    given: Rule, known: dict[str, str], expected: list[str]
) -> None:
    assert bounds(selected(given, **known)) == expected


def test_what_is_known_of_the_demand_bounds_the_condition_in_every_member_of_its_family() -> None:
    found = bounds(selected(REQUIRE, h5py=">=3"))
    assert "tensorflow>=2.5" in found
    assert "tensorflow-cpu>=2.5" in found
    assert all(text.endswith(">=2.5") for text in found)


def test_a_member_stands_for_its_family() -> None:
    assert bounds(selected(REQUIRE, **{"tensorflow-cpu": "==2.4.4"})) == ["h5py<3"]


def test_a_name_that_is_no_familys_means_that_distribution_alone() -> None:
    only_gpu = rule(when={"tensorflow-gpu": ">=2.12"}, require={"alpha": "<1"})
    assert bounds(selected(only_gpu, tensorflow="==2.12.0")) == []
    assert bounds(selected(only_gpu, **{"tensorflow-gpu": "==2.12.0"})) == ["alpha<1"]


def test_a_rule_that_is_broken_by_what_is_known_is_told_once() -> None:
    both = rule(
        "both",
        cases=[
            {"when": {"tensorflow": "<2.5"}, "require": {"h5py": "<3"}},
            {"when": {"tensorflow": "<2.6"}, "require": {"h5py": "<3"}},
        ],
    )
    found = selected([REQUIRE, both], tensorflow="==2.4.4", h5py=">=3")
    assert [broken.id for broken in found.broken] == ["a-rule", "both"]
    assert found.constraints == ()


@pytest.mark.parametrize(
    ("severity", "expected", "broken"),
    [("breaks", ["h5py<3"], 1), ("degrades", ["h5py<3?"], 0), ("declared", [], 0)],
)
def test_severity_decides_how_hard_a_bound_is(
    severity: str, expected: list[str], broken: int
) -> None:
    given = rule(severity=severity, when={"tensorflow": "<2.5"}, require={"h5py": "<3"})
    assert bounds(selected(given, tensorflow="==2.4.4")) == expected
    assert len(selected(given, tensorflow="==2.4.4", h5py="==3").broken) == broken
    assert selected(given, tensorflow="==2.4.4").hard() == (
        selected(given, tensorflow="==2.4.4").constraints if broken else ()
    )


def test_the_same_bound_of_two_rules_is_one_constraint_with_both_reasons() -> None:
    other = rule("other", when={"tensorflow": "<2.6"}, require={"h5py": "<3"})
    (constraint,) = selected([REQUIRE, other], tensorflow="==2.4.4").constraints
    assert constraint.rules == ("a-rule", "other")


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"python": "<3.11"},
        {"platform": ["windows"]},
        {"manager": ["conda"]},
        {"accelerator": ["cuda"]},
        {"variables": {"TF_USE_LEGACY_KERAS": "1"}},
    ],
)
def test_a_rule_about_another_situation_binds_nothing(elsewhere: dict[str, Any]) -> None:
    given = rule(when={"tensorflow": "<2.5"}, require={"h5py": "<3"}, **elsewhere)
    assert bounds(selected(given, tensorflow="==2.4.4")) == []


def test_two_open_parts_bind_nothing_until_one_is_known() -> None:
    given = rule(when={"tensorflow": "<2.5", "keras": "<2.4"}, require={"h5py": "<3"})
    assert bounds(selected(given, tensorflow="==2.4.4")) == []
    assert bounds(selected(given, tensorflow="==2.4.4", keras="==2.3.1")) == ["h5py<3"]


def test_two_owners_that_are_known_break_a_rule_that_wants_one() -> None:
    alone = rule(alone="tensorflow")
    both = {"tensorflow": "==2.10.1", "tensorflow-cpu": ""}
    assert [broken.id for broken in selected(alone, **both).broken] == ["a-rule"]
    assert selected(alone, tensorflow="==2.10.1").broken == ()
    stub = {"tensorflow": "==2.10.1", "tensorflow-intel": ""}
    assert selected(alone, **stub).broken == ()
    elsewhere = rule(alone="tensorflow", when={"alpha": ">=1"})
    assert selected(elsewhere, **both).broken == ()


@pytest.mark.parametrize(
    ("specifier", "opposite"),
    [
        ("<2", ">=2"),
        ("<=2", ">2"),
        (">2", "<=2"),
        (">=2", "<2"),
        ("==2.1", "!=2.1"),
        ("==2.1.*", "!=2.1.*"),
        ("!=2.1.*", "==2.1.*"),
    ],
)
def test_one_specifier_has_an_opposite(specifier: str, opposite: str) -> None:
    assert complement(SpecifierSet(specifier)) == SpecifierSet(opposite)


@pytest.mark.parametrize("specifier", ["", ">=1,<2", "~=2.1", "===2.1"])
def test_a_range_that_one_specifier_cannot_turn_round_is_left_to_the_check(specifier: str) -> None:
    assert complement(SpecifierSet(specifier)) is None
    given = rule(when={"alpha": specifier}, require={"beta": "<1"})
    assert bounds(selected(given, beta="==2")) == []
