"""The words of a refusal: what was asked, who wants what, what to type instead."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.model import (
    Constraint,
    DistributionFile,
    IndexSettings,
    LockedPackage,
    Platform,
    Violation,
)
from envlock.resolve.candidate import PackageRequirement, Releases
from envlock.resolve.explain import Sought, causes, command, missing, relaxable, remedy, title
from envlock.resolve.feasible import Collision, Infeasible
from envlock.resolve.loop import BudgetExhausted
from envlock.resolve.question import Question
from envlock.resolve.settle import Rejected
from envlock.rules.database import Database
from support.rules import TARGET, anchor, packages, requirement, requirements, rule

RULE = rule(when={"tensorflow": "<2.5"}, require={"h5py": "<3"})
FACT = "a-rule is a fact of this test. (rule a-rule)"


def find(name: str) -> Any:
    return Database(rules=(RULE,)).find(name)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("tensorflow",), "tensorflow"),
        (("h5py", "tensorflow"), "tensorflow and h5py"),
        (("h5py>=3", "tensorflow"), "tensorflow with h5py>=3"),
        (("h5py>=3", "numpy", "tensorflow==2.4.4"), "tensorflow==2.4.4 with h5py>=3"),
        (("alpha<1", "beta", "gamma>2"), "alpha<1 with gamma>2"),
    ],
)
def test_the_title_names_the_framework_and_what_is_bound(
    words: tuple[str, ...], asked: str
) -> None:
    assert title(requirements(*words), TARGET) == (
        f"no versions satisfy {asked} on Python 3.11 (linux-x86_64)"
    )


def test_a_broken_rule_is_told_with_the_wishes_it_speaks_about_and_their_place() -> None:
    bounds = {
        "h5py": requirement("h5py>=3", "base.in:2", "more.in:7"),
        "numpy": requirement("numpy<2"),
        "tensorflow": requirement("tensorflow<2.5"),
    }
    refused = Infeasible(candidate=anchor("2.4.4"), broken=(RULE,))
    assert causes([refused], bounds, find) == (  # type: ignore[arg-type]
        f"tensorflow==2.4.4 cannot be with h5py>=3 (base.in:2, more.in:7): {FACT}",
    )
    assert causes([refused], {}, find) == (f"tensorflow==2.4.4 cannot be: {FACT}",)


def test_a_fact_is_told_once_for_the_best_candidate_and_five_are_enough() -> None:
    refused = [Infeasible(candidate=anchor(f"2.{n}"), broken=(RULE,)) for n in (4, 3, 2)]
    assert causes(refused, {}, find) == (f"tensorflow==2.4 cannot be: {FACT}",)
    many = [Rejected(candidate=anchor("2.4"), text=f"fact {n}") for n in range(9)]
    assert causes(many, {}, find) == ("fact 0", "fact 1", "fact 2", "fact 3", "fact 4")


def test_a_collision_names_both_sides_and_the_rule_where_there_is_one() -> None:
    plain = Collision(requirement=requirement("keras>=3"), bound=SpecifierSet("<2.16"))
    ruled = replace(plain, rules=(RULE.id,))
    refused = [Infeasible(candidate=anchor("2.15.1"), collision=each) for each in (plain, ruled)]
    assert causes(refused, {}, find) == (
        "tensorflow 2.15.1 declares keras<2.16; keras>=3 was asked for",
        f"tensorflow 2.15.1 needs keras<2.16, keras>=3 was asked for: {FACT}",
    )


def test_versions_that_cannot_be_together_are_told_with_who_wants_them() -> None:
    seen = packages(tensorflow="2.4.4", h5py="3.1")
    violation = Violation(rule=RULE, case=RULE.cases[0], packages=seen)
    h5py = LockedPackage(
        name=canonicalize_name("h5py"), version=Version("3.1"), via=("alpha", "beta")
    )
    refused = Rejected(candidate=anchor("2.4.4"), broken=(violation,), packages=(h5py,))
    assert causes([refused], {}, find) == (
        f"tensorflow 2.4.4 and h5py 3.1 (for alpha and beta) cannot be together: {FACT}",
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("alpha depends on h5py>=3 and h5py<3", True),
        ("alpha depends on h5py>=2.10,<3 and beta", True),
        ("alpha depends on h5py<3.1", False),
        ("alpha depends on my-h5py<3", False),
        ("alpha depends on numpy<3", False),
    ],
)
def test_a_rule_is_told_when_the_engine_names_its_bound(*, text: str, named: bool) -> None:
    bound = Constraint(
        package=canonicalize_name("h5py"), specifier=SpecifierSet("<3"), rules=(RULE.id,)
    )
    refused = Rejected(candidate=anchor("2.4.4"), text=text, constraints=(bound,))
    assert causes([refused], {}, find) == ((text, FACT) if named else (text,))


def test_releases_that_were_not_tried_are_told_last() -> None:
    spent = BudgetExhausted(solves=16, untried=(anchor("2.4"), anchor("2.3"), anchor("2.2")))
    refused = Rejected(candidate=anchor("2.5"), text="words")
    assert causes([spent, refused], {}, find) == (
        "words",
        "16 attempts found nothing; tensorflow==2.4 and 2 more releases were not tried",
    )
    last = replace(spent, untried=(anchor("2.4"),))
    assert causes([last], {}, find) == ("16 attempts found nothing; tensorflow==2.4 was not tried",)


def listed(version: str, tag: str = "py3-none-any", **more: Any) -> Releases:
    name = f"tensorflow-{version}-{tag}.whl"
    return {Version(version): (DistributionFile(filename=name, url="", hashes={}, **more),)}


@pytest.mark.parametrize(
    ("asked", "releases", "said"),
    [
        ("tensorflw", {}, "there is no package tensorflw on INDEX; did you mean tensorflow?"),
        ("unheard-of", {}, "there is no package unheard-of on INDEX"),
        ("tensorflow", {}, "there is no package tensorflow on INDEX"),
        (
            "tensorflow>=3",
            {**listed("2.20"), **listed("2.21rc1")},
            (
                "there is no tensorflow>=3: the newest tensorflow is 2.20,"
                " and 2.21rc1 is a pre-release"
            ),
        ),
        ("tensorflow>=2.20.1", {**listed("2.20"), **listed("2.21rc1")}, ""),
        (
            "tensorflow==2.10.1",
            listed("2.10.1", "cp310-cp310-linux_x86_64"),
            (
                "tensorflow 2.10.1 has no wheel for Python 3.11 on linux-x86_64;"
                " it has wheels for Python 3.7 to 3.10"
            ),
        ),
        (
            "tensorflow-text==2.10.0",
            listed("2.10.0", "cp310-cp310-linux_x86_64"),
            "tensorflow-text 2.10.0 has no wheel for Python 3.11 on linux-x86_64",
        ),
        (
            "alpha<2",
            listed("1.0", requires_python="<3.11"),
            "alpha 1.0 is for Python <3.11, not for 3.11.7",
        ),
        ("alpha<2", listed("1.0"), ""),
    ],
)
def test_what_no_index_can_give_is_told_with_what_it_has(
    asked: str, releases: Releases, said: str
) -> None:
    known = ["tensorflow", "tensorboard"]
    looked = Sought(place="INDEX", known=known)
    assert missing(requirement(asked), releases, TARGET, looked) == said


@pytest.mark.parametrize(
    ("asked", "minor", "said"),
    [
        ("2.11.1", "3.9", "which has no wheel for Python 3.9 or any other there"),
        ("2.12.1", "3.7", "which has no wheel for Python 3.7; it has some for Python 3.8 to 3.11"),
        ("2.15.1", "3.11", ""),
    ],
)
def test_a_wheel_that_only_pulls_in_another_is_told(asked: str, minor: str, said: str) -> None:
    arm = Platform(system="linux", machine="aarch64", libc="glibc 2.28")
    target = replace(TARGET, python=Version(f"{minor}.0"), platform=arm)
    whole = said and f"tensorflow {asked} on linux-aarch64 only pulls in tensorflow-cpu-aws, {said}"
    assert missing(requirement(f"tensorflow=={asked}"), listed(asked), target) == whole


def test_bounds_that_the_reasons_name_give_way_first() -> None:
    given = requirements("alpha<1", "beta<1", "gamma", "zeta<1")
    assert [each.name for each in relaxable(given, "because zeta")] == ["zeta", "alpha", "beta"]


def question(*given: PackageRequirement, **more: Any) -> Question:
    known: dict[str, Any] = {"constraints": {}, "target": TARGET, **more}
    return Question(
        requirements={each.name: each for each in given},
        rules=(),
        settings=IndexSettings(),
        **known,
    )


def test_the_command_asks_the_same_with_files_named_and_options_kept() -> None:
    asked = question(
        requirement("tensorflow==2.10.1"),
        requirement("numpy<2", "command line", "base.in:3"),
        requirement("pandas", "more.in:1"),
        requirement("pytest", "pyproject.toml [dependency-groups.test]"),
        requirement("h5py", "pyproject.toml [project.optional-dependencies.io]"),
        constraints={each.name: each for each in [requirement("six<2", "limits.txt:9")]},
        target=replace(TARGET, accelerator=Accelerator.CPU),
        exclude_newer=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert command(asked, "create") == (
        'envlock create "numpy<2" "tensorflow==2.10.1" -r base.in -r more.in -r pyproject.toml'
        " --group test --extra io --python 3.11 --accelerator cpu"
        " --exclude-newer 2026-01-01T00:00:00Z"
    )


def test_a_changed_wish_is_typed_or_edited_where_it_stands() -> None:
    typed, written = requirement("h5py>=3"), requirement("numpy<2", "base.in:3", "more.in:7")
    asked = question(typed, written)
    assert remedy(typed, "h5py==2.10.0", asked, "lock") == (
        'envlock lock "h5py==2.10.0" -r base.in -r more.in --python 3.11'
    )
    assert remedy(written, "numpy==2.0", asked, "lock") == (
        "in base.in:3 and more.in:7, change numpy<2 to numpy==2.0"
    )


def test_what_is_configured_is_asked_for_without_words() -> None:
    asked = question(requirement("six", "pyproject.toml [tool.envlock.requirements]"))
    assert command(asked, "lock") == "envlock lock --python 3.11"


def test_what_is_told_to_be_newest_is_so_by_then_and_as_source_too() -> None:
    asked = requirement("alpha==2.0")
    by_then = Sought(date=datetime(2020, 1, 1, tzinfo=UTC))
    said = "there is no alpha==2.0 by 2020-01-01: the newest alpha then was 1.0"
    assert missing(asked, listed("1.0"), TARGET, by_then) == said
    bare = Sought(every={**listed("1.0"), **listed("2.0")})
    assert missing(asked, listed("1.0"), TARGET, bare) == (
        "of alpha 2.0 there is source alone, which is not built:"
        " the newest alpha with a wheel is 1.0"
    )


def test_a_name_is_proposed_only_if_it_is_there() -> None:
    asked = requirement("tensorfow")
    for names, hint in ((("tensorflow",), "; did you mean tensorflow?"), ((), "")):
        looked = Sought(place="INDEX", known=["tensorflow"], there=set(names).__contains__)
        assert missing(asked, {}, TARGET, looked) == f"there is no package tensorfow on INDEX{hint}"


def test_where_nothing_is_asked_nothing_is_said_of_an_index() -> None:
    said = "nothing is asked for alpha: there is no index, and no find-links"
    assert missing(requirement("alpha"), {}, TARGET, Sought()) == said
