"""`envlock create`: locked, built and proved, or everything as before."""

import json
import re

import pytest

from support.framework import build_framework
from support.program import Program, said, snapshot
from support.simple_index import SimpleIndex, build_wheel

PROVED = (
    "import-h5py, import, fit, save, load, weights, custom-layer,"
    " load-compiled, resume, savedmodel, keras, recurrent, convolution"
)
#: What nothing explains is offered to a bisect against a set that was proved.
OFFERED = re.compile(r"envlock bisect \S+\.json \S+ --python \d\.\d+")
CANNOT_LOAD = """\
passed   import-h5py                 h5py 3.11.0 with HDF5 1.14.2
passed   import                      tensorflow 2.15.1
passed   fit                         Keras 2.15.1, NumPy 1.26.4
passed   save
FAILED   load                        ValueError: bad magic
passed   weights        (capability) predictions equal within 1e-05
FAILED   custom-layer                ValueError: bad magic
FAILED   load-compiled  (capability) ValueError: bad magic
skipped  resume         (capability) load failed
FAILED   savedmodel     (capability) ValueError: bad magic
FAILED   keras          (capability) ValueError: bad magic
FAILED   recurrent      (capability) ValueError: bad magic
FAILED   convolution    (capability) ValueError: bad magic
NOT verified: load, custom-layer ({python})
"""


def broken(index: SimpleIndex) -> None:
    """Make the release one that saves and cannot load."""
    build_framework(index.folder, load='raise ValueError("bad magic")')


def test_a_project_is_locked_built_and_proved(envlock: Program, index: SimpleIndex) -> None:
    done = envlock("create", "tensorflow")
    assert done.out == said(
        "release      tensorflow 2.15.1, h5py 3.11.0, numpy 1.26.4\n"
        "python       {minor} on {platform}\n"
        "held         numpy==1.26.4  by numpy2-tf-abi\n"
        "written      requirements.txt\n"
        f"proved       {PROVED}\n"
        "environment  .venv\n"
        "next         source .venv/bin/activate\n",
        envlock,
        index,
    )
    assert (done.code, done.err) == (0, "")
    assert sorted(path.name for path in envlock.here.iterdir()) == [".venv", "requirements.txt"]


def test_the_next_run_takes_the_lock_as_it_is(envlock: Program, index: SimpleIndex) -> None:
    assert envlock("create", "tensorflow").code == 0
    lock = envlock.here / "requirements.txt"
    before = lock.stat().st_mtime_ns
    index.requests.clear()
    done = envlock("create", "tensorflow")
    assert "unchanged    requirements.txt\n" in done.out
    assert lock.stat().st_mtime_ns == before
    assert not any(path.startswith("/files/") for path in index.requests)


def test_the_lock_has_hashes_to_install_by_even_when_no_file_keeps_them(envlock: Program) -> None:
    for _ in range(2):
        assert envlock("create", "tensorflow", "--format", "environment").code == 0


def test_an_environment_that_fails_is_not_left_behind(envlock: Program, index: SimpleIndex) -> None:
    broken(index)
    done = envlock("create", "tensorflow==2.15.1")
    python = envlock.here / ".venv" / "bin" / "python"
    *told, offered, last = done.err.splitlines(keepends=True)
    assert OFFERED.fullmatch(offered.strip().removeprefix("try: ")), offered
    assert "".join((*told, last)) == said(
        CANNOT_LOAD.replace("{python}", str(python))
        + "error: the environment was built and does not do what it should; nothing was written\n"
        "  try: envlock create tensorflow==2.15.1 --keep\n"
        "  try: envlock create tensorflow --python {minor}\n",
        envlock,
        index,
    )
    assert (done.code, done.out, snapshot(envlock.here)) == (1, "", {})


def test_an_environment_that_fails_is_kept_when_told_to(
    envlock: Program, index: SimpleIndex
) -> None:
    assert envlock("create", "h5py").code == 0
    before = snapshot(envlock.here)
    broken(index)
    done = envlock("create", "tensorflow", "--keep", "-q")
    assert done.code == 1
    verify, offered = done.err.splitlines()[-2:]
    assert verify == "  try: envlock verify .venv.failed"
    assert OFFERED.fullmatch(offered.removeprefix("  try: ")), offered
    kept = envlock.here / ".venv.failed"
    assert envlock("verify", ".venv.failed").code == 1
    assert {
        name: content for name, content in snapshot(envlock.here).items() if kept.name not in name
    } == before


def test_where_it_is_kept_is_told(envlock: Program, index: SimpleIndex) -> None:
    broken(index)
    done = envlock("create", "tensorflow", "--keep")
    kept = envlock.here / ".venv.failed"
    assert done.err.startswith(f"the failed environment is kept in {kept}\n")


