"""What is slow each time fails; what a busy machine was slow at once does not."""

import subprocess
import sys
from itertools import count
from time import process_time

import pytest

from support.pace import assert_quick, assert_soon, of_children, wait_until


def busy(seconds: float) -> None:
    end = process_time() + seconds
    while process_time() < end:
        pass


def test_what_is_slow_each_time_fails() -> None:
    with pytest.raises(
        AssertionError, match=r"took 0\.\d+ s each time, where 0\.001 s are allowed"
    ):
        assert_quick(0.001, lambda: busy(0.05))


def test_what_is_slow_once_passes_and_gives_what_it_gave_last() -> None:
    tries = count()

    def work() -> int:
        number = next(tries)
        busy(0 if number else 0.2)
        return number

    assert assert_quick(0.05, work) == 1


def test_a_wait_is_measured_by_the_clock_on_the_wall() -> None:
    def ask() -> int:
        return subprocess.run([sys.executable, "-c", "import time; time.sleep(0.2)"]).returncode  # noqa: PLW1510

    assert assert_quick(0.15, ask) == 0
    with pytest.raises(AssertionError):
        assert_soon(0.01, ask)


def test_programs_are_measured_by_their_own_time() -> None:
    burn = "import time\nwhile time.process_time() < 0.15: pass"
    with pytest.raises(AssertionError):
        assert_quick(
            0.1, lambda: subprocess.run([sys.executable, "-c", burn], check=True), of_children
        )


def test_what_never_comes_is_not_waited_for_for_ever() -> None:
    with pytest.raises(AssertionError, match="it did not come to that"):
        wait_until(lambda: False, 0.05)
