"""One evaluator: what is exact, a range of one version, or less than that, never contradict."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.model import Condition, Demand
from envlock.rules.check import Known, Situation, Truth
from envlock.versions import admits, complement, is_within, meet, pin
from support.night import examples
from support.rules import SITUATION

#: Two of one family, and two that are alone.
NAMES = tuple(map(canonicalize_name, ("tensorflow", "tensorflow-cpu", "keras", "alpha")))
#: Beside plain releases what PEP 440 treats in its own way on each side of a bound.
VERSIONS = ("1.0", "1.5", "1.5+cu12", "2.0.dev1", "2.0rc1", "2.0", "2.0.post1", "2.1", "3.0")
#: No rule names a local version: ``==1.5`` is every build of 1.5.
PARTS = st.one_of(
    st.builds(
        "{}{}".format,
        st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "~="]),
        st.sampled_from([each for each in VERSIONS if "+" not in each]),
    ),
    st.sampled_from(["==2.*", "!=2.*"]),
)
SPECIFIERS = st.lists(PARTS, max_size=2).map(",".join).map(SpecifierSet)
CONDITIONS = st.builds(Condition, package=st.sampled_from(NAMES), specifier=SPECIFIERS)
PINS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VERSIONS).map(Version))


@examples(200)
@given(PINS, CONDITIONS, st.sampled_from(Demand), st.data())
def test_an_exact_version_is_judged_as_the_range_of_one_version(
    pins: dict[NormalizedName, Version], condition: Condition, demand: Demand, data: st.DataObject
) -> None:
    complete = data.draw(st.booleans())
    exact = Known(situation=SITUATION, versions=pins, complete=complete)
    ranges = {name: pin(version) for name, version in pins.items()}
    ranged = Known(situation=SITUATION, ranges=ranges, complete=complete)
    assert ranged.holds(condition) is exact.holds(condition)
    assert ranged.broken(demand, condition) is exact.broken(demand, condition)


@examples(200)
@given(PINS, CONDITIONS, st.sampled_from(Demand), st.data())
def test_what_a_range_is_sure_of_is_so_of_each_of_its_versions(
    pins: dict[NormalizedName, Version], condition: Condition, demand: Demand, data: st.DataObject
) -> None:
    drawn = {name: data.draw(SPECIFIERS) for name in pins}
    wide = {n: each if admits(each, pins[n]) else pin(pins[n]) for n, each in drawn.items()}
    exact = Known(situation=SITUATION, versions=pins)
    ranged = Known(situation=SITUATION, ranges=wide)
    for of_range, of_version in (
        (ranged.holds(condition), exact.holds(condition)),
        (ranged.broken(demand, condition), exact.broken(demand, condition)),
    ):
        if of_range in {Truth.NO, Truth.YES}:
            assert of_version is of_range


@examples(150)
@given(PINS, CONDITIONS, st.sampled_from(Demand))
def test_a_demand_is_never_broken_and_met_at_once(
    pins: dict[NormalizedName, Version], condition: Condition, demand: Demand
) -> None:
    known = Known(situation=Situation(), versions=pins, complete=True)
    held = known.holds(condition)
    if held is Truth.YES and demand is Demand.INCLUDE:
        assert known.broken(demand, condition) is Truth.NO
    if demand is Demand.REFUSE:
        assert known.broken(demand, condition) is held


@examples(50)
@given(SPECIFIERS, SPECIFIERS, st.sampled_from(VERSIONS).map(Version))
def test_ranges_agree_with_the_versions_in_them(
    one: SpecifierSet, other: SpecifierSet, version: Version
) -> None:
    if admits(one, version) and admits(other, version):
        assert meet(one, other)
    if admits(one, version) and not admits(other, version):
        assert not is_within(one, other)
    opposite = complement(one)
    if opposite is not None and admits(one, version):
        assert not admits(opposite, version)
