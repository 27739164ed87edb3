"""Folders that are not envlock's, cannot be written to, or are full."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.framework import build_framework
from support.mounts import fill, read_only, small_disk
from support.program import Program, snapshot
from support.simple_index import SimpleIndex


def test_an_environment_of_another_tool_is_left_as_it_is(envlock: Program) -> None:
    folder = envlock.here / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    before = snapshot(envlock.here)
    files = sum(each is not None for each in snapshot(folder).values())
    done = envlock("create", "tensorflow")
    assert done.err == (
        f"error: {folder} is an environment that envlock did not make; it is left as it is\n"
        "  try: envlock create tensorflow --env OTHER\n"
        f"  try: envlock create tensorflow --force  # deletes {folder}: {files} files\n"
    )
    assert (done.code, done.out, snapshot(envlock.here)) == (2, "", before)


def test_an_environment_of_another_tool_is_replaced_when_told_to(envlock: Program) -> None:
    folder = envlock.here / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    assert envlock("create", "tensorflow", "--force").code == 0
    assert sorted(path.name for path in envlock.here.iterdir()) == [".venv", "requirements.txt"]


def test_a_folder_with_files_is_left_as_it_is(envlock: Program) -> None:
    folder = envlock.here / "data"
    folder.mkdir()
    (folder / "results.csv").write_text("1\n")
    before = snapshot(envlock.here)
    done = envlock("create", "tensorflow", "--env", "data")
    assert done.err == (
        f"error: {folder} is a folder with 1 file that no environment has: results.csv;"
        " it is left as it is\n"
        "  try: envlock create tensorflow --env OTHER\n"
    )
    assert (done.code, done.out, snapshot(envlock.here)) == (2, "", before)


def test_a_file_in_the_place_of_an_environment_is_left_as_it_is(envlock: Program) -> None:
    (envlock.here / ".venv").write_text("mine\n")
    done = envlock("create")
    assert done.err == (
        f"error: {envlock.here / '.venv'} is a file, not a folder\n"
        "  try: envlock create --env OTHER\n"
    )
    assert (done.code, snapshot(envlock.here)) == (2, {".venv": b"mine\n"})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lock",), "cannot write requirements.txt: Read-only file system; nothing was changed"),
        (("create",), "cannot make the folder {here}/.venv: Read-only file system"),
    ],
    ids=["lock", "create"],
)
def test_a_read_only_folder_is_told(envlock: Program, words: tuple[str, ...], said: str) -> None:
    with small_disk(envlock.here, 100), read_only(envlock.here):
        done = envlock(*words)
        left = snapshot(envlock.here)
    assert done.err == f"error: {said.format(here=envlock.here)}\n"
    assert (done.code, done.out, left) == (4, "", {})


def test_a_full_disk_leaves_no_half_a_lock(envlock: Program) -> None:
    with small_disk(envlock.here, 100):
        (envlock.here / "requirements.in").write_text("tensorflow\n")
        fill(envlock.here, but=0)
        before = snapshot(envlock.here)
        done = envlock("lock", "-r", "requirements.in")
        assert snapshot(envlock.here) == before
    assert done.err == (
        "error: cannot write requirements.txt: No space left on device (5 kB wanted, and"
        f" {envlock.here} has 0 kB of 103 kB free); nothing was changed\n"
        f"  try: make room in {envlock.here}\n"
    )
    assert (done.code, done.out) == (4, "")


def test_a_full_disk_while_installing_brings_the_old_environment_back(
    envlock: Program, index: SimpleIndex
) -> None:
    build_framework(index.folder, "2.15.2", first=f"# {'x' * 500_000}")
    with small_disk(envlock.here, 1000):
        assert envlock("create", "tensorflow==2.15.1", "--no-pip").code == 0
        fill(envlock.here, but=200)
        before = snapshot(envlock.here)
        done = envlock("create", "tensorflow==2.15.2", "--no-pip")
        assert snapshot(envlock.here) == before
    first, *rest = done.err.partition("error: ")[2].splitlines()
    assert first.startswith(f"the disk is full: uv could not go on: {envlock.here} has ")
    assert rest == [f"  try: make room in {envlock.here}"]
    assert (done.code, done.out) == (4, "")


def test_a_full_disk_is_told_when_results_go_there(envlock: Program) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with full.open("w") as stdout:
        done = subprocess.run(
            envlock.command("rules", "list"),
            env=envlock.environment(),
            cwd=envlock.here,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr == "error: cannot print the result: No space left on device\n"
    assert done.returncode == 4
