"""Which rules a set of versions breaks, and what is seen of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from packaging.version import Version

from envlock.model import Platform, Rule
from envlock.rules.check import Situation, violations
from support.rules import LINUX, SITUATION, TARGET, packages, rule


def seen(given: Rule, pins: str, situation: Situation = SITUATION) -> list[str]:
    """What is seen of each violation by pins such as ``alpha 1, beta 2``."""
    there = packages(**dict(pin.replace("-", "_").split() for pin in pins.split(", ")))
    return [
        ", ".join(f"{name} {version}" for name, version in violation.packages.items())
        for violation in violations([given], there, situation)
    ]


REQUIRE = rule(when={"tensorflow": "<2.5"}, require={"h5py": "<3"})
REFUSE = rule(when={"tensorflow": ">=2.16"}, refuse={"keras": "<3"})
ONLY = rule(when={"tensorflow": "<2.5"}, require={"h5py": "<3"}, only=["tensorflow"])
ONLY_DEMANDED = rule(when={"h5py": ">=3"}, refuse={"tensorflow": "<2.5"}, only=["tensorflow"])
INCLUDE = rule(when={"tensorflow-hub": ""}, include={"setuptools": "<82"})


@pytest.mark.parametrize(
    ("given", "pins"),
    [
        (REQUIRE, "tensorflow 2.4.4, h5py 3.1"),
        (REQUIRE, "tensorflow-cpu 2.4.4, h5py 3.1"),
        (REFUSE, "tensorflow 2.16.1, keras 2.15.0"),
        (REFUSE, "tensorflow 2.17.0rc1, keras 2.15.0"),
        (INCLUDE, "tensorflow-hub 0.16.1, setuptools 84"),
        (ONLY, "tensorflow 2.4.4, h5py 3.1"),
        (ONLY_DEMANDED, "h5py 3.1, tensorflow 2.4.4"),
    ],
)
def test_a_rule_is_broken_where_its_conditions_hold_and_its_demand_does_not(
    given: Rule, pins: str
) -> None:
    assert seen(given, pins) == [pins]


@pytest.mark.parametrize(
    ("given", "pins"),
    [
        (REQUIRE, "tensorflow 2.4.4, h5py 2.10"),
        (REQUIRE, "tensorflow 2.4.4"),
        (REQUIRE, "h5py 3.1"),
        (REFUSE, "tensorflow 2.16.1, keras 3.8.0"),
        (INCLUDE, "tensorflow-hub 0.16.1, setuptools 81"),
        (rule(when={"tensorflow": "<3"}), "tensorflow 2.4.4"),
        (ONLY, "tensorflow-macos 2.4.4, h5py 3.1"),
        (ONLY_DEMANDED, "h5py 3.1, tensorflow-macos 2.4.4"),
    ],
)
def test_a_rule_is_kept_where_its_demand_is_met_or_nobody_is_there(given: Rule, pins: str) -> None:
    assert seen(given, pins) == []


def test_a_package_that_must_be_there_is_seen_missing() -> None:
    assert seen(INCLUDE, "tensorflow-hub 0.16.1") == ["tensorflow-hub 0.16.1, setuptools None"]


def test_two_owners_break_a_rule_that_wants_one_unless_one_is_the_others_shell() -> None:
    alone = rule(alone="tensorflow")
    assert seen(alone, "tensorflow 2.10.1, tensorflow-cpu 2.9.0") == [
        "tensorflow 2.10.1, tensorflow-cpu 2.9.0"
    ]
    assert seen(alone, "tensorflow 2.10.1, tensorflow-cpu 2.10.1") == []
    alike = rule(alone="tensorflow", alike=True)
    assert seen(alike, "tensorflow 2.10.1, tensorflow-cpu 2.9.0") == []
    assert seen(alike, "tensorflow 2.10.1, tensorflow-cpu 2.10.1") == [
        "tensorflow 2.10.1, tensorflow-cpu 2.10.1"
    ]
    assert seen(alone, "tensorflow 2.10.1, tensorflow-intel 2.10.1") == []
    assert seen(alone, "tensorflow 2.10.1, tensorflow-intel 2.9.0") == [
        "tensorflow 2.10.1, tensorflow-intel 2.9.0"
    ]


@pytest.mark.parametrize(
    ("wanted", "platform", "applies"),
    [
        ("linux", LINUX, True),
        ("linux-x86_64", LINUX, True),
        ("linux-aarch64", LINUX, False),
        ("linux-musl", LINUX, False),
        ("linux-musl", replace(LINUX, libc="musl 1.2"), True),
        ("windows", LINUX, False),
        ("macos-arm64", Platform(system="macos", machine="arm64"), True),
    ],
)
def test_a_platform_is_a_system_a_machine_or_a_c_library(
    wanted: str, platform: Platform, *, applies: bool
) -> None:
    given = rule(platform=[wanted], when={"tensorflow": ""}, refuse={"h5py": ""})
    situation = replace(SITUATION, platform=platform)
    assert bool(seen(given, "tensorflow 2.10.1, h5py 3.1", situation)) is applies


def test_a_lock_for_a_target_is_installed_by_pip_and_knows_its_accelerator_when_told() -> None:
    assert Situation.of(TARGET) == Situation(
        python=Version("3.11.7"), platform=LINUX, manager="pip", accelerator=None
    )
