"""Reported broken environments, built for real, cured with `envlock fix` and proved.

    python benchmarks/fixes.py [--only ID]... [--folder DIR]

Prints a table: the packages that the fix changed, how many a fresh lock of
the same request would change, and whether the gate is passed before and after
(with the reported symptom as a script, where the gate does not show it). Each
environment is removed when it is done. A run takes about half an hour and
downloads some gigabytes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envlock.choices import IndexStrategy
from envlock.environment.inspect import installed
from envlock.formats.registry import read_lock
from envlock.index.handover import uv_environment, uv_program
from envlock.index.settings import load_settings
from envlock.targets.interpreters import find_interpreter

_LSTM = (
    "import tensorflow as tf\ntf.keras.Sequential([tf.keras.layers.LSTM(4, input_shape=(5, 3))])\n"
)
_KERAS = (
    "import keras\n"
    "model = keras.models.Sequential([keras.layers.Dense(2, input_shape=(3,))])\n"
    "model.compile('sgd', 'mse')\n"
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One report: what is installed as a user would, then over it without its requirements.

    ``date`` is a day when it could have been built, so that its other packages
    are of that time. ``symptom`` is a script that fails as reported, where the gate does not.
    """

    name: str
    source: str
    date: str
    python: str
    install: tuple[str, ...]
    over: tuple[str, ...]
    symptom: str = ""


CASES = (
    Case(
        name="numpy2-vipe-ubuntu",
        source="https://github.com/nv-tlabs/vipe/issues/42",
        date="2024-11-01",
        python="3.10",
        install=("tensorflow-cpu==2.14.1",),
        over=("numpy==2.1.2",),
    ),
    Case(
        name="numpy2-absplice-conda",
        source="https://github.com/gagneurlab/absplice/issues/39",
        date="2024-09-15",
        python="3.9",
        install=("tensorflow-cpu==2.15.1",),
        over=("numpy==2.0.2",),
    ),
    Case(
        name="keras303-tf2150post1",
        source="https://github.com/tensorflow/tensorflow/issues/62825",
        date="2024-02-01",
        python="3.10",
        install=("tensorflow==2.15.0.post1",),
        over=(
            "keras==3.0.3",
            "namex",
            "rich",
            "dm-tree",
            "attrs",
            "markdown-it-py",
            "mdurl",
            "pygments",
        ),
    ),
    Case(
        name="dtensor-gradient-accumulator",
        source="https://github.com/andreped/GradientAccumulator/issues/93",
        date="2022-06-01",
        python="3.8",
        install=("tensorflow-cpu==2.6.0", "protobuf<3.21", "numpy<1.20"),
        over=("keras==2.9.0",),
    ),
    Case(
        name="dtensor-tf260-centos7",
        source="https://github.com/tensorflow/tensorflow/issues/56298",
        date="2022-06-01",
        python="3.6",
        install=("tensorflow-cpu==2.6.0",),
        over=("keras==2.9.0",),
    ),
    Case(
        name="h5py3-deepinterpolation-tf230",
        source="https://github.com/AllenInstitute/deepinterpolation/pull/7",
        date="2020-12-01",
        python="3.8",
        install=("tensorflow-cpu==2.3.0", "protobuf<3.21"),
        over=("h5py==3.1.0",),
    ),
    Case(
        name="h5py3-isr-tfcore-py37",
        source="https://github.com/idealo/image-super-resolution/issues/228",
        date="2023-02-01",
        python="3.7",
        install=("tensorflow==1.15.5", "protobuf<3.21"),
        over=("h5py==3.8.0",),
    ),
    Case(
        name="protobuf4-tf230-via-tensorboard",
        source="https://github.com/tensorflow/tensorflow/issues/59665",
        date="2023-03-20",
        python="3.8",
        install=("tensorflow-cpu==2.3.0", "h5py<3"),
        over=("tensorboard==2.12.0", "protobuf==4.22.1", "tensorboard-data-server==0.7.0"),
    ),
    Case(
        name="protobuf4-tf115-returnn",
        source="https://github.com/rwth-i6/returnn/issues/1209",
        date="2022-06-10",
        python="3.7",
        install=("tensorflow==1.15.5", "h5py<3"),
        over=("protobuf==4.21.1",),
    ),
    Case(
        name="typedict-tf210-h5py210",
        source="https://github.com/rwth-i6/returnn/issues/1807",
        date="2024-01-01",
        python="3.8",
        install=("tensorflow-cpu==2.10.0",),
        over=("h5py==2.10.0", "numpy==1.24.4"),
    ),
    Case(
        name="numpy124-tf260-conda-win-2",
        source="https://github.com/tensorflow/tensorflow/issues/62832",
        date="2023-07-15",
        python="3.9",
        install=("tensorflow-cpu==2.6.0", "keras==2.6.0", "protobuf<3.21"),
        over=("numpy==1.24.4",),
    ),
    Case(
        name="numpy120-tf250-keras243",
        source="https://github.com/keras-team/keras/issues/14687",
        date="2021-06-01",
        python="3.9",
        install=("tensorflow-cpu==2.5.0", "keras==2.4.3", "protobuf<3.21"),
        over=("numpy==1.20.3",),
        symptom=_LSTM,
    ),
    Case(
        name="protobuf-too-old-py39",
        source="https://github.com/nicknochnack/ImageClassification/issues/3",
        date="2023-09-01",
        python="3.9",
        install=("tensorflow-cpu==2.12.1",),
        over=("protobuf==3.19.6",),
    ),
    Case(
        name="mldtypes030-tf214rc1",
        source="https://github.com/jax-ml/ml_dtypes/issues/101",
        date="2023-09-22",
        python="3.10",
        install=("tensorflow-cpu==2.14.0rc1",),
        over=("ml-dtypes==0.3.0",),
    ),
    Case(
        name="keras224-tf230",
        source="https://github.com/tensorflow/tensorflow/issues/42210",
        date="2020-08-10",
        python="3.7",
        install=("tensorflow-cpu==2.3.0", "protobuf<3.21", "h5py<3"),
        over=("keras==2.2.4", "keras-applications", "pyyaml"),
        symptom=_KERAS,
    ),
    Case(
        name="tfa-tf216-py39",
        source="https://github.com/tensorflow/addons/issues/2865",
        date="2024-07-15",
        python="3.9",
        install=("tensorflow-cpu==2.16.2", "tensorflow-addons==0.23.0"),
        over=(),
        symptom="import tensorflow_addons\n",
    ),
    Case(
        name="tftext-kerasnlp-tf219",
        source="https://github.com/keras-team/keras-hub/issues/2159",
        date="2025-03-20",
        python="3.10",
        install=("tensorflow==2.19.0",),
        over=("tensorflow-text==2.18.1",),
        symptom="import tensorflow_text\n",
    ),
)


