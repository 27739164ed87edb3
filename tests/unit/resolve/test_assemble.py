"""Settled pins get their reasons, origins, hashes and notes."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.errors import IndexFailure
from envlock.model import Constraint, DistributionFile, LockedPackage, Violation
from envlock.resolve.assemble import explained, hashed, notes, reasons
from envlock.resolve.candidate import PackageRequirement
from envlock.resolve.feasible import Infeasible
from envlock.resolve.loop import Attempt, BudgetExhausted
from envlock.resolve.settle import Rejected, Resolved
from envlock.rules.database import Database
from support.rules import anchor, packages, requirement, requirements, rule

RULE = rule(when={"tensorflow": "<2.5"}, require={"h5py": "<3"})


def locked(pin: str, *via: str) -> LockedPackage:
    name, version = pin.split()
    return LockedPackage(name=canonicalize_name(name), version=Version(version), via=via)


def bound(text: str, *rules: str, **more: Any) -> Constraint:
    asked = requirement(text)
    named = tuple(rule(name).id for name in rules)
    return Constraint(package=asked.name, specifier=asked.specifier, rules=named, **more)


def settled(*pins: LockedPackage, **more: Any) -> Resolved:
    known = {"candidate": anchor("2.4.4"), "constraints": (), "files": {}, **more}
    return Resolved(packages=pins, **known)


def because(
    found: Resolved, *tried: Attempt, given: dict[Any, PackageRequirement] | None = None
) -> dict[str, tuple[str, ...]]:
    told = explained(found, tried, given or requirements("tensorflow"))
    return {package.name: package.because for package in told}


def test_a_bound_that_keeps_something_newer_away_is_a_reason() -> None:
    found = settled(
        locked("h5py 2.10"),
        locked("numpy 1.26"),
        locked("six 1.0"),
        constraints=(
            bound("h5py<3", "b-rule", "a-rule"),
            bound("h5py!=2.11", "c-rule"),
            bound("h5py>=2", "lower"),
            bound("numpy!=1.20", "passed"),
            bound("six", "needed", include=True),
        ),
    )
    assert because(found) == {
        "h5py": ("a-rule", "b-rule", "c-rule"),
        "numpy": (),
        "six": ("needed",),
    }


def test_what_refused_a_newer_release_is_a_reason_of_the_framework() -> None:
    newer, older = rule("newer"), rule("older")
    violation = Violation(rule=RULE, case=RULE.cases[0], packages={})
    tried = (
        Infeasible(candidate=anchor("2.5"), broken=(newer,)),
        Infeasible(candidate=anchor("2.3"), broken=(older,)),
        Rejected(candidate=anchor("2.4.4", "tensorflow-cpu"), broken=(violation,)),
        Rejected(candidate=None, text="words"),
        BudgetExhausted(solves=16, untried=()),
    )
    assert because(settled(locked("tensorflow 2.4.4")), *tried) == {
        "tensorflow": ("a-rule", "newer")
    }


def test_who_asked_is_told_without_line_numbers_and_a_build_answers_for_the_framework() -> None:
    found = settled(
        locked("tensorflow-cpu 2.4.4"),
        locked("h5py 2.10", "tensorflow-cpu"),
        candidate=anchor("2.4.4", "tensorflow-cpu"),
    )
    given = {
        "tensorflow": requirement("tensorflow", "command line", "base.in:3"),
        "h5py": requirement("h5py", "pyproject.toml [project.dependencies]"),
    }
    told = explained(found, (), given)  # type: ignore[arg-type]
    assert {package.name: package.via for package in told} == {
        "tensorflow-cpu": ("base.in", "command line"),
        "h5py": ("pyproject.toml [project.dependencies]", "tensorflow-cpu"),
    }


def listed(name: str, **hashes: str) -> DistributionFile:
    return DistributionFile(filename=name, url=f"https://example.org/{name}", hashes=hashes)


def test_every_file_of_a_release_gives_its_strongest_common_hash() -> None:
    pin = locked("demo 1.0")
    files = [
        listed("demo-1.0.tar.gz", sha512="cc", md5="00"),
        listed("demo-1.0-py3-none-any.whl", sha256="aa", sha512="bb"),
        listed("demo-1.0-py2-none-any.whl", md5="00"),
    ]
    (found,) = hashed([pin], {pin.name: files})
    assert found.hashes == ("sha256:aa", "sha512:cc")
    assert [file.filename for file in found.files] == [
        "demo-1.0-py3-none-any.whl",
        "demo-1.0.tar.gz",
    ]


@pytest.mark.parametrize("files", [[], [listed("demo-1.0.tar.gz", md5="00")]])
def test_a_release_without_a_hash_is_an_error_of_the_index(files: list[DistributionFile]) -> None:
    pin = locked("demo 1.0")
    with pytest.raises(IndexFailure) as caught:
        hashed([pin], {pin.name: files})
    assert caught.value.message == "the index gives no hash for any file of demo 1.0"
    assert caught.value.remedies == ("use an index that states sha256 hashes on its pages",)


def test_notes_tell_the_build_and_each_rule_that_is_not_met() -> None:
    need = rule("need", severity="degrades", when={"alpha": ""}, include={"beta": "<5"})
    seen = {**packages(alpha="1.0"), canonicalize_name("beta"): None}
    given_up = (Violation(rule=need, case=need.cases[0], packages=seen),)
    build = replace(anchor("2.4.4"), note="the build that was taken")
    assert notes(settled(candidate=build, given_up=given_up * 2)) == (
        "the build that was taken",
        "need is not met (alpha 1.0, no beta): need is a fact of this test.",
    )
    assert notes(settled(candidate=None)) == ()


def test_the_sentence_of_every_reason_is_carried_along() -> None:
    pin = LockedPackage(
        name=canonicalize_name("h5py"), version=Version("2.10"), because=(RULE.id, rule("gone").id)
    )
    assert reasons([pin], Database(rules=(RULE,)).find) == {RULE.id: RULE.because}
