"""Indexes that are not there, fail, hang up, or give other files than they list."""

import pytest

from support.index_client import CHECK_REMEDY as CHECK
from support.program import Program, snapshot
from support.simple_index import SimpleIndex


@pytest.mark.parametrize("command", ["lock", "create"])
def test_an_index_that_cannot_be_reached_is_told(program: Program, command: str) -> None:
    done = program(command, "--index-url", "http://127.0.0.1:1/simple")
    assert done.err == (
        "error: cannot read the package index http://127.0.0.1:1/simple/tensorflow/:"
        " the connection was refused (3 tries)\n"
        f"  try: {CHECK}\n"
    )
    assert (done.code, done.out, snapshot(program.here)) == (4, "", {})


def test_an_index_that_answers_500_is_told(envlock: Program, index: SimpleIndex) -> None:
    index.status = 500
    done = envlock("create")
    assert done.err == (
        f"error: cannot read the package index {index.url}/tensorflow/:"
        " it answered 500 Internal Server Error (3 tries)\n"
        f"  try: {CHECK}\n"
    )
    assert (done.code, done.out, snapshot(envlock.here)) == (4, "", {})


def test_an_index_that_hangs_up_in_the_middle_is_told(envlock: Program, index: SimpleIndex) -> None:
    index.cut_off = True
    done = envlock("lock")
    assert done.err == (
        f"error: cannot read the package index {index.url}/tensorflow/:"
        " the answer was cut off (3 tries)\n"
        f"  try: {CHECK}\n"
    )
    assert (done.code, done.out, snapshot(envlock.here)) == (4, "", {})


def test_an_index_that_fails_twice_is_no_failure(envlock: Program, index: SimpleIndex) -> None:
    index.status, index.times = 500, 2
    assert envlock("lock").code == 0


@pytest.mark.parametrize("fault", ["status", "cut_off"])
def test_files_that_cannot_be_fetched_leave_nothing(
    envlock: Program, index: SimpleIndex, fault: str
) -> None:
    assert envlock("lock").code == 0
    setattr(index, fault, 500 if fault == "status" else True)
    index.where = "/files/"
    before = snapshot(envlock.here)
    done = envlock("create")
    first = done.err.splitlines()[0]
    assert first == f"error: the packages for {envlock.here / '.venv'} could not be fetched"
    assert (done.code, done.out, snapshot(envlock.here)) == (4, "", before)


MISMATCH = (
    "error: numpy==1.26.4: the file that the index gave is not the one that was locked\n"
    f"  locked sha256:{'0' * 64}\n"
    "  got    sha256:{got}\n"
    "  try: {remedy}\n"
)


def test_a_file_with_another_hash_is_not_installed_by_create(
    envlock: Program, index: SimpleIndex
) -> None:
    index.wrong_hashes = {"numpy-1.26.4-py3-none-any.whl"}
    done = envlock("create", "tensorflow")
    _, _, got = done.err.partition("got    sha256:")
    remedy = "envlock create tensorflow --upgrade-package numpy"
    assert done.err == MISMATCH.format(got=got[:64], remedy=remedy)
    assert (done.code, done.out, snapshot(envlock.here)) == (4, "", {})


def test_a_file_with_another_hash_is_not_installed_by_sync_and_the_remedy_cures_it(
    envlock: Program, index: SimpleIndex
) -> None:
    index.wrong_hashes = {"numpy-1.26.4-py3-none-any.whl"}
    assert envlock("lock", "tensorflow").code == 0
    before = snapshot(envlock.here)
    done = envlock("sync")
    _, _, got = done.err.partition("got    sha256:")
    lock = (envlock.here / "requirements.txt").read_text()
    made_by = lock.splitlines()[0].removeprefix("# made by: ")
    remedy = f"{made_by} --upgrade-package numpy"
    assert done.err == MISMATCH.format(got=got[:64], remedy=remedy)
    assert (done.code, done.out, snapshot(envlock.here)) == (4, "", before)
    index.wrong_hashes = ()
    for page in (envlock.cache / "index").iterdir():
        page.unlink()
    fresh = envlock.with_env(UV_CACHE_DIR=str(envlock.root / "other"))
    assert fresh(*remedy.split()[1:]).code == 0
    assert fresh("sync").code == 0
