"""What a system offers: seen, assumed, or said by the variables of conda."""

import pytest

from envlock.choices import Accelerator
from envlock.targets.subdirs import version_of, virtual_packages

SEEN = (("__unix", "0", "0"), ("__glibc", "2.36", "0"), ("__cuda", "12.4", "0"))


def test_what_was_seen_is_taken_as_it_is() -> None:
    assert virtual_packages("linux-64", SEEN, {}) == tuple(sorted(SEEN))


@pytest.mark.parametrize(
    ("subdir", "names"),
    [
        ("linux-64", ["__archspec", "__glibc", "__linux", "__unix"]),
        ("osx-arm64", ["__archspec", "__osx", "__unix"]),
        ("win-64", ["__archspec", "__win"]),
    ],
)
def test_another_platform_gets_what_is_usual_there(subdir: str, names: list[str]) -> None:
    assert [name for name, _, _ in virtual_packages(subdir, (), {})] == names


def test_the_overrides_of_conda_are_honoured_where_they_belong() -> None:
    environ = {"CONDA_OVERRIDE_GLIBC": "2.17", "CONDA_OVERRIDE_OSX": "11.0"}
    linux = virtual_packages("linux-64", (), environ)
    mac = virtual_packages("osx-arm64", (), environ)
    assert (version_of("__glibc", linux), version_of("__osx", linux)) == ("2.17", "")
    assert (version_of("__glibc", mac), version_of("__osx", mac)) == ("", "11.0")
    cuda = virtual_packages("linux-64", (), {"CONDA_OVERRIDE_CUDA": "11.8"})
    assert version_of("__cuda", cuda) == "11.8"
    arch = virtual_packages("linux-64", (), {"CONDA_OVERRIDE_ARCHSPEC": "x86_64_v3"})
    assert ("__archspec", "1", "x86_64_v3") in arch


def test_an_empty_override_takes_the_package_away() -> None:
    assert (
        version_of("__cuda", virtual_packages("linux-64", SEEN, {"CONDA_OVERRIDE_CUDA": ""})) == ""
    )


def test_the_accelerator_takes_cuda_away_or_assumes_it() -> None:
    assert version_of("__cuda", virtual_packages("linux-64", SEEN, {}, Accelerator.CPU)) == ""
    assert version_of("__cuda", virtual_packages("linux-64", SEEN, {}, Accelerator.CUDA)) == "12.4"
    assert version_of("__cuda", virtual_packages("linux-64", (), {}, Accelerator.CUDA)) == "12.9"