def test_with_json_a_failure_has_its_outcomes(envlock: Program, index: SimpleIndex) -> None:
    broken(index)
    done = envlock("create", "tensorflow", "--json")
    found = done.data
    assert (found["schema"], found["command"], found["exit_code"]) == (2, "create", 1)
    keep, offered = found["remedies"]
    assert keep == "envlock create tensorflow --json --keep"
    assert OFFERED.fullmatch(offered), offered
    assert not found["verified"]
    failed = {each["level"]: each for each in found["outcomes"] if each["status"] == "failed"}
    assert failed["load"]["error"] == "ValueError"
    assert failed["load"]["required"]
    assert not failed["keras"]["required"]
    assert (done.code, done.err) == (1, "")


def test_with_json_a_success_is_one_object(envlock: Program) -> None:
    found = envlock("create", "tensorflow", "--json").data
    assert found["verified"]
    assert found["environment"] == ".venv"
    assert found["files"] == found["written"] == ["requirements.txt"]
    assert {each["name"]: each["because"] for each in found["parts"][0]["pypi"]} == {
        "h5py": [],
        "numpy": ["numpy2-tf-abi"],
        "tensorflow": [],
    }


def test_a_script_of_ones_own_that_passes_is_a_level(envlock: Program) -> None:
    (envlock.here / "own.py").write_text("import tensorflow, h5py\n")
    done = envlock("create", "tensorflow", "--probe", "own.py")
    assert f"proved       {PROVED}, probe:own.py\n" in done.out
    assert done.code == 0


def test_a_script_of_ones_own_that_fails_leaves_nothing(envlock: Program) -> None:
    (envlock.here / "own.py").write_text("raise SystemExit('our model does not load')\n")
    before = snapshot(envlock.here)
    done = envlock("create", "tensorflow==2.15.1", "--probe", "own.py")
    told = done.err.splitlines()
    start = told.index(
        "FAILED   probe:own.py                exit status 1: our model does not load"
    )
    assert told[start + 1] == "         | our model does not load"
    # That the script fails says nothing about versions.
    assert [each for each in told if "try:" in each] == [
        "  try: envlock create tensorflow==2.15.1 --probe own.py --keep"
    ]
    assert (done.code, snapshot(envlock.here)) == (1, before)


def test_what_is_not_proved_is_told_in_plain_words(envlock: Program, index: SimpleIndex) -> None:
    build_framework(index.folder, lstm='raise NotImplementedError("Cannot convert\\na Tensor")')
    done = envlock("create", "tensorflow")
    words = "LSTM, GRU or Bidirectional are not built or trained, or do not go through .h5"
    assert [each for each in done.out.splitlines() if each.startswith("not proved")] == [
        f"not proved   recurrent: {words}"
    ]
    assert "NotImplementedError" not in done.out
    told = envlock("create", "tensorflow", "-v").out
    assert f"recurrent: {words}\n               NotImplementedError: Cannot convert\n" in told
    outcomes = envlock("create", "tensorflow", "--json").data["outcomes"]
    (failed,) = [each for each in outcomes if each["status"] == "failed"]
    assert (failed["level"], failed["error"]) == ("recurrent", "NotImplementedError")


def test_a_hang_ends_at_the_time_limit(envlock: Program, index: SimpleIndex) -> None:
    build_framework(index.folder, first="import time; time.sleep(30)")
    done = envlock("create", "tensorflow", "--timeout", "1")
    line = "CRASHED  import                      no end within 1 s"
    assert line in done.err.splitlines()
    assert (done.code, snapshot(envlock.here)) == (1, {})


@pytest.mark.parametrize(("wanted", "proved"), [("h5py", "import-h5py"), ("demo", "imports:demo")])
def test_only_what_was_asked_for_is_proved(
    envlock: Program, index: SimpleIndex, wanted: str, proved: str
) -> None:
    build_wheel(index.folder, "demo", "1.0")
    done = envlock("create", wanted)
    assert f"proved       {proved}\nenvironment  .venv\n" in done.out
    assert done.code == 0


def test_the_environment_is_marked_as_envlocks(envlock: Program) -> None:
    assert envlock("create", "h5py", "--env", "deep/er").code == 0
    folder = envlock.here / "deep" / "er"
    marker = json.loads((folder / "envlock.json").read_text())
    assert (marker["envlock"], len(marker["transaction"])) == (1, 16)
    assert f"envlock = {marker['transaction']}" in (folder / "pyvenv.cfg").read_text().splitlines()
