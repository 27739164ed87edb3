"""`envlock verify` examines whatever is there and changes nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.framework import build_framework
from support.program import Program
from support.simple_index import SimpleIndex


def listing(folder: Path) -> list[tuple[str, int]]:
    """Return every path below a folder and when it changed; reading does not count."""
    return sorted((str(path), path.lstat().st_mtime_ns) for path in folder.rglob("*"))


@pytest.fixture
def environment(envlock: Program) -> Path:
    """Give an environment of another tool, with the packages and without bytecode."""
    assert envlock("lock", "tensorflow").code == 0
    assert envlock("sync", "--env", "env").code == 0
    folder = envlock.here / "env"
    (folder / "envlock.json").unlink()
    for cache in folder.rglob("__pycache__"):
        shutil.rmtree(cache)
    return folder


@pytest.fixture
def conda_prefix(environment: Path, envlock: Program) -> Path:
    """Give the same as a conda prefix: a folder with a real Python below it and no pyvenv.cfg."""
    if os.name == "nt":
        pytest.skip("a Python does not run from a copied folder there")
    prefix = envlock.root / "conda"
    (prefix / "conda-meta").mkdir(parents=True)
    (site,) = environment.glob("lib/python*/site-packages")
    shutil.copytree(site, prefix / site.relative_to(environment))
    (prefix / "bin").mkdir()
    starter = prefix / "bin" / "python"
    packages = prefix / site.relative_to(environment)
    code = f"import sys; sys.path.insert(0, {str(packages)!r}); del sys.argv[0]; "
    code += "import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    # The options come first: -I -B SCRIPT RESULTS SECONDS.
    starter.write_text(f'#!/bin/sh\nshift 2\nexec {sys.executable} -I -B -c "{code}" "$@"\n')
    starter.chmod(0o755)
    return prefix


@pytest.mark.parametrize("how", ["venv", "interpreter", "conda prefix", "active"])
def test_any_environment_is_proved_and_left_as_it_was(
    how: str, envlock: Program, environment: Path, request: pytest.FixtureRequest
) -> None:
    python = next(each for each in environment.glob("*/python*") if each.stem == "python")
    words = {"venv": [environment], "interpreter": [python]}.get(how, [])
    program = envlock
    if how == "conda prefix":
        words = [request.getfixturevalue("conda_prefix")]
    if how == "active":
        program = envlock.with_env(VIRTUAL_ENV=str(environment))
    before = listing(envlock.here), [listing(each) for each in words]
    done = program("verify", *words)
    assert done.out.splitlines()[-1].startswith("verified (")
    assert (done.code, done.err) == (0, "")
    assert (listing(envlock.here), [listing(each) for each in words]) == before


def test_with_json_every_level_has_an_outcome(envlock: Program, environment: Path) -> None:
    found = envlock("verify", environment, "--json").data
    assert found["verified"]
    assert [each["status"] for each in found["outcomes"]] == ["passed"] * 13
    assert Path(found["interpreter"]).parent.parent == environment


def test_an_environment_that_fails_is_told_with_exit_code_1(
    envlock: Program, index: SimpleIndex
) -> None:
    build_framework(index.folder, load='raise ValueError("bad magic")')
    assert envlock("lock", "tensorflow").code == 0
    assert envlock("sync").code == 0
    done = envlock("verify")
    assert "FAILED   load                        ValueError: bad magic" in done.out.splitlines()
    python = envlock.here / ".venv" / "bin" / "python"
    assert done.out.splitlines()[-1] == f"NOT verified: load, custom-layer ({python})"
    assert '         |     raise ValueError("bad magic")' not in done.out.splitlines()
    told = envlock("verify", "-v").out.splitlines()
    assert '         |     raise ValueError("bad magic")' in told
    assert (done.code, done.err) == (1, "")
    assert envlock("verify", "--json").data["exit_code"] == 1


def test_an_environment_without_the_packages_is_told(envlock: Program) -> None:
    folder = envlock.here / "empty"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    done = envlock("verify", "empty")
    line = "FAILED   import                      ModuleNotFoundError: tensorflow is not installed"
    assert line in done.out.splitlines()
    assert done.code == 1


def test_ones_own_script_counts(envlock: Program, environment: Path) -> None:
    (envlock.here / "own.py").write_text("import tensorflow\nassert tensorflow.keras is None\n")
    done = envlock("verify", environment, "--probe", "own.py")
    assert "FAILED   probe:own.py                exit status 1: AssertionError" in done.out
    assert done.code == 1


def test_what_ones_own_script_printed_is_shown_to_its_end(
    envlock: Program, environment: Path
) -> None:
    body = (
        "for n in range(30):\n    print('step', n)\nprint('\\x1b[31mred')\nraise OSError('gone')\n"
    )
    (envlock.here / "own.py").write_text(body)
    done = envlock("verify", environment, "--probe", "own.py")
    lines = done.out.splitlines()
    start = lines.index("         the last 20 of 35 lines that it printed, -v shows all:")
    assert lines[start + 1 : start + 3] == ["         | step 15", "         | step 16"]
    assert lines[start + 16 : start + 21] == [
        "         | \\x1b[31mred",
        "         | Traceback (most recent call last):",
        f'         |   File "{envlock.here / "own.py"}", line 4, in <module>',
        "         |     raise OSError('gone')",
        "         | OSError: gone",
    ]
    whole = envlock("verify", environment, "--probe", "own.py", "-v").out
    assert "         | step 0\n" in whole
    assert "shows all" not in whole
    own = envlock("verify", environment, "--probe", "own.py", "--json").data["outcomes"][-1]
    assert own["traceback"].startswith("step 0\n")


def test_probes_leave_nothing_in_temporary_folders(
    envlock: Program, index: SimpleIndex, tmp_path: Path
) -> None:
    """TensorFlow leaves generated modules there, since the probe ends without any goodbye."""
    leaves = "import tempfile; tempfile.mkstemp(prefix='__autograph_generated_file')"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    program = envlock.with_env(TMPDIR=str(temporary))
    (envlock.here / "own.py").write_text(f"{leaves}\nimport tempfile; tempfile.mkdtemp()\n")
    build_framework(index.folder, first=leaves)
    assert program("lock", "tensorflow").code == 0
    assert program("create", "tensorflow", "--probe", "own.py").code == 0
    assert program("verify", "--probe", "own.py").code == 0
    assert list(temporary.iterdir()) == []


def test_no_environment_is_told(envlock: Program) -> None:
    done = envlock("verify")
    assert done.err == (
        "error: there is no .venv here, and no environment is active (VIRTUAL_ENV, CONDA_PREFIX)\n"
        "  try: envlock create\n"
    )
    assert done.code == 2


def test_a_folder_that_is_not_there_is_told(envlock: Program) -> None:
    done = envlock("verify", "nowhere")
    assert done.err == (
        "error: nowhere: no such environment\n  try: envlock create --env nowhere\n"
    )
    assert done.code == 2


def test_which_environment_is_meant_is_one_order(envlock: Program, environment: Path) -> None:
    (envlock.here / "pyproject.toml").write_text('[tool.envlock]\nenv = "venv"\n')
    elsewhere = envlock.with_env(VIRTUAL_ENV=str(environment))
    assert str(environment) in elsewhere("verify").out  # no other is there
    assert elsewhere("create", "h5py", "--no-pip").code == 0
    for command in ("verify", "diagnose", "fix", "history"):
        told = elsewhere(command).err.splitlines()
        assert told[0] == (
            f"venv is meant, and not {environment}, which is active: name that if it is"
        )
        assert elsewhere(command, "venv").err.splitlines() == told[1:]
    stale = envlock.with_env(VIRTUAL_ENV=str(envlock.here / "gone"))
    done = stale("verify")
    assert done.err == f"VIRTUAL_ENV names {envlock.here / 'gone'}, which is not there\n"
    assert str(envlock.here / "venv") in done.out
