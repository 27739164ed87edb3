"""The two neighbours between which it begins to fail."""

from hypothesis import given, settings
from hypothesis import strategies as st

from envlock.bisect.ddmin import Verdict, flip

unhurried = settings(deadline=None)


@unhurried
@given(st.integers(2, 200), st.data())
def test_the_first_release_that_fails_is_found_in_few_trials(
    count: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(1, count - 1))
    asked: list[int] = []

    def test(release: int) -> Verdict:
        asked.append(release)
        return Verdict.FAILS if release >= first else Verdict.PASSES

    assert flip(range(count), test) == (first - 1, first, ())
    assert len(asked) <= count.bit_length()
    assert {0, count - 1}.isdisjoint(asked)


@unhurried
@given(st.lists(st.sampled_from(list(Verdict)), max_size=30))
def test_only_unresolved_releases_lie_between_the_two(verdicts: list[Verdict]) -> None:
    known = [Verdict.PASSES, *verdicts, Verdict.FAILS]
    asked: list[int] = []

    def test(number: int) -> Verdict:
        asked.append(number)
        return known[number]

    low, high, between = flip(range(len(known)), test)
    assert (known[low], known[high]) == (Verdict.PASSES, Verdict.FAILS)
    assert between == tuple(range(low + 1, high))
    assert {known[each] for each in between} <= {Verdict.UNRESOLVED}
    assert len(asked) == len(set(asked))
