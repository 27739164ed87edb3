"""The environments in which errors are provoked, and what a script raises in one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from envlock.index.handover import uv_program
from envlock.targets.interpreters import find_interpreter

SCRIPT = Path(__file__).parent / "scripts" / "provoke.py"

#: What is installed in a cell, which is called by the minors of TensorFlow and of Python.
CELLS: Mapping[str, Sequence[str]] = {
    "2.4-py3.8": ("tensorflow-cpu==2.4.4", "numpy==1.19.5", "h5py==2.10.0", "protobuf==3.20.3"),
    "2.10-py3.10": ("tensorflow-cpu==2.10.1", "numpy<2", "h5py==3.8.0", "protobuf==3.19.6"),
    "2.15-py3.11": ("tensorflow-cpu==2.15.1", "numpy<2", "h5py==3.11.0"),
    "2.21-py3.13": ("tensorflow-cpu==2.21.0", "keras==3.15.1", "h5py==3.14.0"),
}


def python_of(cell: str) -> str:
    """Return the minor of the Python of a cell."""
    return cell.partition("-py")[2]


def build(cell: str, folder: Path) -> Path:
    """Build the environment of a cell and return its Python."""
    uv, base = str(uv_program()), find_interpreter(python_of(cell)).path
    subprocess.run([uv, "venv", "-q", "--python", str(base), str(folder)], check=True)
    python = folder / "bin" / "python"
    command = [uv, "pip", "install", "-q", "--python", str(python), *CELLS[cell]]
    subprocess.run(command, check=True)
    return python


def raised(python: Path, scripts: Sequence[str]) -> list[str]:
    """Return what each script raises, all of them in one process."""
    done = subprocess.run(
        [str(python), str(SCRIPT)],
        input=json.dumps(scripts),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found
