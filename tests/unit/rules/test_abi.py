"""The law on what was built for NumPy 1: which packages need it, and what it says of them."""

from __future__ import annotations

from packaging.version import Version

from envlock.model import Severity
from envlock.rules import database
from envlock.rules.abi import LAW, judged, law_among, law_of, with_law
from envlock.rules.check import Situation, violations
from support.rules import packages

RULES = database.load().rules
OLD = packages(implicit="0.7.1", cftime="1.6.3")


def test_the_law_is_no_rule_until_releases_are_known_to_be_old() -> None:
    assert law_among(RULES) is not None
    pins = {**OLD, **packages(numpy="2.0.2")}
    assert LAW not in {each.rule.id for each in violations(RULES, pins, Situation())}


def test_what_rules_say_of_a_package_beside_numpy_2_needs_no_law() -> None:
    known = judged(RULES)
    assert {"pandas", "h5py", "ml-dtypes", "tensorflow-cpu", "opencv-python-headless"} <= known
    assert "implicit" not in known
    assert "numpy" not in known


def test_the_law_about_releases_breaks_where_it_was_seen_and_gives_way_where_it_was_dated() -> None:
    law = law_among(RULES)
    assert law is not None
    seen, dated = law_of(law, OLD, seen=True), law_of(law, OLD, seen=False)
    assert (seen.severity, dated.severity) == (Severity.BREAKS, Severity.DEGRADES)
    assert dated.title.endswith(": compiled before NumPy 2, by the day of the upload")
    assert seen.title == "cftime 1.6.3, implicit 0.7.1 were built for NumPy 1"
    pins = {**OLD, **packages(numpy="2.0.2")}
    found = violations([seen], pins, Situation())
    assert [list(each.packages) for each in found] == [["cftime", "numpy"], ["implicit", "numpy"]]
    assert not violations([seen], {**OLD, **packages(numpy="1.26.4")}, Situation())
    newer = {**packages(implicit="0.7.3", numpy="2.0.2")}
    assert not violations([seen], newer, Situation())


def test_a_release_that_a_rule_refuses_is_told_by_that_rule_alone() -> None:
    there = packages(implicit="0.7.1", pandas="1.5.3", numpy="2.0.2")
    built = {name: there[name] for name in there if name != "numpy"}
    law = law_among(with_law(RULES, there, built))
    assert law is not None
    assert law.title == "implicit 0.7.1 was built for NumPy 1"
    only = {name: version for name, version in built.items() if name == "pandas"}
    assert with_law(RULES, there, only) == RULES
    assert with_law(RULES, there, {}) == RULES


def test_a_release_that_the_rules_admit_and_that_was_built_anew_for_numpy_1_is_told() -> None:
    there = packages(h5py="3.11.0", numpy="2.0.2")
    law = law_among(with_law(RULES, there, packages(h5py="3.11.0")))
    assert law is not None
    assert law.cases[0].when[0].specifier.contains(Version("3.11.0"))
