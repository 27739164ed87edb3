import threading
from contextlib import closing

import pytest

from envlock.index.gather import gather


def nothing() -> None:
    """Break nothing off."""


def test_every_item_comes_back_with_its_result() -> None:
    assert dict(gather(lambda n: n * n, range(100), nothing)) == {n: n * n for n in range(100)}
    assert list(gather(lambda n: n, [], nothing)) == []


def test_waits_are_shared() -> None:
    together = threading.Barrier(8, timeout=5)
    assert len(list(gather(lambda _: together.wait(), range(8), nothing))) == 8


def test_the_first_error_breaks_the_rest_off_and_waits_for_its_end() -> None:
    stuck, seen = threading.Event(), []

    def work(item: int) -> None:
        seen.append(item)
        if item == 0:
            raise OSError("gone")
        stuck.wait(5)

    before = threading.active_count()
    with pytest.raises(OSError, match="gone"):
        list(gather(work, range(100), stuck.set))
    assert len(seen) < 100
    assert threading.active_count() == before


def test_who_stops_listening_breaks_the_work_off() -> None:
    stuck = threading.Event()
    before = threading.active_count()
    with closing(gather(lambda n: n and stuck.wait(5), range(8), stuck.set)) as results:
        assert next(results)[0] == 0
    assert threading.active_count() == before


def test_without_threads_one_thing_is_done_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert dict(gather(lambda n: n * n, range(9), nothing)) == {n: n * n for n in range(9)}
