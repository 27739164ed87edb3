"""Which cells a plan names."""

import pytest

from envlock.choices import Accelerator
from envlock.errors import UsageError
from envlock.matrix.plan import MatrixPlan, cells, minors, read_plan, specifier
from envlock.model import Platform

LINUX = Platform(system="linux", machine="x86_64", libc="glibc 2.36")
HERE = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


def named(plan: MatrixPlan, here: tuple[str, ...] = HERE) -> list[str]:
    return [str(each.cell) for each in cells(plan, LINUX, here)]


def test_the_last_patch_of_every_minor_on_every_python_with_a_wheel_is_82_cells() -> None:
    plan = MatrixPlan(releases=specifier("<2.22"))
    assert len(named(plan)) == 82


def test_the_newest_release_and_python_come_first() -> None:
    assert named(MatrixPlan(releases=specifier(">=2.9,<2.11"))) == [
        "tensorflow-cpu 2.10.1 on Python 3.10",
        "tensorflow-cpu 2.10.1 on Python 3.9",
        "tensorflow-cpu 2.10.1 on Python 3.8",
        "tensorflow-cpu 2.10.1 on Python 3.7",
        "tensorflow-cpu 2.9.3 on Python 3.10",
        "tensorflow-cpu 2.9.3 on Python 3.9",
        "tensorflow-cpu 2.9.3 on Python 3.8",
        "tensorflow-cpu 2.9.3 on Python 3.7",
    ]


def test_every_patch_is_run_when_asked_for() -> None:
    plan = MatrixPlan(releases=specifier("==2.10.*"), pythons=("3.10",), patches=True)
    assert named(plan) == [
        "tensorflow-cpu 2.10.1 on Python 3.10",
        "tensorflow-cpu 2.10.0 on Python 3.10",
    ]


def test_a_python_that_is_not_here_has_no_cells() -> None:
    assert named(MatrixPlan(releases=specifier("2.10.1")), ("3.10",)) == [
        "tensorflow-cpu 2.10.1 on Python 3.10"
    ]


def test_a_release_without_a_cpu_build_is_run_as_tensorflow() -> None:
    assert named(MatrixPlan(releases=specifier("1.14.0"), pythons=("3.7",))) == [
        "tensorflow 1.14.0 on Python 3.7"
    ]


def test_the_plain_build_is_run_when_asked_for() -> None:
    plan = MatrixPlan(releases=specifier("2.10.1"), pythons=("3.10",), accelerator=Accelerator.AUTO)
    assert named(plan) == ["tensorflow 2.10.1 on Python 3.10"]


def test_packages_are_varied_on_the_newest_python_alone_when_told() -> None:
    text = "releases: '>=2.10,<2.11'\nvary: h5py\nvary-newest: true\n"
    plan = read_plan("plan.yaml", text)
    assert [(each.cell.python, each.vary) for each in cells(plan, LINUX, HERE)] == [
        ("3.10", ("h5py",)),
        ("3.9", ()),
        ("3.8", ()),
        ("3.7", ()),
    ]


def test_keras_2_is_run_where_a_release_comes_with_keras_3() -> None:
    plan = MatrixPlan(releases=specifier(">=2.15,<2.17"), pythons=("3.11",), legacy=True)
    found = {str(each.cell.version): each.legacy for each in cells(plan, LINUX, HERE)}
    assert found == {"2.16.2": True, "2.15.1": False}


def test_companions_are_run_in_the_cells_of_their_table_beside_the_plain_build() -> None:
    plan = MatrixPlan(releases=specifier(">=2.15"), companions=True)
    found = cells(plan, LINUX, HERE)
    assert [str(each.cell) for each in found] == [
        "tensorflow 2.21.0 on Python 3.12",
        "tensorflow 2.18.1 on Python 3.12",
        "tensorflow 2.15.1 on Python 3.11",
    ]
    assert all(len(each.companions) == 60 and "pandas" in each.companions for each in found)
    assert cells(plan, LINUX, ("3.9",)) == ()


def test_a_plan_file_has_the_fields_of_a_plan() -> None:
    text = "releases: 2.10.1\npythons: ['3.9', '3.10']\nbaseline: true\naccelerator: auto\n"
    assert read_plan("plan.yaml", text) == MatrixPlan(
        releases=specifier("2.10.1"),
        pythons=("3.9", "3.10"),
        baseline=True,
        accelerator=Accelerator.AUTO,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", "plan.yaml: not a plan: a mapping is wanted"),
        (
            "tensorflow: 2.10.1",
            "plan.yaml: there is no 'tensorflow' in a plan; there are accelerator, baseline,",
        ),
        (
            "releases: new",
            "plan.yaml: releases: 'new' is neither a version nor a specifier such as >=2.4",
        ),
        ("pythons: 3", "plan.yaml: pythons: '3' is not a Python such as 3.10"),
        ("baseline: 1", "plan.yaml: baseline: 1 is neither true nor false"),
        ("accelerator: gpu", "plan.yaml: accelerator: 'gpu' is not a valid Accelerator"),
        ("a: !!python/tuple []", "plan.yaml:1: not YAML: could not determine a constructor"),
    ],
)
def test_a_plan_that_makes_no_sense_is_told(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_plan("plan.yaml", text)
    assert caught.value.message.startswith(message)


def test_pythons_are_told_in_one_word_or_several() -> None:
    assert minors(["3.8,3.9", "3.10", "3.8"]) == ("3.8", "3.9", "3.10")
