"""What is recorded of a failure is the same wherever and whenever it was run."""

from pathlib import Path

import pytest

from envlock.evidence.values import steady, steady_outcome
from envlock.outcomes import Failed, Passed

LANE = Path("/home/me/.cache/envlock/matrix/lane-123")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            f"{LANE}/tensorflow-2.4.4-3.8/lib/python3.8/a.so: undefined symbol: _ZN",
            "tensorflow-2.4.4-3.8/lib/python3.8/a.so: undefined symbol: _ZN",
        ),
        ("<Model object at 0x7f12ab34cd>", "<Model object at 0x…>"),
        ("unable to open '/tmp/envlock-probe-x1_y/model.h5'", "unable to open 'model.h5'"),
        ("flag 0x10, numpy 1.23.5", "flag 0x10, numpy 1.23.5"),
    ],
)
def test_a_message_is_without_its_place(said: str, kept: str) -> None:
    assert steady(said, LANE) == kept


def test_only_failures_have_words_that_change() -> None:
    failed = Failed(level="load", error="OSError", detail=f"{LANE}/a")
    assert steady_outcome(failed, LANE) == Failed(level="load", error="OSError", detail="a")
    passed = Passed(level="load", detail="0x7f12ab34cd")
    assert steady_outcome(passed, LANE) is passed
