"""Families of distributions: written once, each name in one, every answer normalised."""

import pytest
from packaging.utils import NormalizedName, canonicalize_name

from envlock.releases import framework_releases
from envlock.rules.frameworks import families


def name(text: str) -> NormalizedName:
    return canonicalize_name(text)


def test_a_member_knows_its_family_and_a_stranger_has_none() -> None:
    assert families().family_of(name("tensorflow-cpu")) == "tensorflow"
    assert families().family_of(name("opencv-contrib-python")) == "opencv-python"
    assert families().family_of(name("numpy")) is None


def test_a_name_of_no_family_stands_for_itself() -> None:
    assert families().members(name("numpy")) == ("numpy",)
    assert families().members(name("tensorflow"))[:2] == ("tensorflow", "tensorflow-cpu")
    assert families().members(name("tensorflow-cpu")) == ("tensorflow-cpu",)


def test_keras_and_tf_keras_are_not_one_family() -> None:
    assert families().family_of(name("keras")) == "keras"
    assert families().family_of(name("tf-keras")) == "tf-keras"


def test_a_distribution_is_in_one_family_and_every_family_is_named_after_a_member() -> None:
    members = [each for names in families().by_name.values() for each in names]
    assert len(members) == len(set(members))
    assert all(family in names for family, names in families().by_name.items())


def test_every_distribution_of_a_release_is_a_member() -> None:
    carried = {each for item in framework_releases() for each in item.wheels}
    assert carried <= set(families().members(name("tensorflow")))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("tensorflow", "tensorflow-intel", True),
        ("tensorflow-macos", "tensorflow", True),
        ("tensorflow-cpu", "tensorflow-intel", True),
        ("tensorflow", "tensorflow-cpu", False),
        ("tensorflow", "tensorflow-gpu", False),
        ("keras", "tf-keras", False),
    ],
)
def test_a_shell_and_what_it_pulls_in_are_a_stub_pair(
    one: str, other: str, *, expected: bool
) -> None:
    assert families().is_stub_pair(name(one), name(other)) is expected


def test_every_shell_in_the_release_data_is_a_stub_pair() -> None:
    pulled = {
        (shell, line.partition("==")[0])
        for item in framework_releases()
        for (shell, _), lines in item.needs.items()
        for line in lines
        if line.partition("==")[0] in item.wheels.keys() - {shell}
    }
    assert pulled
    assert all(families().is_stub_pair(name(shell), name(inner)) for shell, inner in pulled)


def test_wheels_only_names_what_takes_a_compiler_and_not_what_never_had_a_wheel() -> None:
    wheels_only = families().wheels_only
    assert list(wheels_only) == sorted(wheels_only)
    assert {"h5py", "numpy", "scipy", "grpcio", "pandas"} <= set(wheels_only)
    # gast 0.2.2, termcolor 1.1.0 and wrapt 1.12.1 are pinned by releases and have no wheel.
    assert not {"gast", "termcolor", "wrapt", "absl-py"} & set(wheels_only)
