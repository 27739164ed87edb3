"""Small environments with something wrong in them, built by uv as users have them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from envlock.environment.inspect import installed
from envlock.index.handover import uv_program
from support.distributions import build_wheel
from support.framework import build_framework, its_python
from support.program import Program

#: What every TensorFlow before 2.18 says to NumPy 2, in a line.
REFUSES_NUMPY_2 = "import numpy\nif numpy.__version__[0] == '2': raise ImportError('numpy 2')"


def build_wheels(folder: Path, **releases: str) -> None:
    """Fill an index: TensorFlow 2.15.1 and neighbours that stay as they are.

    ``releases`` are more TensorFlows, ``v2_15_0="what its import runs"``.
    """
    build_framework(folder, first=REFUSES_NUMPY_2)
    for name, first in releases.items():
        build_framework(folder, name[1:].replace("_", "."), first=first)
    build_wheel(folder, "bystander", "1.0", requires=["numpy"])
    build_wheel(folder, "bystander", "2.0", requires=["numpy"])
    for name, version in (("tensorflow-cpu", "2.15.0"), ("tool", "1.0")):
        source = f'"""{name} {version}"""\nraise ImportError("of {name}")\n'
        files = {"tensorflow.py": source} if name != "tool" else {"tool/a.py": "", "tool/b.py": ""}
        build_wheel(folder, name, version, files=files)


def make_patient(program: Program, *requirements: str, name: str = "env") -> Path:
    """Build an environment with exactly these releases, whatever they ask for."""
    folder = program.here / name
    uv(program, "venv", "--quiet", "--python", its_python().path, folder)
    uv(program, "pip", "install", "--quiet", "--no-deps", "--python", folder, *requirements)
    return folder


def uv(program: Program, *words: str | Path) -> None:
    """Run uv with the index that pip is configured for."""
    env = program.environment()
    env["UV_DEFAULT_INDEX"] = env["PIP_INDEX_URL"]
    subprocess.run([uv_program(), *map(str, words)], env=env, cwd=program.here, check=True)


def versions(folder: Path) -> Mapping[str, str]:
    """Return what is installed, by its metadata."""
    return {name: str(version) for name, version in sorted(installed(folder).items())}


def site_of(folder: Path) -> Path:
    """Return the site-packages of an environment."""
    return next(folder.glob("lib/python3*/site-packages"))
