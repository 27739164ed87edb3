"""`envlock capabilities` and `envlock matrix check`, over a folder of evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from envlock.evidence.documents import render
from envlock.evidence.values import CellEvidence, ProvedSet
from envlock.outcomes import Passed
from support.evidence import BROKEN, CELL, EVIDENCE, GATE, package, proved
from support.program import Program

TF, NUMPY2 = package("tensorflow-cpu", "2.10.1"), package("numpy", "2.2.6")


@pytest.fixture
def folder(program: Program) -> Path:
    """A folder of one sound cell."""
    path = program.here / "evidence"
    path.mkdir()
    plain = proved("plain", TF, NUMPY2, outcomes=BROKEN)
    write(path, EVIDENCE.sets[0], plain)
    return path


def write(path: Path, *sets: ProvedSet) -> None:
    evidence = CellEvidence(cell=CELL, sets=sets)
    (path / CELL.filename).write_text(render(evidence))


@pytest.fixture
def elsewhere(program: Program) -> Path:
    """A folder of a cell of a platform that no shipped evidence is of."""
    cell = replace(CELL, platform="linux-aarch64")
    path = program.here / "elsewhere"
    path.mkdir()
    (path / cell.filename).write_text(render(CellEvidence(cell=cell, sets=EVIDENCE.sets)))
    return path


def test_capabilities_of_a_folder_are_a_table(program: Program, elsewhere: Path) -> None:
    words = ("--evidence", elsewhere, "--platform", "linux-aarch64", "--python", "3.10")
    done = program("capabilities", *words)
    assert (done.code, done.err) == (0, "")
    assert "2.10.1  G??R????\n" in done.out
    assert "\x1b" not in done.out


def test_the_evidence_of_a_folder_stands_beside_that_of_envlock(
    program: Program, elsewhere: Path
) -> None:
    done = program("capabilities", "--evidence", elsewhere)
    platforms = [each.partition(", ")[0] for each in done.out.splitlines() if ": the gate" in each]
    assert platforms == ["linux-aarch64", "linux-x86_64"]


def test_the_whole_table_fits_a_terminal_of_80_columns(program: Program) -> None:
    lines = program("capabilities").out.partition("\n\n")[0].splitlines()
    start = next(number for number, each in enumerate(lines) if each.startswith("RELEASE"))
    header, *rows = lines[start:]
    assert header.split()[1:] == ["3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]
    assert max(map(len, (header, *rows))) <= 80
    assert max(map(len, lines)) <= 100


def test_capabilities_are_data_too(program: Program, elsewhere: Path) -> None:
    words = ("--evidence", elsewhere, "--platform", "linux-aarch64", "--json")
    data = program("capabilities", *words).data
    (cell,) = data["cells"]
    assert (data["schema"], data["gate"]) == (2, list(GATE))
    assert cell["capabilities"] == [*GATE, "resume"]
    assert cell["untried"][-2:] == ["recurrent", "convolution"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--platform", "macos-arm64"), "error: there is no evidence for this: "),
        (("--python", "ten"), "error: 'ten' is not a Python such as 3.10\n"),
        (("--evidence", "none"), "error: none: no such folder\n"),
    ],
)
def test_what_is_not_known_is_said(
    program: Program, folder: Path, words: tuple[str, str], message: str
) -> None:
    done = program("capabilities", "--evidence", folder, *words)
    assert done.code == 2
    assert done.err.startswith(message)


def test_sound_evidence_is_told_with_what_it_lacks(program: Program, folder: Path) -> None:
    done = program("matrix", "check", "--evidence", folder)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("evidence     1 cell, 2 sets\nrules        ")
    assert "supported    numpy2-tf-abi: by comparison in 1\n" in done.out
    assert "tensorflow-cpu 2.10.1 on linux-x86_64, Python 3.7, 3.8, 3.9\n" in done.out
    assert "old probe    2 sets in 1 cell ran with another script" in done.out


def test_evidence_against_a_rule_fails_the_check(program: Program, folder: Path) -> None:
    passed = tuple(Passed(level=level) for level in GATE)
    write(folder, EVIDENCE.sets[0], proved("plain", TF, NUMPY2, outcomes=passed))
    done = program("matrix", "check", "--evidence", folder)
    assert done.code == 1
    (line,) = [each for each in done.out.splitlines() if each.startswith("contradicted")]
    assert line == (
        "contradicted  numpy2-tf-abi: tensorflow-cpu 2.10.1 on Python 3.10, plain: "
        "breaks it, and passed import-h5py, import"
    )
    data = program("matrix", "check", "--evidence", folder, "--json").data
    assert (data["exit_code"], data["contradicted"][0]["rule"]) == (1, "numpy2-tf-abi")


def test_a_file_that_is_no_evidence_fails_the_check(program: Program, folder: Path) -> None:
    (folder / "odd.json").write_text("{")
    done = program("matrix", "check", "--evidence", folder, "--json")
    assert done.code == 1
    (fault,) = done.data["invalid"]
    assert fault.startswith("odd.json: not JSON: expecting property name")


def test_rules_of_ones_own_are_held_against_evidence_too(program: Program, folder: Path) -> None:
    (program.here / "empty").mkdir()
    done = program("matrix", "check", "--evidence", folder, "--rules", "empty")
    assert done.code == 0
    missing = program("matrix", "check", "--evidence", folder, "--rules", "none")
    assert (missing.code, missing.err) == (
        2,
        "error: these rules cannot be used:\nnone: no such folder\n",
    )
