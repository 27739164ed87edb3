"""With a real TensorFlow: what a failed proof teaches is locked, changed in place and proved."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.distributions import build_wheel
from support.program import make_program

pytestmark = [pytest.mark.network, pytest.mark.e2e, pytest.mark.nightly]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Give a folder that is gone at once: gigabytes are not worth a look."""
    yield tmp_path / "place"
    shutil.rmtree(tmp_path / "place", ignore_errors=True)


def test_a_companion_of_before_numpy_1_24_is_proved_with_the_numpy_that_it_needs(
    place: Path,
) -> None:
    """No rule speaks of it: the law of names says when numpy.complex ended."""
    wheels = place / "wheels"
    build_wheel(
        wheels,
        "envlock-test-oldtool",
        "1.0",
        files={"envlock_test_oldtool.py": "import numpy\nKIND = numpy.complex\n"},
        requires=["numpy"],
    )
    envlock = make_program(place).lasting(1500)
    asked = ("tensorflow-cpu==2.15.1", "envlock-test-oldtool", "--find-links", str(wheels))
    done = envlock("create", *asked, "--python", "3.10", "--json")
    assert done.code == 0, done.err
    (one,) = done.data["learnt"]
    (learnt,) = one["learnt"]
    assert learnt["bounds"] == {"numpy": "<1.24"}
    assert [each["package"] for each in one["changed"]] == ["numpy"]
    assert done.data["verified"] is True
    found = {each["level"]: each["status"] for each in done.data["outcomes"]}
    assert (found["load"], found["imports:envlock-test-oldtool"]) == ("passed", "passed")
    pins = {each["name"]: each for each in done.data["parts"][0]["pypi"]}
    assert pins["numpy"]["version"].startswith("1.23.")
    assert learnt["rule"]["id"] in pins["numpy"]["because"]
