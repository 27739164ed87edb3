"""A folder of evidence: read, joined with another, and every fault of every file told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from packaging.version import Version

from envlock.errors import UsageError
from envlock.evidence import library
from envlock.evidence.documents import render
from envlock.evidence.values import CellEvidence
from support.evidence import EVIDENCE, RULES_SET


def write(folder: Path, *cells: CellEvidence) -> None:
    for each in cells:
        (folder / each.cell.filename).write_text(render(each))


def of(version: str, python: str = "3.10") -> CellEvidence:
    cell = replace(EVIDENCE.cell, version=Version(version), python=python)
    return CellEvidence(cell=cell, sets=EVIDENCE.sets)


def test_what_a_run_writes_is_sound(tmp_path: Path) -> None:
    write(tmp_path, EVIDENCE)
    (tmp_path / "README.md").write_text("not evidence")
    assert library.check(tmp_path) == library.Library(cells=(EVIDENCE,))


def test_cells_come_newest_first_by_version_and_not_by_letter(tmp_path: Path) -> None:
    write(tmp_path, of("2.9.3"), of("2.10.1", "3.9"), of("2.10.1"))
    cells = [each.cell for each in library.load(tmp_path).cells]
    assert [(str(cell.version), cell.python) for cell in cells] == [
        ("2.10.1", "3.10"),
        ("2.10.1", "3.9"),
        ("2.9.3", "3.10"),
    ]


def test_a_folder_goes_over_another_cell_by_cell() -> None:
    newer = CellEvidence(cell=EVIDENCE.cell, sets=(RULES_SET,))
    shipped = library.Library(cells=(EVIDENCE, of("2.9.3")))
    joined = shipped.joined(library.Library(cells=(newer,)))
    assert joined.cells == (newer, of("2.9.3"))


def test_a_folder_that_is_missing_holds_nothing(tmp_path: Path) -> None:
    assert library.load(tmp_path / "none") == library.Library(cells=())


def test_a_file_that_is_no_evidence_stops_those_who_need_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(UsageError, match=r"^a\.json: not evidence of envlock: it has no schema"):
        library.load(tmp_path)


def test_a_file_name_that_does_not_match_its_cell_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(render(EVIDENCE))
    assert library.check(tmp_path).faults == (
        "other.json: holds the cell of tensorflow-cpu-2.10.1-cp310-linux-x86_64.json",
    )


def faulty(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render(EVIDENCE))
    document["sets"]["rules"].update(changes)
    return document


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ([], "a list is not of type 'object'"),
        (faulty(date="25.11.2026"), "sets.rules.date: '25.11.2026' is not a 'date'"),
        (faulty(probe="keras-h5"), "sets.rules.probe: 'keras-h5' does not match"),
        (faulty(changed={}), "sets.rules: 'changed' is not one of"),
        (faulty(seconds={"lunch": 1}), "sets.rules.seconds: 'lunch' is not one of"),
        (faulty(levels={"fit": {"ok": ""}}), "sets.rules.levels.fit: a table is not valid"),
        (faulty(mood="good"), "sets.rules: 'mood' is not one of"),
        (
            faulty(packages={"numpy": {"version": "new", "files": {}, "via": []}}),
            "sets.rules.packages.numpy.version: 'new' is not a 'version'",
        ),
    ],
)
def test_a_file_is_held_to_the_schema(tmp_path: Path, document: object, fault: str) -> None:
    (tmp_path / EVIDENCE.cell.filename).write_text(json.dumps(document))
    (found,) = library.check(tmp_path).faults
    assert found.startswith(f"{EVIDENCE.cell.filename}: {fault}")


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    document = faulty(date="never", libc=3)
    (tmp_path / EVIDENCE.cell.filename).write_text(json.dumps(document))
    faults = library.check(tmp_path).faults
    assert [each.partition(": ")[0] for each in faults] == [
        "a.json",
        EVIDENCE.cell.filename,
        EVIDENCE.cell.filename,
    ]


def test_what_came_along_before_is_told_of_the_same_release_or_else_of_the_newest(
    tmp_path: Path,
) -> None:
    name = EVIDENCE.cell.distribution
    older = replace(of("2.9.3"), sets=(replace(RULES_SET, packages=RULES_SET.packages[:1]),))
    write(tmp_path, older, of("2.10.1"), of("2.11.0", "3.9"))
    library.shelf.cache_clear()

    def found(version: str, python: str = "3.10", distribution: str = name) -> tuple[str, ...]:
        where = (tmp_path,)
        return library.companions(distribution, Version(version), python, where)

    assert found("2.9.3") == tuple(older.sets[0].pins)
    assert found("2.10.1") == tuple(RULES_SET.pins)
    assert found("99.1", "3.6", "no-such-framework") == ()
