import threading

import pytest

from envlock.index.gather import gather


def test_every_item_comes_back_with_its_result() -> None:
    assert dict(gather(lambda n: n * n, range(100))) == {n: n * n for n in range(100)}
    assert list(gather(lambda n: n, [])) == []


def test_waits_are_shared() -> None:
    together = threading.Barrier(8, timeout=5)
    assert len(list(gather(lambda _: together.wait(), range(8)))) == 8


def test_the_first_error_is_raised_without_waiting_for_the_rest() -> None:
    stuck, seen = threading.Event(), []

    def work(item: int) -> None:
        seen.append(item)
        if item == 0:
            raise OSError("gone")
        stuck.wait(5)

    with pytest.raises(OSError, match="gone"):
        list(gather(work, range(100)))
    stuck.set()
    assert len(seen) < 100
