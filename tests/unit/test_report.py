"""Values as text for people and as data for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envlock import report
from envlock.model import Case, Condition, Demand, Part
from envlock.outcomes import Crashed, Failed, Passed, Skipped
from support.locks import REALISTIC

OUTCOMES = (
    Passed(level="import", detail="tensorflow 2.16.2", seconds=1.5),
    Failed(
        level="load",
        error="ValueError",
        detail="bad magic\nand more",
        traceback="Traceback …",
        seconds=0.1,
    ),
    Crashed(level="fit", detail="SIGSEGV", output="Fatal Python error"),
    Skipped(level="resume", detail="load failed"),
)
GATE = ("import", "load", "fit")
WAYS = {"load": "load with compile=False"}
TXT, TOML, YML = Path("requirements.txt"), Path("pylock.toml"), Path("environment.yml")


def test_a_lock_is_told_by_its_main_pins_what_moved_and_its_files() -> None:
    rows = report.lock_rows(REALISTIC, (TXT, TOML), (TOML,))
    assert report.rows_text([*rows, ("next", "envlock sync")]) == (
        "release    tensorflow 2.10.1, h5py 3.7.0, numpy 1.23.5, protobuf 3.19.6 and 1 more\n"
        "python     3.10 on linux-x86_64\n"
        "held       numpy==1.23.5     by tf-lt-212-numpy2, tf-numpy-object-alias\n"
        "           protobuf==3.19.6  by tf-protobuf4\n"
        "note       the GPU build of tensorflow 2.10 needs CUDA 11.2 and cuDNN 8.1\n"
        "unchanged  requirements.txt\n"
        "written    pylock.toml\n"
        "next       envlock sync"
    )


def test_a_lock_without_any_main_package_shows_its_first() -> None:
    six = tuple(p for p in REALISTIC.part.pypi if p.name == "six")
    part = Part(python="3.11", platform="linux-x86_64", pypi=six)
    assert report.release_rows(part)[0] == ("release", "six 1.16.0")


def test_a_lock_as_data_survives_json() -> None:
    data = json.loads(json.dumps(report.lock_data((REALISTIC,), (TXT, TOML), (TOML,))))
    assert data["files"] == ["requirements.txt", "pylock.toml"]
    assert data["written"] == ["pylock.toml"]
    assert [package["name"] for package in data["parts"][0]["pypi"]] == [
        "h5py",
        "numpy",
        "protobuf",
        "six",
        "tensorflow",
    ]
    numpy = data["parts"][0]["pypi"][1]
    assert (numpy["version"], numpy["because"]) == (
        "1.23.5",
        ["tf-lt-212-numpy2", "tf-numpy-object-alias"],
    )
    assert set(numpy["because"]) <= set(data["reasons"])


@pytest.mark.parametrize(
    ("outputs", "command"),
    [
        ({TXT: True}, "envlock sync"),
        ({YML: False, TOML: True}, "envlock sync pylock.toml"),
        ({Path("my locks/a.txt"): True}, "envlock sync 'my locks/a.txt'"),
        ({YML: False}, "conda env create -f environment.yml"),
    ],
)
def test_the_next_step_builds_an_environment(outputs: dict[Path, bool], command: str) -> None:
    assert report.next_step(outputs) == command


def test_a_proof_in_brief_is_what_is_proved_and_each_thing_that_is_not() -> None:
    lacking = {"load": "a model is not loaded"}
    assert report.rows_text(report.proof_rows(OUTCOMES, WAYS, lacking)) == (
        "proved      import\n"
        "not proved  load: a model is not loaded\n"
        "              way round: load with compile=False\n"
        "            fit: SIGSEGV\n"
        "            resume: load failed"
    )
    told = report.proof_rows(OUTCOMES, WAYS, lacking, verbose=True)
    assert told[1:3] == [
        ("not proved", "load: a model is not loaded"),
        ("not proved", "  ValueError: bad magic"),
    ]


def test_a_proof_in_full_ends_with_the_verdict() -> None:
    assert report.proof_text(Path("python"), OUTCOMES, GATE, WAYS) == (
        "passed   import               tensorflow 2.16.2\n"
        "FAILED   load                 ValueError: bad magic\n"
        "                 way round: load with compile=False\n"
        "CRASHED  fit                  SIGSEGV\n"
        "skipped  resume  (capability) load failed\n"
        "NOT verified: load, fit (python)"
    )
    assert report.proof_text(Path("python"), OUTCOMES[:1], GATE[:1], {}).endswith(
        "\nverified (python)"
    )


def test_a_proof_as_data_has_what_each_outcome_has() -> None:
    data = report.proof_data(Path("python"), OUTCOMES, GATE, WAYS, passed=False)
    assert json.loads(json.dumps(data)) == {
        "interpreter": "python",
        "verified": False,
        "outcomes": [
            {
                "level": "import",
                "status": "passed",
                "detail": "tensorflow 2.16.2",
                "seconds": 1.5,
                "required": True,
                "way_round": "",
            },
            {
                "level": "load",
                "status": "failed",
                "error": "ValueError",
                "detail": "bad magic\nand more",
                "traceback": "Traceback …",
                "seconds": 0.1,
                "required": True,
                "way_round": "load with compile=False",
            },
            {
                "level": "fit",
                "status": "crashed",
                "detail": "SIGSEGV",
                "output": "Fatal Python error",
                "required": True,
                "way_round": "",
            },
            {
                "level": "resume",
                "status": "skipped",
                "detail": "load failed",
                "required": False,
                "way_round": "",
            },
        ],
    }


def test_only_the_first_line_that_says_something_is_shown() -> None:
    assert report.first_line("\n  \n  one\ntwo") == "one"
    assert report.first_line("") == ""
    assert report.first_line("x" * 200) == "x" * 119 + "…"


def test_a_table_is_as_wide_as_its_longest_cells() -> None:
    rows = [("numpy2", "breaks", "x"), ("a", "declared", "")]
    assert report.table(("RULE", "SEVERITY", "FACT"), rows) == (
        "RULE    SEVERITY  FACT\nnumpy2  breaks    x\na       declared"
    )


def test_a_case_is_told_in_words() -> None:
    def condition(name: str, specifier: str) -> Condition:
        return Condition(package=canonicalize_name(name), specifier=SpecifierSet(specifier))

    case = Case(
        when=(condition("tensorflow", "<2.5"),),
        demands=((Demand.REQUIRE, condition("h5py", "<3")),),
        python=SpecifierSet(">=3.8"),
        platforms=("linux-x86_64",),
        variables={"TF_USE_LEGACY_KERAS": "1"},
    )
    assert report.case_text(case) == (
        "tensorflow <2.5 and python >=3.8 and linux-x86_64 and TF_USE_LEGACY_KERAS=1:"
        " require h5py <3"
    )
    alone = Case(when=(), alone=canonicalize_name("tensorflow"))
    assert report.case_text(alone) == "only one of tensorflow"


def test_what_a_script_printed_is_shown_in_its_last_lines_and_all_when_asked() -> None:
    said = "".join(f"{number}\r" for number in range(30)) + "\b\b\b\n" + "x" * 300
    own = Failed(level="probe:own.py", error="exit status 1", detail="", traceback=said)
    fit = Failed(level="fit", error="E", detail="no", traceback="Traceback: no")
    lines = report.proof_text(Path("python"), (own, fit), (), {}).splitlines()
    assert lines[1:3] == [
        "         the last 20 of 31 lines that it printed, -v shows all:",
        "         | 11",
    ]
    assert lines[21] == f"         | {'x' * 159}…"
    assert lines[22].startswith("FAILED   fit ")
    told = report.proof_text(Path("python"), (own, fit), (), {}, verbose=True).splitlines()
    assert f"         | {'x' * 300}" in told
    assert "         | Traceback: no" in told
