"""A real TensorFlow: pip in its environment keeps it working, and what is proved is not redone."""

import os
import subprocess
from pathlib import Path

import pytest

from envlock.errors import InterpreterMissing
from envlock.targets.interpreters import find_interpreter
from support.pace import assert_soon
from support.program import Done, Program, make_program

pytestmark = [pytest.mark.e2e, pytest.mark.network]

REQUEST = ("tensorflow-cpu==2.15.1", "h5py", "--engine", "uv", "--python", "3.11")
#: Seconds by the clock on the wall, of which a start and a look at 10,000 files take a half.
AGAIN = 2.0


def create(program: Program, *more: str) -> Done:
    done = subprocess.run(
        program.command("create", *REQUEST, *more),
        cwd=program.here,
        env=program.environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Done(code=0, out=done.stdout, err=done.stderr)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """An environment that was proved; its wheels are in the cache of whoever runs the test."""
    try:
        find_interpreter("3.11")
    except InterpreterMissing:
        pytest.skip("no Python 3.11 here")
    program = make_program(tmp_path_factory.mktemp("again"))
    if cache := os.environ.get("UV_CACHE_DIR"):
        program = program.with_env(UV_CACHE_DIR=cache)
    create(program)
    return program


def test_an_identical_create_again_takes_two_seconds(real: Program) -> None:
    done = assert_soon(AGAIN, lambda: create(real))
    assert "environment  .venv, unchanged since it was proved on " in done.out


def test_what_pip_installs_leaves_tensorflow_working(real: Program) -> None:
    shell = (
        ". .venv/bin/activate && pip install --quiet seaborn"
        " && python -c 'import seaborn, tensorflow; print(seaborn.__file__)'"
    )
    env = {**real.environment(), "PYTHONPATH": ""}
    del env["PIP_CONFIG_FILE"]
    done = subprocess.run(
        ["/bin/bash", "-c", shell],
        cwd=real.here,
        env=env,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[-1]).is_relative_to(real.here / ".venv")
    told = real("diagnose")
    assert ".venv differs from requirements.txt: beyond it: " in told.err
    assert "added by hand" in told.err
    assert (told.code, told.out) == (0, "nothing is wrong by what envlock knows\n"), told.out
