"""`envlock sync`: an environment equal to a lock, or what it was."""

import subprocess
import sys

import pytest

from support.framework import its_python, minor_of
from support.program import Program, said, snapshot
from support.simple_index import SimpleIndex


def installed(program: Program) -> list[str]:
    """What is installed beside pip."""
    sites = [
        *program.here.glob(".venv/lib/python*/site-packages"),
        *program.here.glob(".venv/Lib/site-packages"),
    ]
    names = {path.name.partition("-")[0] for path in sites[0].glob("*.dist-info")}
    return sorted(names - {"pip"})


@pytest.mark.parametrize("lock", ["requirements.txt", "pylock.toml"])
def test_a_missing_environment_is_made(envlock: Program, index: SimpleIndex, lock: str) -> None:
    kind = "pylock" if lock == "pylock.toml" else "requirements"
    assert envlock("lock", "tensorflow", "--format", kind).code == 0
    done = envlock("sync", lock)
    assert done.out == said(
        "release      tensorflow 2.15.1, h5py 3.11.0, numpy 1.26.4\n"
        "python       {minor} on {platform}\n"
        f"environment  .venv is now equal to {lock}\n"
        "next         envlock verify .venv\n",
        envlock,
        index,
    )
    assert (done.code, done.err) == (0, "")
    assert installed(envlock) == ["h5py", "numpy", "tensorflow"]
    assert envlock("verify").code == 0


def test_an_environment_that_is_equal_is_left_alone(envlock: Program) -> None:
    assert envlock("create", "tensorflow").code == 0
    before = snapshot(envlock.here)
    offline = envlock.with_env(PIP_INDEX_URL="http://127.0.0.1:1/simple")
    done = offline("sync")
    assert "environment  .venv was already equal to requirements.txt\n" in done.out
    assert (done.code, snapshot(envlock.here)) == (0, before)
    assert offline("sync", "--json").data["changed"] is False


def test_what_is_not_in_the_lock_goes_and_what_is_missing_comes(envlock: Program) -> None:
    assert envlock("create", "tensorflow").code == 0
    assert envlock("lock", "h5py").code == 0
    assert envlock("sync").code == 0
    assert installed(envlock) == ["h5py"]
    assert envlock("lock", "tensorflow").code == 0
    assert envlock("sync", "--json").data["changed"] is True
    assert installed(envlock) == ["h5py", "numpy", "tensorflow"]
    assert sorted(path.name for path in envlock.here.iterdir()) == [".venv", "requirements.txt"]


def test_an_environment_of_another_tool_is_left_as_it_is(envlock: Program) -> None:
    assert envlock("lock", "h5py").code == 0
    folder = envlock.here / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    before = snapshot(envlock.here)
    files = sum(each is not None for each in snapshot(folder).values())
    done = envlock("sync")
    assert done.err == (
        f"error: {folder} is an environment that envlock did not make; it is left as it is\n"
        "  try: envlock sync --env OTHER\n"
        f"  try: envlock sync --force  # deletes {folder}: {files} files\n"
    )
    assert (done.code, done.out, snapshot(envlock.here)) == (2, "", before)
    assert envlock("sync", "--force").code == 0
    assert installed(envlock) == ["h5py"]


def test_a_failure_leaves_the_environment_as_it_was(envlock: Program, index: SimpleIndex) -> None:
    assert envlock("create", "h5py").code == 0
    assert envlock("lock", "tensorflow").code == 0
    before = snapshot(envlock.here)
    index.status, index.where = 500, "/files/"
    done = envlock("sync")
    assert (done.code, done.out, snapshot(envlock.here)) == (4, "", before)


def test_a_lock_without_hashes_is_refused(envlock: Program) -> None:
    assert envlock("lock", "tensorflow", "--format", "environment").code == 0
    done = envlock("sync", "environment.yml")
    assert done.err.startswith(
        "error: environment.yml has no hashes for h5py, numpy, tensorflow:"
        " nothing tells that the files are the ones that were locked\n"
        "  try: envlock lock tensorflow "
    )
    assert done.code == 2


def test_a_missing_lock_is_told(envlock: Program) -> None:
    done = envlock("sync")
    assert done.err == ("error: requirements.txt: there is no such lock\n  try: envlock lock\n")
    assert done.code == 2


def test_a_file_that_is_no_lock_is_told_with_its_line(envlock: Program) -> None:
    (envlock.here / "requirements.txt").write_text("# ours\nnumpy>=1\n")
    done = envlock("sync")
    assert done.err == (
        "error: requirements.txt:2: 'numpy>=1' is not an exact pin (name==version)\n"
        "  try: make a lock from this file with `envlock lock`, and give that\n"
    )
    assert done.code == 2


@pytest.mark.parametrize("verb", ["sync", "bundle", "export"])
def test_where_another_lock_is_here_that_one_is_named(envlock: Program, verb: str) -> None:
    assert envlock("lock", "h5py", "--engine", "uv").code == 0
    done = envlock(verb, "nosuch.txt")
    assert done.code == 2
    assert done.err.endswith(
        f"error: nosuch.txt: there is no such lock\n  try: envlock {verb} requirements.txt\n"
    )


def test_a_lock_for_another_python_is_not_installed_into_this_one(envlock: Program) -> None:
    assert envlock("lock", "h5py", "--engine", "uv").code == 0
    lock = envlock.here / "requirements.txt"
    here = minor_of(its_python())
    text = lock.read_text()
    lock.write_text(text.replace(f"# python {here} on", "# python 3.5 on"))
    done = envlock("sync", "--python", here)
    assert done.code == 2
    assert f"requirements.txt is for Python 3.5, and --python {here} is another" in done.err
    lock.write_text(text)
    assert envlock("sync", "--python", here).code == 0
