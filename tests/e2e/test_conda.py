"""A whole TensorFlow from conda packages, which saves a model to .h5 and loads it again."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.conda_channel import PYTHON, CondaChannel
from support.program import Program, make_program

pytestmark = [pytest.mark.network, pytest.mark.e2e, pytest.mark.nightly]

RELEASE = "2.15.1"
YML = f"""\
name: keras-h5
channels:
  - {{url}}
  - nodefaults
dependencies:
  - python={PYTHON}
  - tensorflow=2.15
  - h5py
  - pip
  - pip:
      - keras-tuner
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Give a folder that is gone at once: gigabytes are not worth a look."""
    yield tmp_path / "place"
    shutil.rmtree(tmp_path / "place", ignore_errors=True)


@pytest.mark.skipif(
    sys.platform != "linux" or sys.version_info[:2] > (3, 11),
    reason=f"TensorFlow {RELEASE} has wheels for Python 3.9 to 3.11",
)
def test_a_prefix_of_conda_packages_is_installed_and_proved(place: Path) -> None:
    wheels = place / "wheels"
    command = [sys.executable, "-m", "pip", "download", "-q", "-d", str(wheels)]
    command += ["--only-binary", ":all:", f"tensorflow-cpu=={RELEASE}", "h5py", "pip"]
    subprocess.run(command, check=True)
    channel = CondaChannel(place / "channel")
    channel.add_python()
    for wheel in sorted(wheels.glob("*.whl")):
        channel.add_wheel(wheel)
        wheel.unlink()
    channel.add("tensorflow", RELEASE, depends=["python", f"tensorflow-cpu {RELEASE}"])
    channel.write()
    program = make_program(place / "run").with_env(ENVLOCK_ENGINE="uv")
    (program.here / "environment.yml").write_text(YML.format(url=channel.url))
    _prove(program)


def _prove(program: Program) -> None:
    command = program.command("create", "-r", "environment.yml", "--env", "env")
    made = subprocess.run(
        command,
        cwd=program.here,
        env=program.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    proved = "import-h5py, import, fit, save, load, weights, custom-layer, load-compiled, resume"
    proved += ", savedmodel, keras, recurrent, convolution, keras:import"
    assert f"proved       {proved}, imports:keras-tuner, imports:pip\n" in made.stdout
    assert "numpy 1.26.4" in made.stdout
    assert "with pip     keras-tuner " in made.stdout
    names = {path.name.rsplit("-", 2)[0] for path in (program.here / "env/conda-meta").iterdir()}
    assert {"python", "tensorflow", "h5py", "numpy"} <= names
