"""Markers are judged for the target, and pins have to agree there."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from envlock.errors import NoResolution, UsageError
from envlock.model import Platform, Requested, Target
from envlock.request.words import applicable


def target(python: str = "3.10.14", system: str = "linux") -> Target:
    return Target(
        python=Version(python),
        platform=Platform(system=system, machine="x86_64"),
        markers={
            "implementation_name": "cpython",
            "implementation_version": python,
            "os_name": "nt" if system == "windows" else "posix",
            "platform_machine": "x86_64",
            "platform_python_implementation": "CPython",
            "platform_release": "6.1.0-custom",
            "platform_system": system.title(),
            "platform_version": "#1 SMP",
            "python_full_version": python,
            "python_version": python.rpartition(".")[0],
            "sys_platform": "win32" if system == "windows" else system,
        },
    )


def asked(*texts: str) -> list[Requested]:
    return [
        Requested(requirement=Requirement(text), origin=f"requirements.in:{number}")
        for number, text in enumerate(texts, 1)
    ]


def kept(goal: Target, *texts: str) -> list[str]:
    return [item.requirement.name for item in applicable(asked(*texts), goal)]


def test_a_requirement_for_another_target_is_left_out() -> None:
    texts = (
        "numpy",
        "a; python_version < '3.9'",
        "b; python_version >= '3.9'",
        "c; sys_platform == 'win32'",
        "d; extra == 'gpu'",
        "e; platform_machine != 'arm64' or python_version < '3.11'",
    )

    assert kept(target(), *texts) == ["numpy", "b", "e"]
    assert kept(target("3.8.20", "windows"), *texts) == ["numpy", "a", "c", "e"]


def test_pins_for_different_targets_agree_on_each() -> None:
    pins = (
        "tensorflow==2.8.1; python_version < '3.11'",
        "tensorflow==2.13.0; python_version >= '3.11'",
    )

    assert [str(item.requirement.specifier) for item in applicable(asked(*pins), target())] == [
        "==2.8.1"
    ]


def test_two_pins_of_one_package_are_told_with_where_they_are() -> None:
    with pytest.raises(NoResolution) as caught:
        applicable(asked("numpy==1.19", "h5py==3.1", "NumPy==1.22", "H5Py==3.1.*"), target())

    assert caught.value.message == (
        "these two lines exclude each other: numpy==1.19 (requirements.in:1) and NumPy==1.22"
        " (requirements.in:3)"
    )
    assert caught.value.remedies == ("remove numpy==1.19 or NumPy==1.22",)


def test_two_ranges_without_a_version_in_both_are_told_alike() -> None:
    with pytest.raises(NoResolution, match=r"h5py>=3 \(requirements.in:1\) and h5py<2"):
        applicable(asked("h5py>=3", "h5py<2; python_version > '3'"), target())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("numpy==1.19", "numpy==1.19.0"),
        ("torch==2.0.1", "torch==2.0.1.0+cpu"),
        ("numpy==1.19.*", "numpy==1.19.4"),
        ("numpy>=1.19", "numpy==1.22"),
    ],
)
def test_pins_of_the_same_version_agree_and_ranges_that_meet(first: str, second: str) -> None:
    assert len(applicable(asked(first, second), target())) == 2


def test_two_builds_of_one_version_do_not_agree() -> None:
    with pytest.raises(NoResolution, match=r"2\.0\+cpu .* and torch==2\.0\+cu118"):
        applicable(asked("torch==2.0+cpu", "torch==2.0+cu118"), target())


@pytest.mark.parametrize(
    ("marker", "cause"),
    [
        ('os_name ~= "x"', "Undefined <Op('~=')> on 'posix' and 'x'."),
        ('"gpu" in extras', "'extras'"),
    ],
)
def test_a_marker_that_cannot_be_judged_is_refused_with_its_line(marker: str, cause: str) -> None:
    with pytest.raises(UsageError) as caught:
        applicable(asked("numpy", f"h5py; {marker}"), target())

    assert caught.value.message == (
        f'requirements.in:2: the marker "{marker}" cannot be judged: {cause}'
    )
    assert caught.value.remedies == (
        "write h5py without it, or with a marker such as \"; sys_platform == 'linux'\"",
    )
