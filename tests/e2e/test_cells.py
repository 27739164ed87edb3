"""Real TensorFlow, from an empty folder to a model that is saved to .h5 and loaded again.

A plain install of each of these releases gives an environment that cannot
import TensorFlow or cannot load what it saved; the last one is green and must
stay so.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from envlock.errors import InterpreterMissing
from envlock.releases import distributions
from envlock.targets.description import describe
from envlock.targets.interpreters import find_interpreter, python_in

pytestmark = [pytest.mark.e2e, pytest.mark.network]

SOLVED = ("--fresh",)
PROVED = ()
NIGHTLY = pytest.mark.nightly
CELLS = [
    pytest.param("2.11.1", "3.10", "pip-tools", SOLVED, id="numpy 2 breaks 2.11.1 on 3.10"),
    pytest.param(
        *("1.15.5", "3.7", "uv", SOLVED), id="protobuf 4 breaks 1.15.5 on 3.7", marks=NIGHTLY
    ),
    pytest.param("2.16.2", "3.12", "pip-tools", PROVED, id="2.16.2 on 3.12, from evidence"),
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


@pytest.mark.parametrize(("release", "python", "engine", "how"), CELLS)
def test_create_writes_a_lock_that_runs(
    release: str, python: str, engine: str, how: tuple[str, ...], tmp_path: Path
) -> None:
    need(release, python)
    (tmp_path / "own.py").write_text(OWN_SCRIPT)
    words = [f"tensorflow=={release}", "--python", python, "--accelerator", "cpu"]
    words += ["--engine", engine, "--probe", "own.py"]

    made = envlock("create", *words, *how, "--json", cwd=tmp_path)

    assert made.returncode == 0, made.stdout + made.stderr
    data = json.loads(made.stdout)
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
    assert bool(part["evidence"]) is (how is PROVED)
    check = envlock("lock", *words[:-2], "--check", cwd=tmp_path)
    assert (check.returncode, check.stdout) == (0, "the lock is current\n")
    interpreter = python_in(tmp_path / ".venv")
    assert interpreter is not None
    assert describe(interpreter).version.release[:2] == Version(python).release
    lock = (tmp_path / "requirements.txt").read_text()
    assert f"=={release} \\\n    --hash=sha256:" in lock


def envlock(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "envlock", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def need(release: str, python: str) -> None:
    try:
        found = find_interpreter(python)
    except InterpreterMissing:
        pytest.skip(f"there is no Python {python} on this machine")
    if not distributions(Version(release), found.platform, python):
        pytest.skip(f"TensorFlow {release} has no wheel for Python {python} on {found.platform}")
