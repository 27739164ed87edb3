"""The targets of pip's part are those of a Python that conda is going to install."""

import pytest
from packaging.version import Version

from envlock.system import WINDOWS
from envlock.targets.description import describe, target
from envlock.targets.interpreters import find_interpreter
from envlock.targets.platforms import KNOWN
from envlock.targets.subdirs import platform_of, target_of, virtual_packages


@pytest.mark.skipif(WINDOWS, reason="compares with an interpreter of Linux")
def test_the_target_of_this_machine_is_what_its_interpreter_says() -> None:
    asked = target(describe(find_interpreter(None).path))
    glibc = asked.platform.libc.removeprefix("glibc ")
    made = target_of("linux-64", asked.python, (("__glibc", glibc, "0"),))
    assert made.tags == asked.tags
    assert made.platform == asked.platform
    unknown = {"platform_release", "platform_version"}
    assert {k: v for k, v in made.markers.items() if k not in unknown} == {
        k: v for k, v in asked.markers.items() if k not in unknown
    }


@pytest.mark.parametrize(
    ("subdir", "tag"),
    [
        ("linux-aarch64", "cp311-cp311-manylinux_2_28_aarch64"),
        ("osx-arm64", "cp311-cp311-macosx_13_0_arm64"),
        ("osx-64", "cp311-cp311-macosx_13_0_x86_64"),
        ("win-64", "cp311-cp311-win_amd64"),
    ],
)
def test_other_platforms_have_their_tags(subdir: str, tag: str) -> None:
    found = target_of(subdir, Version("3.11.4"), virtual_packages(subdir, (), {}))
    assert tag in found.tags
    assert "py3-none-any" in found.tags
    assert found.interpreter is None


def test_every_platform_of_conda_has_a_target() -> None:
    assert len({str(platform_of(each.conda)) for each in KNOWN}) == len(KNOWN)
