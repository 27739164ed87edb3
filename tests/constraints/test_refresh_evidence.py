"""The one command that brings evidence up to date, and the workflow that runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from envlock.cli import run
from envlock.evidence import library
from envlock.evidence.documents import render
from support.evidence import CELL, EVIDENCE
from support.framework import build_framework
from support.program import make_program
from support.simple_index import SimpleIndex, build_wheel
from tools import refresh_evidence, update_releases
from tools.refresh_evidence import drawn, main, unexplained

ROOT = Path(__file__).parents[2]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
README = "# A project\n\n<!-- evidence -->\nold\n<!-- /evidence -->\n\nThe rest.\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as the command knows."""
    root = tmp_path / "checkout"
    package = root / "constraints" / "envlock_constraints"
    shutil.copytree(update_releases.DATA, package / "releases")
    (package / "evidence").mkdir()
    (root / "README.md").write_text(README)
    return root


def evidence_of(root: Path) -> Path:
    return root / "constraints" / "envlock_constraints" / "evidence"


def test_what_is_drawn_goes_into_docs_and_between_the_marks_of_the_readme(checkout: Path) -> None:
    (evidence_of(checkout) / CELL.filename).write_text(render(EVIDENCE))
    main(["--draw", "--root", str(checkout)])
    assert (checkout / "README.md").read_text() == (
        "# A project\n\n<!-- evidence -->\n"
        "1 cell on linux-x86_64, run 2026-11-25: TensorFlow 1.13 to 2.21 on Python 3.6 to 3.13. "
        "The gate passes with a plain resolve in 0 of 1, with envlock's lock in 1 of 1. "
        "Of 1 pair of TensorFlow and h5py 1 pass.\n\n"
        "![TensorFlow by Python: a plain resolve, and envlock's lock](docs/matrix.svg)\n\n"
        "<!-- /evidence -->\n\nThe rest.\n"
    )
    assert sorted(path.name for path in (checkout / "docs").iterdir()) == [
        "index.html",
        "matrix.svg",
    ]
    before = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    main(["--draw", "--root", str(checkout)])
    assert {p: p.read_bytes() for p in checkout.rglob("*") if p.is_file()} == before


def test_without_evidence_there_is_nothing_to_draw(checkout: Path) -> None:
    assert main(["--draw", "--root", str(checkout)]) == 0
    assert "old" not in (checkout / "README.md").read_text()
    assert list((checkout / "docs").iterdir()) == []


@pytest.mark.skipif(
    PYTHON != "3.11" or sys.platform != "linux",
    reason="tensorflow-cpu 2.15.1 has no wheel for this Python",
)
def test_new_releases_are_run_and_what_no_rule_explains_becomes_a_draft(
    checkout: Path, tmp_path: Path
) -> None:
    wheels = tmp_path / "wheels"
    first = 'import h5py as h\nassert h.__version__ != "3.10.0", "h5py failed"'
    build_framework(wheels, name="tensorflow-cpu", first=first)
    for name in ("", "-gpu", "-intel", "-macos", "-cpu-aws"):
        build_wheel(wheels, f"tensorflow{name}", "2.15.1")
    times = dict.fromkeys((path.name for path in wheels.iterdir()), "2023-11-14T05:06:07Z")
    with SimpleIndex(wheels, upload_times=times) as index:
        words = ["--root", checkout, "--index-url", index.url, "--python", PYTHON]
        words += ["--tensorflow", "2.15.1", "--workers", "1"]
        done = subprocess.run(
            [sys.executable, refresh_evidence.__file__, *map(str, words)],
            env=make_program(tmp_path / "program").environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1, done.stdout + done.stderr
    (cell,) = library.check(evidence_of(checkout)).cells
    assert [each.name for each in cell.sets] == ["rules", "plain", "h5py 3.10", "h5py 3.11"]
    assert unexplained(evidence_of(checkout)) == [(cell.cell.filename, "h5py 3.10")]
    (draft,) = (checkout / "constraints" / "drafts").iterdir()
    assert draft.name == f"{Path(cell.cell.filename).stem}-h5py-3.10.yaml"
    assert "h5py failed" in draft.read_text()
    assert (checkout / "docs" / "matrix.svg").is_file()
    assert "1 of 1" in (checkout / "README.md").read_text()


def test_what_ships_is_drawn_from_the_evidence_that_ships() -> None:
    for path, text in drawn(ROOT).items():
        if path.name != "index.html":  # it holds the rules too, and is drawn anew for a release
            told = f"python constraints/tools/refresh_evidence.py --draw writes {path.name}"
            assert path.read_text(encoding="utf-8") == text, told


def test_evidence_that_ships_is_sound_and_contradicts_no_rule(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(["matrix", "check"])
    assert code == 0, capsys.readouterr().out


def workflow(name: str) -> Any:
    return yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))


def test_the_workflow_runs_every_week_or_by_hand_and_may_open_a_pull_request() -> None:
    found = workflow("evidence.yml")
    triggers = found[True]  # YAML reads the key `on` so
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", triggers["schedule"][0]["cron"])
    assert "workflow_dispatch" in triggers
    assert found["permissions"] == {"contents": "write", "pull-requests": "write"}


@pytest.mark.parametrize(("name", "job"), [("evidence.yml", "refresh"), ("names.yml", "imports")])
def test_the_commands_of_the_workflow_exist(name: str, job: str) -> None:
    steps = workflow(name)["jobs"][job]["steps"]
    scripts = "\n".join(step.get("run", "") for step in steps)
    for path in re.findall(r"python (\S+\.py)", scripts):
        assert (ROOT / path).is_file()
    for words in re.findall(r"envlock ((?:[a-z]+ ?)+)", scripts):
        assert run([*words.split(), "--help"]) == 0
    for step in steps:
        script = ["bash", "-n", "-c", step.get("run", "")]
        assert subprocess.run(script, check=False).returncode == 0
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/checkout@v4"))
