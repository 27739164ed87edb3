"""Packages are compiled beside other work, and only what can be compiled."""

from __future__ import annotations

import ast
import os
import time
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from envlock.environment import inspect as bytecode
from envlock.environment.create import create_venv
from envlock.environment.inspect import SCRIPT, compiling, prefix_of, site_folders
from envlock.progress import Silent
from envlock.targets.interpreters import find_interpreter
from support.pace import wait_until


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An environment with a large package, a small one and a module that is none."""
    made = create_venv(find_interpreter(None), tmp_path / "env", Silent())
    (site,) = site_folders(prefix_of(made))
    for name, size in (("large", 2000), ("small", 10)):
        (site / name).mkdir()
        (site / name / "__init__.py").write_text("a = 1\n" * size)
    (site / "large" / "broken.py").write_text("this is no Python")
    (site / "large" / "effect.py").write_text("import pathlib; pathlib.Path('run').touch()")
    return made


def compiled(python: Path, name: str) -> bool:
    (site,) = site_folders(prefix_of(python))
    return Path(cache_from_source(str(site / name))).is_file()


def wait_for(python: Path, name: str) -> None:
    wait_until(lambda: compiled(python, name))


def test_packages_are_compiled_while_a_block_runs_and_nothing_is_run(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with compiling(python):
        wait_for(python, "small/__init__.py")
    assert compiled(python, "large/__init__.py")
    assert compiled(python, "large/effect.py")
    assert not compiled(python, "large/broken.py")
    assert not (tmp_path / "run").exists()


def test_what_is_not_compiled_at_the_end_of_the_block_stays_so(
    python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site,) = site_folders(prefix_of(python))
    for number in range(300):
        (site / "large" / f"module_{number:03}.py").write_text("a = [1, 2, 3]\n" * (800 - number))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with compiling(python):
        wait_for(python, "large/module_000.py")
    left = compiled(python, "large/module_299.py")
    time.sleep(0.3)
    assert (left, compiled(python, "small/__init__.py")) == (False, False)


def test_a_machine_with_one_core_has_none_to_spare(
    python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(bytecode, "beside", None)
    with compiling(python):
        pass
    assert not compiled(python, "small/__init__.py")


def test_the_script_keeps_to_the_syntax_of_python_3_6() -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))
