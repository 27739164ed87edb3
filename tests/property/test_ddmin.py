"""Laws of delta debugging, for any test whatever: consistent, flaky in its reasons, or perverse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from envlock.bisect.ddmin import Reduction, Verdict
from support.night import examples

Some = frozenset[int]


@dataclass
class Asked:
    """A test that keeps what it was asked about."""

    judge: Callable[[Some], Verdict]
    subsets: list[Some] = field(default_factory=list)

    def __call__(self, some: Some) -> Verdict:
        self.subsets.append(some)
        return self.judge(some)


@st.composite
def perverse(draw: st.DrawFn, size: int) -> Callable[[Some], Verdict]:
    """A test without any sense, but always of the same opinion about the same subset."""
    opinions: dict[Some, Verdict] = {}
    random = draw(st.randoms(use_true_random=False))

    def judge(some: Some) -> Verdict:
        if some not in opinions:
            opinions[some] = random.choice(list(Verdict))
        return opinions[some]

    opinions[frozenset()] = Verdict.PASSES
    opinions[frozenset(range(size))] = Verdict.FAILS
    return judge


def subsets(size: int) -> st.SearchStrategy[Some]:
    return st.frozensets(st.integers(0, size - 1))


@examples(50)
@given(st.data(), st.integers(1, 12))
def test_the_answer_fails_and_does_not_without_any_one_of_it(
    data: st.DataObject, size: int
) -> None:
    judge = data.draw(perverse(size))
    links = data.draw(st.dictionaries(st.integers(0, size - 1), subsets(size)))
    test = Asked(judge)
    likely = data.draw(st.lists(subsets(size), max_size=3))

    def close(some: Some) -> Some:
        return some.union(*(links.get(each, frozenset()) for each in some))

    found = Reduction(range(size), test).smallest(likely, close)
    assert judge(frozenset(found)) is Verdict.FAILS
    assert all(judge(frozenset(found) - {each}) is not Verdict.FAILS for each in found)
    assert len(test.subsets) == len(set(test.subsets))
    assert frozenset() not in test.subsets
    assert frozenset(range(size)) not in test.subsets


@examples(50)
@given(st.data(), st.integers(1, 40))
def test_what_fails_together_is_found_whatever_else_cannot_be_tried(
    data: st.DataObject, size: int
) -> None:
    """Subsets with the culprits fail; of the others some pass and some are unresolved."""
    culprits = data.draw(st.frozensets(st.integers(0, size - 1), min_size=1, max_size=3))
    odd = data.draw(subsets(size))

    def judge(some: Some) -> Verdict:
        if culprits <= some:
            return Verdict.FAILS
        return Verdict.UNRESOLVED if len(some & odd) % 2 else Verdict.PASSES

    assert Reduction(range(size), judge).smallest() == tuple(sorted(culprits))


@examples(50)
@given(st.integers(1, 200), st.data())
def test_one_culprit_is_found_in_about_twice_the_logarithm(size: int, data: st.DataObject) -> None:
    culprit = data.draw(st.integers(0, size - 1))
    test = Asked(lambda some: Verdict.FAILS if culprit in some else Verdict.PASSES)
    assert Reduction(range(size), test).smallest() == (culprit,)
    assert len(test.subsets) <= 2 * size.bit_length()
