"""Targets whose Python is not on this machine."""

from __future__ import annotations

import pytest
from packaging.version import Version

from envlock.targets.platforms import foreign_target, python_version, read_platform


@pytest.mark.parametrize(
    ("wanted", "version"),
    [("3.10", "3.10.0"), ("3.10.4", "3.10.4"), ("3.7", "3.7.1"), ("3.6", "3.6.1")],
)
def test_a_minor_stands_for_its_first_patch(wanted: str, version: str) -> None:
    assert python_version(wanted) == Version(version)


@pytest.mark.parametrize(
    "wanted", ["", "3", "2.7", "3.5", "python3.10", "3.13t", "3.10.x", "3.99", "4.0"]
)
def test_anything_else_is_no_version_to_lock_for(wanted: str) -> None:
    assert python_version(wanted) is None


@pytest.mark.parametrize(
    ("name", "taken", "refused"),
    [
        ("linux/arm64", "cp310-cp310-manylinux_2_28_aarch64", "cp310-cp310-manylinux_2_29_aarch64"),
        ("manylinux2014_x86_64", "cp310-abi3-manylinux1_x86_64", "cp310-cp310-linux_aarch64"),
        ("osx-arm64", "cp310-cp310-macosx_14_0_arm64", "cp310-cp310-macosx_15_0_arm64"),
        ("macosx_12_0_x86_64", "cp310-cp310-macosx_10_9_universal2", "cp310-cp310-win_amd64"),
        ("win-64", "py3-none-win_amd64", "cp39-cp39-win_amd64"),
    ],
)
def test_a_target_takes_the_wheels_of_its_platform(name: str, taken: str, refused: str) -> None:
    target = foreign_target(read_platform(name), Version("3.10.0"))
    assert target.interpreter is None
    assert (taken in target.tags, refused in target.tags) == (True, False)


def test_a_target_speaks_as_its_platform_does() -> None:
    target = foreign_target(read_platform("win-64"), Version("3.10.0"))
    assert (target.minor, str(target.platform), target.option) == ("3.10",) + (
        "windows-x86_64",
    ) * 2
    assert target.markers["platform_machine"] == "AMD64"
    assert target.markers["python_full_version"] == "3.10.0"
