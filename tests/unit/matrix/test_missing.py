"""What evidence is behind: against the releases on record and the present probe."""

from __future__ import annotations

from msgspec.structs import replace
from packaging.version import Version

from envlock.evidence.values import CellEvidence
from envlock.matrix.plan import h5py_series, missing_cells, missing_series, other_probes
from support.evidence import CELL, EVIDENCE, RULES_SET, WHERE, proved


def test_without_evidence_there_is_no_platform_to_ask_for() -> None:
    assert missing_cells(()) == ()


def test_every_last_patch_on_every_python_with_a_wheel_is_asked_for() -> None:
    missing = missing_cells((EVIDENCE,))
    names = {(str(cell.version), cell.python) for cell in missing}
    assert (str(CELL.version), CELL.python) not in names
    assert {("2.10.1", "3.7"), ("2.10.1", "3.8"), ("2.10.1", "3.9"), ("1.13.2", "3.6")} <= names
    assert not any(version == "2.10.0" for version, _ in names)
    assert all(Version(python) >= Version("3.6") for _, python in names)
    assert {cell.platform for cell in missing} == {CELL.platform}


def test_the_c_library_of_the_run_decides_which_wheels_count() -> None:
    old = replace(RULES_SET, circumstances=replace(WHERE, libc="glibc 2.5"))
    missing = missing_cells((CellEvidence(cell=CELL, sets=(old,)),))
    assert {str(cell.version) for cell in missing} == {"1.13.2", "1.14.0"}


def test_an_h5py_that_was_not_tried_is_told_where_others_were() -> None:
    series = h5py_series(EVIDENCE)
    assert {"3.1", "3.11"} & set(series) == {"3.11"}
    (left,) = missing_series((EVIDENCE,)).values()
    assert left == tuple(each for each in series if each != "3.11")
    assert missing_series((CellEvidence(cell=CELL, sets=(RULES_SET,)),)) == {}


def test_a_series_that_was_tried_is_not_missing() -> None:
    sets = tuple(proved(f"h5py {each}") for each in h5py_series(EVIDENCE))
    assert missing_series((CellEvidence(cell=CELL, sets=sets),)) == {}


def test_sets_of_another_probe_are_told() -> None:
    probe = WHERE.probe
    assert other_probes((EVIDENCE,), probe) == {}
    assert other_probes((EVIDENCE,), "keras-h5 ffffffffffff") == {
        CELL: ("rules", "plain", "h5py 3.1", "h5py 3.11")
    }
