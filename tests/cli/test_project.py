"""`envlock run`, `add`, `remove` and `kernel` in a folder with a real environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envlock.cli import COMMANDS
from envlock.cli.meant import _MEANT, _WITH_NAMES, meant
from support.program import Program

SHOWS = "import os, sys; print(os.environ['VIRTUAL_ENV'], sys.argv[1:]); sys.exit(7)"


@pytest.fixture
def project(program: Program) -> Program:
    """A folder that asks for one package."""
    (program.here / "requirements.in").write_text("six  # old code\n")
    return program


def test_a_program_runs_in_an_environment_that_is_made_first(project: Program) -> None:
    done = project("run", "--", "python", "-c", SHOWS, "--epochs", "3", "")
    assert (done.code, done.out) == (7, f"{project.here / '.venv'} ['--epochs', '3', '']\n")
    assert (project.here / "requirements.txt").is_file()
    (project.here / "train.py").write_text("import sys, six; print(sys.argv)\n")
    again = project("run", "-q", "train.py", "--offline")
    assert (again.code, again.out, again.err) == (0, "['train.py', '--offline']\n", "")


def test_what_is_run_finds_a_request_that_has_changed(project: Program) -> None:
    project("run", "-q", "--", "python", "-c", "")
    (project.here / "requirements.in").write_text("six\nh5py\n")
    assert project("run", "-q", "--", "python", "-c", "import h5py").code == 0
    (project.here / "requirements.in").write_text("six\n")
    kept = project("run", "-q", "--", "python", "-c", "import h5py")
    assert kept.code == 0, "what else is there stays"


def test_a_program_that_is_not_there_is_told_with_what_adds_it(project: Program) -> None:
    done = project("run", "nope")
    assert done.code == 2
    assert "there is no program nope in .venv, nor on PATH\n  try: envlock add nope" in done.err
    assert project("run").code == 2


def test_an_option_in_a_remedy_stands_before_the_program(project: Program) -> None:
    done = project("run", "--index-url", "http://127.0.0.1:9/simple", "--", "python", "-c", "1")
    assert done.code == 4
    for line in done.err.splitlines():
        if "try: envlock run" in line:
            assert line.endswith("python -c 1")


def test_no_environment_is_made_where_nothing_is_asked_for(program: Program) -> None:
    done = program("run", "--", "python", "-c", "1")
    assert done.code == 2
    assert done.err.endswith("try: envlock create\n")


def test_packages_are_added_and_removed_with_lock_and_environment(project: Program) -> None:
    added = project("add", "h5py>=3")
    assert added.code == 0, added.err
    assert (project.here / "requirements.in").read_text() == "six  # old code\nh5py>=3\n"
    assert "added" in added.out
    assert "h5py" in project("list").out
    changed = project("add", "six>=1.16", "--no-sync")
    assert changed.code == 0
    assert "six>=1.16  # old code" in (project.here / "requirements.in").read_text()
    removed = project("remove", "H5py", "--json").data
    assert removed["edited"] == "requirements.in"
    assert (project.here / "requirements.in").read_text() == "six>=1.16  # old code\n"
    assert "h5py" not in project("list").out


def test_what_has_no_answer_leaves_every_file_as_it_was(project: Program) -> None:
    project("lock")
    before = {each: each.read_bytes() for each in project.here.iterdir() if each.is_file()}
    done = project("add", "h5py==99")
    assert done.code == 3
    assert "as before" in done.err
    assert "in requirements.in:" not in done.err.partition("try:")[2]
    assert {each: each.read_bytes() for each in project.here.iterdir() if each.is_file()} == before
    last = project("remove", "six")
    assert last.code == 2
    assert "asks for nothing any more" in last.err
    assert {each: each.read_bytes() for each in project.here.iterdir() if each.is_file()} == before
    assert project("remove", "nothing").code == 2


def test_a_project_keeps_its_comments_and_has_extras_and_groups(program: Program) -> None:
    file = program.here / "pyproject.toml"
    file.write_text(
        '[project]\nname = "toy"\nversion = "1"\ndependencies = [\n  "six",  # keep\n]\n'
    )
    assert program("add", "h5py", "--no-sync").code == 0
    assert file.read_text().endswith('dependencies = [\n  "six",  # keep\n  "h5py",\n]\n')
    assert program("add", "numpy", "--extra", "fast", "--no-sync").code == 0
    assert program("add", "six", "--group", "dev", "--no-sync").code == 0
    text = file.read_text()
    assert 'fast = ["numpy"]' in text
    assert 'dev = ["six"]' in text
    assert program("remove", "numpy", "--extra", "Fast", "--no-sync").code == 0
    assert "fast = []" in file.read_text()


def test_a_first_package_makes_the_file_that_asks_for_it(program: Program) -> None:
    assert program("add", "six", "--no-sync").code == 0
    assert (program.here / "requirements.in").read_text() == "six\n"


def test_what_was_typed_for_a_lock_is_kept_in_the_file(program: Program) -> None:
    assert program("lock", "six").code == 0
    assert program("add", "h5py", "--no-sync").code == 0
    assert (program.here / "requirements.in").read_text() == "six\nh5py\n"


def test_an_environment_becomes_a_kernel_and_another_one_is_not_written_over(
    project: Program, tmp_path: Path
) -> None:
    project = project.with_env(JUPYTER_DATA_DIR=str(tmp_path / "jupyter"))
    project("run", "-q", "--", "python", "-c", "")
    lacking = project("kernel")
    assert (lacking.code, "envlock add ipykernel" in lacking.err) == (2, True)
    (site,) = (project.here / ".venv").glob("lib/python3*/site-packages")
    info = site / "ipykernel-7.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ipykernel\nVersion: 7.0\n")
    done = project("kernel", "--name", "Toy", "--json").data
    spec = json.loads(Path(done["written"]).read_text())
    assert spec["argv"][0] == str(project.here / ".venv" / "bin" / "python")
    assert spec["env"]["PATH"].startswith(str(project.here / ".venv" / "bin"))
    spec["argv"][0] = "/elsewhere/bin/python"
    Path(done["written"]).write_text(json.dumps(spec))
    other = project("kernel", "--name", "toy")
    assert (other.code, "of /elsewhere/bin/python" in other.err) == (2, True)
    assert project("kernel", "--name", "toy", "--force").code == 0
    assert project("kernel", "--name", "../toy").code == 2


def test_words_of_other_tools_lead_to_a_command_that_exists(program: Program) -> None:
    for command in (*_MEANT.values(), *_WITH_NAMES.values()):
        words = command.split()
        assert words[0] in COMMANDS or " ".join(words[:2]) in COMMANDS
    assert not _MEANT.keys() & {each.split()[0] for each in COMMANDS}
    assert meant(["install", "pandas"]) == "add"
    done = program("install", "pandas")
    assert (done.code, done.err.splitlines()[-1]) == (2, "  try: envlock add pandas")


def test_help_and_version_are_words_too(program: Program) -> None:
    assert program("help", "lock").out == program("lock", "--help").out
    assert program("version").out == program("--version").out
    listed = program("--help").out
    assert all(f"  {each.split()[0]} " in listed for each in COMMANDS)
    assert "\nWhere packages come from" in program("lock", "--help").out
