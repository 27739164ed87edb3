"""A wheel of before NumPy 2 beside NumPy 2: NumPy gives way, where it may, and it is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from envlock.progress import Silent
from envlock.resolve.assemble import notes
from envlock.resolve.loop import candidates_for, search
from envlock.resolve.question import Listed, Pins, Tools
from envlock.resolve.settle import Resolved
from envlock.rules import database
from support.scripted import Pages, Scripted, question, wheels

RULES = database.load().rules
BEFORE, AFTER = datetime(2023, 8, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)
COMPILED = "cp311-cp311-linux_x86_64"
NOTE = "numpy is held below 2 for acme 1.0, whose wheel is of 2023-08-01, from before NumPy 2"


def lock(*words: str, via: str = "acme", pages: Pages | None = None, **wheel: Any) -> Any:
    """Solve for TensorFlow beside acme 1.0, whose wheel is as it is said."""
    listed = {
        "tensorflow": wheels("tensorflow", "2.18.1"),
        "numpy": wheels("numpy", "1.26.4 2.0.2", tag=COMPILED, upload_time=AFTER),
        "acme": wheels("acme", "1.0", **{"tag": COMPILED, "upload_time": BEFORE, **wheel}),
        **(pages or {}),
    }

    def pinned(pins: Pins) -> Listed:
        return {name: listed[name][version] for name, version in pins.items()}

    engine = Scripted(
        lambda _, bounds: {"acme": "1.0", "numpy": "1.26.4" if "numpy<2" in bounds else "2.0.2"},
        via={"numpy": (via, "tensorflow")},
    )
    tools = Tools(engine=engine, releases=lambda n: listed[n], progress=Silent(), pinned=pinned)
    asked = question("tensorflow", "acme", *words, rules=RULES)
    settled, _ = search(asked, candidates_for(asked, tools), tools)
    assert isinstance(settled, Resolved)
    (numpy,) = (str(p.version) for p in settled.packages if p.name == "numpy")
    return numpy, notes(settled)


def test_numpy_is_held_back_for_an_old_compiled_wheel_that_needs_it_and_it_is_told_for_which() -> (
    None
):
    assert lock() == ("1.26.4", (NOTE,))


@pytest.mark.parametrize(
    "wheel",
    [
        {"upload_time": AFTER},
        {"upload_time": None},
        {"tag": "py3-none-any"},
        {"via": "beta"},
    ],
    ids=["of today", "without a day", "without compiled code", "without NumPy"],
)
def test_nothing_is_held_back_for_any_other_wheel(wheel: dict[str, Any]) -> None:
    assert lock(**wheel) == ("2.0.2", ())


def test_a_request_for_numpy_2_stays_and_the_lock_says_what_it_breaks() -> None:
    numpy, said = lock("numpy>=2")
    assert numpy == "2.0.2"
    assert said[0].startswith("wheel-built-for-numpy1 is not met (acme 1.0, numpy 2.0.2): ")
