"""Selectors of platforms: words of conda-build, as entries and comments have them."""

import pytest
from packaging.markers import Marker

from envlock.formats.conda_spec import PLATFORMS, is_for, marker, selected, selector
from envlock.model import Platform

WORDS = [
    ("linux64", ("linux-64",)),
    ("linux-aarch64", ("linux-aarch64",)),
    ("arm64", ("osx-arm64", "win-arm64")),
    ("osx", ("osx-64", "osx-arm64")),
    ("osx and not arm64", ("osx-64",)),
    ("win64 or osx-arm64", ("osx-arm64", "win-64")),
    ("not unix", ("win-32", "win-64", "win-arm64")),
    ("linux and win", ()),
    ("py39", None),
    ("not a word", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "platforms"), WORDS)
def test_a_selector_names_platforms_or_is_a_remark(
    text: str, platforms: tuple[str, ...] | None
) -> None:
    assert selected(text) == platforms


@pytest.mark.parametrize("text", ["linux", "osx", "win", "unix", "linux-64", "osx-64 or win-64"])
def test_platforms_are_written_as_the_selector_they_came_from(text: str) -> None:
    only = selected(text)
    assert only is not None
    assert selector(only) == text
    assert selected(selector(only)) == only


@pytest.mark.parametrize("text", ["linux", "linux64", "osx", "unix", "win64 or osx-arm64"])
def test_the_marker_holds_on_the_platforms_alone(text: str) -> None:
    only = selected(text)
    assert only is not None
    holds = Marker(marker(only))
    for name, system, machine in [
        ("linux-64", "linux", "x86_64"),
        ("linux-aarch64", "linux", "aarch64"),
        ("osx-64", "darwin", "x86_64"),
        ("osx-arm64", "darwin", "arm64"),
        ("win-64", "win32", "AMD64"),
    ]:
        assert name in PLATFORMS
        assert holds.evaluate({"sys_platform": system, "platform_machine": machine}) is (
            name in only
        )


def test_a_platform_of_unknown_machine_may_be_any_of_its_system() -> None:
    assert is_for(("linux-aarch64",), Platform(system="linux", machine=""))
    assert not is_for(("osx-64",), Platform(system="linux", machine=""))
    assert is_for(("osx-arm64",), Platform(system="macos", machine="arm64"))
    assert not is_for(("linux-64",), Platform(system="linux", machine="aarch64"))
