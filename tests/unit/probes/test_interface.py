"""Outcomes from lines, gates from outcomes, and ways round from failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.errors import UsageError
from envlock.model import Stage
from envlock.outcomes import Crashed, Failed, Outcome, Passed, Skipped
from envlock.probes import levels_of
from envlock.probes.interface import capabilities, gate_passed, outcome_from
from envlock.probes.keras_h5 import KERAS_H5
from envlock.probes.runner import run_user_script


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        (
            {"level": "fit", "outcome": "passed", "detail": "Keras 2.15.0", "seconds": 0.5},
            Passed(level="fit", detail="Keras 2.15.0", seconds=0.5),
        ),
        (
            {"level": "fit", "outcome": "skipped", "detail": "import failed"},
            Skipped(level="fit", detail="import failed"),
        ),
        (
            {
                "level": "load",
                "outcome": "failed",
                "error": "AttributeError",
                "detail": "'str' object has no attribute 'decode'",
                "traceback": "Traceback …",
                "seconds": 0.1,
            },
            Failed(
                level="load",
                error="AttributeError",
                detail="'str' object has no attribute 'decode'",
                traceback="Traceback …",
                seconds=0.1,
            ),
        ),
    ],
)
def test_a_line_of_a_script_becomes_an_outcome(line: dict[str, object], outcome: Outcome) -> None:
    assert outcome_from(line) == outcome


def test_a_line_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown outcome 'maybe'"):
        outcome_from({"level": "fit", "outcome": "maybe", "detail": ""})


OUTCOMES = (
    Passed(level="import"),
    Failed(level="fit", error="E", detail=""),
    Skipped(level="save", detail=""),
    Crashed(level="load", detail="SIGSEGV"),
    Passed(level="keras"),
)


def test_the_capabilities_are_the_levels_that_passed() -> None:
    assert capabilities(OUTCOMES) == ("import", "keras")


@pytest.mark.parametrize(
    ("levels", "passed"),
    [
        (("import", "keras"), True),
        (("import", "fit"), False),
        (("import", "save"), False),
        (("import", "load"), False),
        (("import", "never tried"), False),
        ((), True),
    ],
)
def test_a_gate_asks_that_each_of_its_levels_passed(levels: tuple[str, ...], passed: bool) -> None:  # noqa: FBT001  (a parametrised value)
    assert gate_passed(OUTCOMES, levels) is passed


COMPILE_AGAIN = (
    "load with load_model(path, compile=False) and compile again (Keras 3.3 and later), "
    "or compile with keras.losses.MeanSquaredError() in place of 'mse', or save to .keras"
)


@pytest.mark.parametrize(
    ("level", "error", "detail", "advice"),
    [
        (
            "load-compiled",
            "ValueError",
            "Could not deserialize 'keras.metrics.mse' because it is not a KerasSaveable subclass",
            COMPILE_AGAIN,
        ),
        (
            "load-compiled",
            "TypeError",
            "Could not locate function 'mse'. Make sure custom classes are decorated",
            COMPILE_AGAIN,
        ),
        (
            "resume",
            "ValueError",
            "Unknown variable: <Variable path=dense/kernel>. This optimizer can only be called",
            (
                "load with load_model(path, compile=False) and compile again (the optimizer starts "
                "anew), or save to .keras"
            ),
        ),
        (
            "custom-layer",
            "ValueError",
            "Unknown layer: 'Scale'. Please ensure you are using a `keras.utils.…`",
            (
                "load inside `with keras.utils.custom_object_scope({'NAME': CLASS}):`, "
                "or take Keras 3.3 or later"
            ),
        ),
        ("load", "AttributeError", "'str' object has no attribute 'decode'", ""),
        ("resume", "OSError", "disk full", ""),
    ],
)
def test_a_known_failure_comes_with_the_way_round(
    level: str, error: str, detail: str, advice: str
) -> None:
    assert KERAS_H5.way_round(Failed(level=level, error=error, detail=detail)) == advice


def test_only_failures_have_ways_round() -> None:
    assert KERAS_H5.way_round(Passed(level="resume")) == ""
    assert KERAS_H5.way_round(Failed(level="probe:mine.py", error="E", detail="")) == ""


def test_a_missing_script_of_the_user_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        run_user_script(tmp_path / "python", tmp_path / "mine.py")
    assert caught.value.message == f"{tmp_path / 'mine.py'}: no such probe script"


def test_the_levels_of_a_stage_are_those_that_say_so() -> None:
    assert levels_of(Stage.IMPORT) == ("import-h5py", "import")
    assert levels_of(Stage.LOAD) == ("load", "weights", "custom-layer")
    assert levels_of(Stage.RECURRENT) == ("recurrent",)
    assert levels_of(Stage.CONVOLUTION) == ("convolution",)
    assert levels_of(Stage.GPU) == ()
    assert levels_of(Stage.RESOLVE) == ()


def test_what_is_lacking_is_told_in_plain_words_of_every_level() -> None:
    for level in KERAS_H5.levels:
        failed = Failed(level=level.name, error="ValueError", detail="Could not locate function")
        words = KERAS_H5.lacking(failed)
        assert words
        assert "Error" not in words
        assert "\n" not in words
        crashed = KERAS_H5.lacking(Crashed(level=level.name, detail="SIGSEGV"))
        assert crashed == f"{words}; Python ended at it (SIGSEGV)"
    assert KERAS_H5.lacking(Passed(level="fit")) == ""
    assert KERAS_H5.lacking(Failed(level="probe:own.py", error="E", detail="")) == ""
