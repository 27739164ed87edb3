"""What other tools call a platform leads to the same one."""

from __future__ import annotations

import pytest

from envlock.targets.platforms import read_platform


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("x86_64-manylinux2014", "manylinux2014_x86_64"),
        ("x86_64-manylinux_2_28", "manylinux_2_28_x86_64"),
        ("aarch64-unknown-linux-musl", "musllinux_1_2_aarch64"),
        ("linux/amd64/v3", "linux-x86_64"),
        ("linux/arm64/v8", "linux-aarch64"),
        ("linux_aarch64", "linux-aarch64"),
        ("macosx-11.0-arm64", "macosx_11_0_arm64"),
        ("win-amd64", "windows-x86_64"),
        ("Windows/AMD64", "windows-x86_64"),
    ],
)
def test_a_name_of_another_tool_is_that_platform(name: str, same: str) -> None:
    assert read_platform(name) == read_platform(same)