def main() -> None:
    """Do each case and print a line of the table as it is done."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", default=[], help="id of a case; repeatable")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    print("case | gate before | changed | fresh lock changes | of | gate after | what")
    for case in CASES:
        if not options.only or case.name in options.only:
            folder = Path(tempfile.mkdtemp(prefix="fixes-", dir=options.folder))
            try:
                print(" | ".join(map(str, measure(case, folder))), flush=True)
            except subprocess.CalledProcessError as error:
                print(f"{case.name} | cannot be built: {error.cmd}", flush=True)
            finally:
                shutil.rmtree(folder, ignore_errors=True)


def measure(case: Case, folder: Path) -> tuple[object, ...]:
    """Build, break, fix and prove one case; the cells of its line."""
    env = folder / "env"
    build(case, env)
    probe = ["--timeout", "300"]
    if case.symptom:
        (folder / "symptom.py").write_text(case.symptom)
        probe += ["--probe", str(folder / "symptom.py")]
    before = envlock("verify", str(env), "--json", *probe)
    there = installed(env)
    fresh = fresh_lock(case, folder, env)
    fixed = envlock("fix", str(env), "--yes", "--json", *probe)
    after = envlock("verify", str(env), "--json", *probe)
    if not fixed.get("changed"):
        return case.name, _gate(before), "-", fresh, len(there), _gate(after), fixed.get("message")
    plan = fixed["plan"]
    moves = ", ".join(f"{s['package']} {s['before']} → {s['after']}" for s in plan)
    tried = "".join(f"; tried {each['why']}" for each in fixed["tried"])
    return case.name, _gate(before), len(plan), fresh, len(there), _gate(after), moves + tried


def build(case: Case, env: Path) -> None:
    """Install as the report has it."""
    _uv("venv", "--python", str(find_interpreter(case.python).path), str(env))
    words = ("pip", "install", "--python", str(env), "--exclude-newer", case.date)
    _uv(*words, *case.install)
    if case.over:
        _uv(*words, "--no-deps", *case.over)


def fresh_lock(case: Case, folder: Path, env: Path) -> int | str:
    """Count the packages that a lock of the same request would change, add or remove."""
    names = [Requirement(text).name for text in (*case.install[1:], *case.over)]
    lock = folder / "fresh.txt"
    words = [case.install[0], *names, "--python", case.python, "--engine", "uv", "-o", str(lock)]
    said = envlock("lock", *words, "--json")
    if not lock.exists():
        return f"none: {str(said.get('message')).splitlines()[0]}"
    pins = {p.name: p.version for p in read_lock(lock.name, lock.read_text()).part.pypi}
    there = installed(env)
    own = {canonicalize_name(each) for each in ("pip", "setuptools", "wheel")}
    return sum(pins.get(name) != there.get(name) for name in (pins.keys() | there.keys()) - own)


def envlock(*words: str) -> dict[str, Any]:
    """Run envlock and return its JSON object."""
    command = [sys.executable, "-m", "envlock", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout or "{}")
    return dict(found)


def _gate(said: dict[str, Any]) -> str:
    if said.get("verified"):
        return "passed"
    failed = (each for each in said.get("outcomes", ()) if each["required"])
    return next((f"{e['level']} {e['status']}" for e in failed if e["status"] != "passed"), "?")


def _uv(*words: str) -> None:
    # By hand all indexes that pip is configured for count, as for pip.
    settings = replace(load_settings(os.environ), index_strategy=IndexStrategy.BEST)
    env = uv_environment(settings)
    subprocess.run([uv_program(), *words, "--quiet"], check=True, env=env)


if __name__ == "__main__":
    main()
