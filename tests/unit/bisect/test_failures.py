"""How something failed, as far as two failures are compared."""

import pytest

from envlock.bisect.ddmin import Verdict
from envlock.bisect.failures import Failure, failures, raised, verdict
from envlock.outcomes import Crashed, Failed, Outcome, Passed, Skipped

CHAINED = """\
some log
Traceback (most recent call last):
  File "a.py", line 1, in <module>
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
numpy.exceptions.AxisError: axis 2 is out of bounds
Exception ignored in: <function f>
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CHAINED, ("AxisError", "axis 2 is out of bounds")),
        ("Traceback (most recent call last):\nKeyboardInterrupt\n", ("KeyboardInterrupt", "")),
        ("usage: it\nerror: no\n\n", ("exit status 2", "error: no")),
        (
            "ValueError: only said, not raised\n",
            ("exit status 2", "ValueError: only said, not raised"),
        ),
        ("", ("exit status 2", "")),
    ],
)
def test_the_exception_that_a_program_ends_with_is_read(text: str, found: tuple[str, str]) -> None:
    assert raised(text, "exit status 2") == found


def failure(error: str = "TypeError", message: str = "no", level: str = "load") -> Failure:
    return Failure(level=level, error=error, message=message)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], Verdict.PASSES),
        ([failure(message="in other words")], Verdict.FAILS),
        ([failure("ValueError")], Verdict.UNRESOLVED),
        ([failure(level="save")], Verdict.UNRESOLVED),
        ([failure(level="save"), failure()], Verdict.FAILS),
    ],
)
def test_the_same_level_and_type_of_error_are_the_same_failure(
    found: list[Failure], said: Verdict
) -> None:
    assert verdict(found, failure()) is said


def test_missing_modules_are_different_failures() -> None:
    one, other = (
        failure("ModuleNotFoundError", f"No module named '{name}'") for name in ("a", "b")
    )
    assert verdict([one], one) is Verdict.FAILS
    assert verdict([one], other) is Verdict.UNRESOLVED


def test_required_levels_that_do_not_pass_are_told_in_their_order() -> None:
    outcomes: tuple[Outcome, ...] = (
        Passed(level="import"),
        Failed(level="savedmodel", error="OSError", detail="of no interest"),
        Failed(level="load", error="KeyError", detail="\n'a'\nmore", traceback="whole"),
        Failed(level="resume", error="OSError", detail="later"),
    )
    assert failures(outcomes, ("import", "load", "resume")) == (
        Failure(level="load", error="KeyError", message="'a'", text="whole"),
        Failure(level="resume", error="OSError", message="later", text="later"),
    )
    assert failures(outcomes, ("import",)) == ()


def test_a_level_that_is_not_reached_fails_as_what_kept_it_from_being() -> None:
    outcomes: tuple[Outcome, ...] = (
        Failed(level="import", error="ImportError", detail="no"),
        Skipped(level="fit", detail="import failed"),
        Skipped(level="load", detail="import failed"),
    )
    assert [*map(str, failures(outcomes, ("fit", "load")))] == ["import: ImportError: no"]


def test_a_level_that_a_release_does_not_have_is_no_pass() -> None:
    (found,) = failures((Skipped(level="keras", detail="it began with 2.12"),), ("keras",))
    assert str(found) == "keras: not tried: it began with 2.12"


def test_a_crash_is_known_by_its_signal() -> None:
    outcomes = (Crashed(level="fit", detail="SIGSEGV", output="where"),)
    assert failures(outcomes, ("fit",)) == (
        Failure(level="fit", error="SIGSEGV", message="", text="where"),
    )


def test_the_exit_status_of_a_script_gives_way_to_the_exception_that_it_printed() -> None:
    outcome = Failed(level="probe:a.py", error="exit status 1", detail="last", traceback=CHAINED)
    (found,) = failures((outcome,), ("probe:a.py",))
    assert str(found) == "probe:a.py: AxisError: axis 2 is out of bounds"
