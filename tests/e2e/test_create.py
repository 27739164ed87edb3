"""Real TensorFlow, from an empty folder to a model that is saved to .h5 and loaded again.

A plain install of the releases that are solved for gives an environment that
cannot import TensorFlow; the others must stay green. The first one is built
once, and what is done in an environment afterwards is done in that one.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.version import Version

from envlock.errors import InterpreterMissing
from envlock.releases import distributions
from envlock.targets.description import describe
from envlock.targets.interpreters import find_interpreter, python_in
from support.pace import assert_soon
from support.program import Done, Program, make_program

pytestmark = [pytest.mark.e2e, pytest.mark.network]

#: Seconds by the clock on the wall, of which a start and a look at 10,000 files take a half.
AGAIN = 2.0


class Cell(NamedTuple):
    """A release on a Python, and how it is locked."""

    release: str
    python: str
    engine: str
    proved: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """What `lock` and `create` are asked for."""
        asked = (f"tensorflow=={self.release}", "--python", self.python, "--accelerator", "cpu")
        return (*asked, "--engine", self.engine, *([] if self.proved else ["--fresh"]))


FIRST = pytest.param(Cell("2.11.1", "3.10", "pip-tools"), id="numpy 2 breaks 2.11.1 on 3.10")
CELLS = [
    FIRST,
    pytest.param(
        Cell("1.15.5", "3.7", "uv"), id="protobuf 4 breaks 1.15.5 on 3.7", marks=pytest.mark.nightly
    ),
    pytest.param(
        Cell("2.16.2", "3.12", "pip-tools", proved=True),
        id="2.16.2 on 3.12, from evidence",
        marks=pytest.mark.nightly,
    ),
]

#: What somebody would write to see for themselves, in every TensorFlow.
OWN_SCRIPT = """
import os, tempfile
import numpy as np
import tensorflow as tf
model = tf.keras.Sequential([tf.keras.layers.Dense(3, input_shape=(4,)), tf.keras.layers.Dense(1)])
model.compile(loss=tf.keras.losses.MeanSquaredError(), optimizer="adam")
x, y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")
model.fit(x, y, epochs=1, verbose=0)
path = os.path.join(tempfile.mkdtemp(), "model.h5")
model.save(path)
again = tf.keras.models.load_model(path, compile=False)
assert np.allclose(model.predict(x), again.predict(x)), "predictions differ"
"""


class Made(NamedTuple):
    """What was built, by which program, and what that said."""

    cell: Cell
    program: Program
    said: Done


def create(program: Program, cell: Cell, *more: str) -> Done:
    words = ("create", *cell.words, "--probe", "own.py", *more)
    return program.run(program.command(*words))


@pytest.fixture(scope="module", params=CELLS)
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Made]:
    """An environment that was proved; its wheels are in the cache of whoever runs the test."""
    cell: Cell = request.param
    need(cell)
    cache = os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))
    own = {name: text for name, text in os.environ.items() if name.startswith("PIP_")}
    program = make_program(tmp_path_factory.mktemp("real")).with_env(
        **{**own, "PIP_CONFIG_FILE": "", "UV_CACHE_DIR": cache}
    )
    program = program.with_pip().lasting(900)
    (program.here / "own.py").write_text(OWN_SCRIPT)
    yield Made(cell, program, create(program, cell, "--json"))
    shutil.rmtree(program.root, ignore_errors=True)


def need(cell: Cell) -> None:
    try:
        found = find_interpreter(cell.python)
    except InterpreterMissing:
        pytest.skip(f"there is no Python {cell.python} on this machine")
    if not distributions(Version(cell.release), found.platform, cell.python):
        pytest.skip(
            f"TensorFlow {cell.release} has no wheel for Python {cell.python} on {found.platform}"
        )


def test_create_writes_a_lock_that_runs(made: Made) -> None:
    cell, program, said = made
    assert said.code == 0, said.out + said.err
    data = json.loads(said.out)
    required = {each["level"]: each["status"] for each in data["outcomes"] if each["required"]}
    assert required == dict.fromkeys(
        (
            *("import-h5py", "import", "fit", "save", "load", "custom-layer"),
            *("keras:import", "probe:own.py"),
        ),
        "passed",
    )
    assert data["verified"] is True
    (part,) = data["parts"]
    assert bool(part["evidence"]) is cell.proved
    asked = [each for each in cell.words if each != "--fresh"]
    check = program("lock", *asked, "--check")
    assert (check.code, check.out) == (0, "the lock is current\n")
    interpreter = python_in(program.here / ".venv")
    assert interpreter is not None
    assert describe(interpreter).version.release[:2] == Version(cell.python).release
    lock = (program.here / "requirements.txt").read_text()
    assert f"=={cell.release} \\\n    --hash=sha256:" in lock


@pytest.mark.parametrize("made", [FIRST], indirect=True)
def test_an_identical_create_again_takes_two_seconds(made: Made) -> None:
    done = assert_soon(AGAIN, lambda: create(made.program, made.cell))
    assert "environment  .venv, unchanged since it was proved on " in done.out


@pytest.mark.parametrize("made", [FIRST], indirect=True)
def test_what_pip_installs_leaves_tensorflow_working(made: Made) -> None:
    program = made.program
    shell = (
        ". .venv/bin/activate && pip install --quiet seaborn"
        " && python -c 'import seaborn, tensorflow; print(seaborn.__file__)'"
    )
    env = {**program.environment(), "PYTHONPATH": "", "PIP_REQUIRE_VIRTUALENV": "1"}
    del env["PIP_CONFIG_FILE"]
    done = program.run(["/bin/bash", "-c", shell], env=env)
    assert done.code == 0, done.err
    assert Path(done.out.splitlines()[-1]).is_relative_to(program.here / ".venv")
    told = program("diagnose")
    assert ".venv differs from requirements.txt: beyond it: " in told.err
    assert "added by hand" in told.err
    assert (told.code, told.out) == (0, "nothing is wrong by what envlock knows\n"), told.out
