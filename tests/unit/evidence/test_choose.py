"""Which set answers a request: all that is asked for, on the very cell, with nothing against it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.evidence.proved import Needed, cells_for, newest_on_record, unmet, usable
from envlock.evidence.values import Cell, ProvedSet
from envlock.model import Platform, Requested, Target
from envlock.outcomes import Failed
from envlock.resolve.candidate import merge
from envlock.rules.database import load
from envlock.targets.platforms import target_on
from support.evidence import CELL, EVIDENCE, GATE, RULES_SET, package, proved

LINUX = Platform(system="linux", machine="x86_64", libc="glibc 2.36")
PYTHON = Version("3.10.13")
TARGET = target_on(LINUX, PYTHON, Accelerator.CPU)
OLDER = replace(CELL, version=Version("2.9.3"))


def asked(*texts: str, constraints: tuple[str, ...] = (), target: Target = TARGET) -> Needed:
    def wishes(lines: tuple[str, ...]) -> list[Requested]:
        return [Requested(requirement=Requirement(each), origin="command line") for each in lines]

    return Needed(
        requirements=merge(wishes(texts)),
        constraints=merge(wishes(constraints)),
        target=target,
        rules=load().rules,
        levels=GATE,
    )


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (("tensorflow",), (CELL, OLDER)),
        (("tensorflow-cpu",), (CELL, OLDER)),
        (("tensorflow<2.10", "h5py"), (OLDER,)),
        (("tensorflow[and-cuda]",), ()),
        (("h5py",), ()),
    ],
)
def test_cells_are_those_of_the_wished_releases_newest_first(
    texts: tuple[str, ...], found: tuple[Cell, ...]
) -> None:
    assert cells_for(asked(*texts), [OLDER, CELL]) == found


@pytest.mark.parametrize(
    "target",
    [
        replace(TARGET, python=Version("3.9.18")),
        replace(TARGET, platform=Platform(system="linux", machine="aarch64")),
        replace(TARGET, accelerator=Accelerator.AUTO),  # another build
        replace(TARGET, accelerator=Accelerator.CUDA),
    ],
)
def test_another_cell_is_no_answer(target: Target) -> None:
    assert cells_for(asked("tensorflow", target=target), [CELL]) == ()


def test_constraints_choose_the_release_too() -> None:
    request = asked("tensorflow", constraints=("tensorflow-cpu<2.10",))
    assert cells_for(request, [OLDER, CELL]) == (OLDER,)


def test_the_newest_release_on_record_is_one_with_a_wheel_that_is_asked_for() -> None:
    assert newest_on_record(asked("tensorflow<2.11")) == Version("2.10.1")
    assert newest_on_record(asked("tensorflow>90")) is None


def test_a_set_that_obeys_the_rules_and_fits_is_usable() -> None:
    assert usable(RULES_SET, asked("tensorflow"))


@pytest.mark.parametrize(
    "bad",
    [
        replace(RULES_SET, outcomes=(*RULES_SET.outcomes[1:],)),
        replace(RULES_SET, outcomes=(Failed(level="load", error="E", detail=""),)),
        proved("rules", package("tensorflow-cpu", "2.10.1"), package("numpy", "2.2.6")),
    ],
    ids=["a level was not tried", "a level failed", "a rule of today refuses it"],
)
def test_other_sets_are_not(bad: ProvedSet) -> None:
    assert not usable(bad, asked("tensorflow"))


def test_a_set_with_a_setting_is_usable_unless_the_request_sets_it_otherwise() -> None:
    legacy = replace(RULES_SET, name="legacy", variables={"TF_USE_LEGACY_KERAS": "1"})
    assert usable(legacy, asked("tensorflow"))
    for value, fits in (("1", True), ("0", False)):
        target = replace(TARGET, variables={"TF_USE_LEGACY_KERAS": value})
        assert usable(legacy, asked("tensorflow", target=target)) is fits


def test_files_for_a_newer_c_library_do_not_fit() -> None:
    old = Platform(system="linux", machine="x86_64", libc="glibc 2.12")
    target = target_on(old, PYTHON, Accelerator.CPU)
    assert not usable(RULES_SET, asked("tensorflow", target=target))


def test_a_set_of_a_later_day_is_no_answer_as_of_a_date() -> None:
    day = RULES_SET.circumstances.day
    before = datetime(day.year, day.month, day.day - 1, tzinfo=UTC)
    assert not usable(RULES_SET, replace(asked("tensorflow"), exclude_newer=before))


@pytest.mark.parametrize(
    ("texts", "constraints", "missing"),
    [
        (("tensorflow",), (), ()),
        (("tensorflow==2.10.1", "h5py>=3", "numpy"), (), ()),
        (("tensorflow", "pandas"), (), ("pandas",)),
        (("tensorflow", "h5py<3.16"), (), ("h5py<3.16",)),
        (("tensorflow", "h5py[mpi]"), (), ("h5py[mpi]",)),
        (("tensorflow",), ("numpy<1.23",), ("numpy<1.23",)),
        (("tensorflow",), ("pandas<2",), ()),
    ],
)
def test_what_a_set_does_not_meet_is_named(
    texts: tuple[str, ...], constraints: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    assert unmet(RULES_SET, asked(*texts, constraints=constraints)) == missing


def test_a_set_that_was_not_run_is_never_usable() -> None:
    assert not usable(proved("rules", outcomes=(), problem="no wheel"), asked("tensorflow"))


def test_the_name_of_a_file_tells_its_cell() -> None:
    assert CELL.filename == "tensorflow-cpu-2.10.1-cp310-linux-x86_64.json"
    assert Cell.named(CELL.filename) == EVIDENCE.cell
    assert Cell.named("schema.json") is None
