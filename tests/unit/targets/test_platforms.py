"""The names of platforms, and what a lock for one takes for granted."""

from __future__ import annotations

import subprocess

import pytest
from packaging.markers import default_environment
from uv import find_uv_bin

from envlock.errors import UsageError
from envlock.model import Platform
from envlock.targets.platforms import (
    KNOWN,
    assumed,
    find_known,
    markers,
    read_platform,
    read_platforms,
    uv_name,
)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("linux-x86_64", "linux-x86_64"),
        ("linux/amd64", "linux-x86_64"),
        ("linux-64", "linux-x86_64"),
        ("x86_64-unknown-linux-gnu", "linux-x86_64"),
        ("linux", "linux-x86_64"),
        ("linux/arm64", "linux-aarch64"),
        ("Linux/ARM64/v8", "linux-aarch64"),
        ("linux-aarch64", "linux-aarch64"),
        ("osx-arm64", "macos-arm64"),
        ("macos", "macos-arm64"),
        ("aarch64-apple-darwin", "macos-arm64"),
        ("osx-64", "macos-x86_64"),
        ("win-64", "windows-x86_64"),
        ("win_amd64", "windows-x86_64"),
        ("windows/amd64", "windows-x86_64"),
        ("win-arm64", "windows-arm64"),
    ],
)
def test_a_platform_goes_by_the_names_of_conda_docker_and_uv(name: str, meant: str) -> None:
    place = read_platform(name)
    assert (str(place.platform), place.option, place.platform.libc) == (meant, meant, "")


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("manylinux_2_17_x86_64", Platform(system="linux", machine="x86_64", libc="glibc 2.17")),
        ("manylinux2014_aarch64", Platform(system="linux", machine="aarch64", libc="glibc 2.17")),
        ("musllinux_1_2_x86_64", Platform(system="linux", machine="x86_64", libc="musl 1.2")),
        ("macosx_12_0_arm64", Platform(system="macos", machine="arm64", libc="macos 12.0")),
    ],
)
def test_a_tag_of_wheels_tells_the_system_to_start_at(tag: str, meant: Platform) -> None:
    place = read_platform(tag)
    assert (place.platform, place.option) == (meant, tag)
    assert assumed(place.platform, (3, 12)) == meant


def test_several_platforms_may_stand_in_a_list_and_count_once() -> None:
    places = read_platforms(["linux/amd64,linux/arm64", "win-64", "linux-64"])
    options = [place.option for place in places]
    assert options == ["linux-x86_64", "linux-aarch64", "windows-x86_64"]


def test_no_name_means_two_platforms() -> None:
    names = [name for known in KNOWN for name in known.names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["", "linux-x8664", "manylinux_2_17_s390x", "macosx_12_0_ppc"])
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_platform(name)
    assert caught.value.message == (
        f"--platform {name}: no such platform; there are linux-x86_64, linux-aarch64, macos-arm64,"
        " macos-x86_64, windows-x86_64, windows-arm64, the names that conda, Docker and uv have"
        " for them, and tags of wheels such as manylinux_2_17_x86_64 for the system to start at"
    )
    if name.startswith("linux"):
        assert caught.value.remedies == ("--platform linux-x86_64",)


@pytest.mark.parametrize(
    ("name", "release", "libc"),
    [
        ("linux-x86_64", (3, 12), "glibc 2.28"),
        ("linux-aarch64", (3, 9), "glibc 2.28"),
        ("linux-x86_64", (3, 8), "glibc 2.17"),
        ("macos-arm64", (3, 9), "macos 14.0"),
        ("windows-x86_64", (3, 9), ""),
    ],
)
def test_a_system_that_is_not_named_is_an_old_one(
    name: str, release: tuple[int, int], libc: str
) -> None:
    assert assumed(read_platform(name).platform, release).libc == libc


def test_every_variable_of_a_marker_has_a_value() -> None:
    for known in KNOWN:
        found = markers(known.platform, "3.10.4")
        assert set(found) == set(default_environment())
        assert (found["python_version"], found["python_full_version"]) == ("3.10", "3.10.4")


@pytest.mark.parametrize("libc", ["", "glibc 2.17", "glibc 2.28", "glibc 2.39", "glibc 2.99"])
def test_uv_knows_every_platform_by_the_name_it_is_given(libc: str) -> None:
    said = subprocess.run(
        [find_uv_bin(), "help", "pip", "compile"], capture_output=True, text=True, check=True
    ).stdout
    for known in KNOWN:
        place = Platform(
            system=known.platform.system,
            machine=known.platform.machine,
            libc=libc if known.platform.system == "linux" else "",
        )
        assert f" {uv_name(place)}:" in said


@pytest.mark.parametrize(
    ("libc", "name"),
    [
        ("glibc 2.27", "aarch64-manylinux_2_17"),
        ("glibc 2.30", "aarch64-manylinux_2_28"),
        ("musl 1.2", "aarch64-unknown-linux-musl"),
    ],
)
def test_uv_is_told_of_a_system_that_is_not_newer(libc: str, name: str) -> None:
    assert uv_name(Platform(system="linux", machine="aarch64", libc=libc)) == name


def test_a_machine_that_uv_does_not_know_is_told() -> None:
    other = Platform(system="linux", machine="s390x", libc="glibc 2.36")
    assert find_known(other) is None
    with pytest.raises(UsageError) as caught:
        uv_name(other)
    assert caught.value.message == (
        "linux-s390x is not a platform that uv can resolve for from another one"
    )
