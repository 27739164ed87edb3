"""Delta debugging on small examples whose steps can be followed."""

from envlock.bisect.ddmin import Reduction, Verdict

Some = frozenset[str]


def test_a_likely_subset_that_fails_saves_the_search() -> None:
    asked: list[Some] = []

    def test(some: Some) -> Verdict:
        asked.append(some)
        return Verdict.FAILS if "g" in some else Verdict.PASSES

    assert Reduction("abcdefgh", test).smallest([frozenset("c"), frozenset("g")]) == ("g",)
    assert asked == [frozenset("c"), frozenset("g")]


def test_two_that_fail_only_together_are_found_apart_from_each_other() -> None:
    def test(some: Some) -> Verdict:
        return Verdict.FAILS if {"a", "h"} <= some else Verdict.PASSES

    assert Reduction("abcdefgh", test).smallest() == ("a", "h")


def test_what_must_move_together_is_tried_together_and_told_apart_in_the_end() -> None:
    """B does not start without D, and D alone is to blame."""
    asked: list[Some] = []

    def test(some: Some) -> Verdict:
        asked.append(some)
        if "b" in some and "d" not in some:
            return Verdict.UNRESOLVED
        return Verdict.FAILS if "d" in some else Verdict.PASSES

    def close(some: Some) -> Some:
        return some | {"d"} if "b" in some else some

    assert Reduction("abcd", test).smallest(close=close) == ("d",)
    assert asked == [frozenset(each) for each in ("abd", "a", "bd", "d")]


def test_nothing_smaller_leaves_all() -> None:
    def test(some: Some) -> Verdict:
        return Verdict.UNRESOLVED if len(some) > 1 else Verdict.PASSES

    assert Reduction("abc", test).smallest() == ("a", "b", "c")
