"""Laws of rules: select never forbids what the check admits, and both take any rule."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.model import Constraint, Rule
from envlock.rules.check import violations
from envlock.rules.frameworks import families
from envlock.rules.select import select
from envlock.versions import admits
from support.rules import SITUATION, rule

NAMES = ("tensorflow", "tensorflow-cpu", "keras", "alpha", "beta", "gamma")
VERSIONS = ("1.0", "1.5", "2.0", "2.1", "3.0")
SPECIFIERS = st.one_of(
    st.just(""),
    st.builds(
        "{}{}".format,
        st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
        st.sampled_from(VERSIONS),
    ),
    st.sampled_from([">=1.5,<3.0", "==2.*", "!=2.*", ">1.0,!=2.1", "~=2.0"]),
)
RANGES = st.dictionaries(st.sampled_from(NAMES), SPECIFIERS, min_size=1, max_size=2)
DEMANDS = st.dictionaries(st.sampled_from(["require", "refuse", "include"]), RANGES, max_size=2)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    document: dict[str, Any] = draw(DEMANDS)
    if draw(st.booleans()):
        document["when"] = draw(RANGES)
    if draw(st.integers(0, 9)) == 0:
        document["alone"] = "tensorflow"
    severity = draw(st.sampled_from(["breaks", "degrades", "declared"]))
    return rule(f"rule-{draw(st.integers(0, 9))}", severity=severity, **document)


def excludes(constraint: Constraint, pins: dict[NormalizedName, Version]) -> bool:
    """Whether a set of pins is not what a constraint lets through."""
    if constraint.include:
        members = families().members(constraint.package)
        found = [pins[name] for name in members if name in pins]
        return not any(admits(constraint.specifier, version) for version in found)
    version = pins.get(constraint.package)
    return version is not None and not admits(constraint.specifier, version)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(rules(), max_size=4),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VERSIONS), min_size=1),
    st.data(),
)
def test_a_lock_that_the_check_admits_is_never_excluded(
    given_rules: list[Rule], versions: dict[str, str], data: st.DataObject
) -> None:
    pins = {canonicalize_name(name): Version(version) for name, version in versions.items()}
    known = {}
    # Two owners of a folder are taken for different versions until both versions are told.
    owners = families().members(canonicalize_name("tensorflow"))
    for name, version in pins.items():
        ways = ["exactly"] if name in owners else ["exactly", "within", "nothing"]
        told = data.draw(st.sampled_from(ways))
        if told == "exactly":
            known[name] = SpecifierSet(f"=={version}")
        elif told == "within":
            ranges = map(SpecifierSet, data.draw(st.lists(SPECIFIERS)))
            known[name] = next((each for each in ranges if admits(each, version)), SpecifierSet())
    selection = select(given_rules, known, SITUATION)
    broken = {violation.rule.id for violation in violations(given_rules, pins, SITUATION)}
    for constraint in selection.constraints:
        if not broken & set(constraint.rules):
            assert not excludes(constraint, pins)
    assert {item.id for item in selection.broken} <= broken
