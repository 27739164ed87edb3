"""Real environments that were reported as broken, cured with the fewest changes."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.choices import IndexStrategy
from envlock.environment.inspect import installed
from envlock.errors import InterpreterMissing
from envlock.formats.registry import read_lock
from envlock.index.handover import uv_environment, uv_program
from envlock.index.settings import load_settings
from envlock.releases import distributions
from envlock.targets.interpreters import find_interpreter

pytestmark = [pytest.mark.e2e, pytest.mark.network, pytest.mark.nightly]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A TensorFlow as it was installed on a day, a package put over it, and the cure.

    ``others`` are bounds that people already had to keep.
    """

    release: str
    python: str
    date: str
    over: str
    level: str
    cure: dict[str, tuple[str, str]]
    others: tuple[str, ...] = ()


CASES = [
    Case(
        release="2.10.1",
        python="3.10",
        date="2023-06-01",
        over="numpy==2.0.2",
        level="import-h5py",
        cure={"numpy": ("2.0.2", "1.")},
    ),
    Case(
        release="2.4.4",
        python="3.8",
        date="2021-12-01",
        over="h5py==3.1.0",
        level="load",
        cure={"h5py": ("3.1.0", "2.10.0")},
    ),
    Case(
        release="2.3.4",
        python="3.8",
        date="2021-12-01",
        over="protobuf==4.21.1",
        level="import",
        cure={"protobuf": ("4.21.1", "3.")},
    ),
]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{case.release} with {case.over}") for case in CASES]
)
def test_one_package_is_changed_where_a_fresh_lock_changes_many(case: Case, tmp_path: Path) -> None:
    env = build(case, tmp_path)
    before = envlock("verify", str(env), cwd=tmp_path)
    failed = [e["level"] for e in before["outcomes"] if e["required"] and e["status"] == "failed"]
    assert failed[0] == case.level
    there = installed(env)

    done = envlock("fix", str(env), "--yes", cwd=tmp_path)

    assert done["changed"], done
    moved = {step["package"]: (step["before"], step["after"]) for step in done["plan"]}
    assert moved.keys() == case.cure.keys(), done["tried"]
    for name, (old, new) in case.cure.items():
        assert moved[name][0] == old
        assert moved[name][1].startswith(new)
    assert envlock("verify", str(env), cwd=tmp_path)["verified"] is True
    assert len(moved) < fresh_changes(case, env, tmp_path)
    assert envlock("fix", "--undo", str(env), cwd=tmp_path)["exit_code"] == 0
    assert installed(env) == there


def build(case: Case, folder: Path) -> Path:
    try:
        found = find_interpreter(case.python)
    except InterpreterMissing:
        pytest.skip(f"there is no Python {case.python} on this machine")
    if not distributions(Version(case.release), found.platform, case.python):
        pytest.skip(f"TensorFlow {case.release} has no wheel for it on {found.platform}")
    env = folder / "env"
    uv("venv", "--python", str(found.path), str(env))
    words = ("pip", "install", "--python", str(env))
    uv(*words, "--exclude-newer", case.date, f"tensorflow-cpu=={case.release}", *case.others)
    uv(*words, "--no-deps", case.over)
    return env


def fresh_changes(case: Case, env: Path, folder: Path) -> int:
    """Count what a lock of the same request would change, add or remove."""
    name = case.over.partition("==")[0]
    words = [f"tensorflow-cpu=={case.release}", name, "--python", case.python, "--engine", "uv"]
    envlock("lock", *words, cwd=folder)
    lock = read_lock("requirements.txt", (folder / "requirements.txt").read_text())
    pins = {package.name: package.version for package in lock.part.pypi}
    there = installed(env)
    own = {canonicalize_name(each) for each in ("pip", "setuptools", "wheel")}
    return sum(pins.get(n) != there.get(n) for n in (pins.keys() | there.keys()) - own)


def envlock(*words: str, cwd: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "envlock", *words, "--json"]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return dict(json.loads(done.stdout))


def uv(*words: str) -> None:
    # By hand all indexes that pip is configured for count, as for pip.
    settings = replace(load_settings(os.environ), index_strategy=IndexStrategy.BEST)
    env = uv_environment(settings)
    subprocess.run([uv_program(), *words, "--quiet"], check=True, env=env)
