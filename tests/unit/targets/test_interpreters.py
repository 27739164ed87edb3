"""Which Python an option means, and what is said when it is not here."""

from __future__ import annotations

import json
import os
import shlex
import sys
import venv
from pathlib import Path

import pytest

from envlock.errors import InterpreterMissing
from envlock.targets.description import Interpreter, describe
from envlock.targets.interpreters import (
    available,
    base_program,
    find_interpreter,
)
from support.prefixes import UV

BASE = base_program(Path(sys.executable))
MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
scripts = pytest.mark.skipif(os.name == "nt", reason="shell scripts stand for interpreters")


def fake_python(path: Path, version: str, *, implementation: str = "cpython") -> Path:
    """Write a program that answers the one question as a Python of that version would."""
    markers = dict(describe(BASE).markers)
    markers["python_full_version"] = version
    markers["implementation_name"] = implementation
    markers["platform_python_implementation"] = {"cpython": "CPython"}.get(implementation, "PyPy")
    answer = {"libc": "", "bits": 64, "free_threaded": False, "markers": markers}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {shlex.quote(json.dumps(answer))}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder on an otherwise empty PATH, and no pyenv, uv, rye or conda."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    for name in ("UV_PYTHON_INSTALL_DIR", "RYE_PY_ROOT", "ASDF_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    (tmp_path / "path").mkdir()
    return tmp_path


def test_no_wish_means_the_python_that_envlock_runs_on() -> None:
    assert find_interpreter(None).path == BASE


def test_a_minor_version_is_found() -> None:
    assert find_interpreter(MINOR).version.release[:2] == sys.version_info[:2]


def test_a_full_version_is_found() -> None:
    wanted = ".".join(map(str, sys.version_info[:3]))
    assert find_interpreter(wanted).version.release == sys.version_info[:3]


def test_a_virtual_environment_stands_for_the_python_it_was_made_from(tmp_path: Path) -> None:
    venv.create(tmp_path / "env")
    found = find_interpreter(str(tmp_path / "env"))
    assert found.path.resolve() == BASE.resolve()
    assert not found.path.is_relative_to(tmp_path)


def test_an_environment_whose_python_is_gone_says_so(tmp_path: Path) -> None:
    venv.create(tmp_path, symlinks=os.name != "nt")
    (tmp_path / "pyvenv.cfg").write_text(f"home = {tmp_path / 'gone'}\nversion = 3.11.7\n")
    with pytest.raises(InterpreterMissing) as caught:
        find_interpreter(str(tmp_path))
    assert caught.value.message == (
        f"{tmp_path}: the Python of this environment is gone: it was made from Python 3.11.7"
        f" in {tmp_path / 'gone'}, which is no longer there"
    )


def test_a_folder_without_python_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(InterpreterMissing) as caught:
        find_interpreter(str(tmp_path))
    assert caught.value.message == (
        f"{tmp_path}: no Python in this folder "
        "(looked for bin/python, bin/python3, Scripts/python.exe, python.exe)"
    )


def test_a_name_that_is_nothing_says_so() -> None:
    with pytest.raises(InterpreterMissing) as caught:
        find_interpreter("no-such-python")
    assert caught.value.message == (
        "no-such-python: neither a version such as 3.11 nor a program or folder that is there"
    )


@scripts
def test_the_first_fitting_program_on_the_path_is_taken(bare_machine: Path) -> None:
    first = fake_python(bare_machine / "path" / "python3.8", "3.8.18")
    fake_python(bare_machine / "pyenv" / "versions" / "3.8.20" / "bin" / "python", "3.8.20")
    assert find_interpreter("3.8").path == first


@scripts
def test_of_several_in_pyenv_the_newest_patch_is_taken(bare_machine: Path) -> None:
    for version in ("3.8.2", "3.8.18", "3.8.9"):
        fake_python(bare_machine / "pyenv" / "versions" / version / "bin" / "python", version)
    assert str(find_interpreter("3.8").version) == "3.8.18"
    assert str(find_interpreter("3.8.9").version) == "3.8.9"


@scripts
def test_a_broken_program_and_a_shim_are_passed_over(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = fake_python(bare_machine / "path" / "python3.8", "3.8.1")
    broken.write_text("#!/bin/sh\nexit 127\n")
    shim = fake_python(bare_machine / "shims" / "python3.8", "3.8.5")
    monkeypatch.setenv("PATH", f"{broken.parent}{os.pathsep}{shim.parent}")
    good = fake_python(bare_machine / "pyenv" / "versions" / "3.8.9" / "bin" / "python", "3.8.9")
    assert find_interpreter("3.8").path == good


@scripts
def test_conda_environments_are_found(bare_machine: Path) -> None:
    python = fake_python(bare_machine / "conda" / "envs" / "old" / "bin" / "python", "3.8.12")
    (bare_machine / ".conda").mkdir()
    (bare_machine / ".conda" / "environments.txt").write_text(f"{python.parent.parent}\n")
    assert find_interpreter("3.8").path == python


@scripts
def test_another_implementation_is_refused_by_name(tmp_path: Path) -> None:
    path = fake_python(tmp_path / "pypy", "3.10.14", implementation="pypy")
    with pytest.raises(InterpreterMissing) as caught:
        find_interpreter(str(path))
    assert caught.value.message == (
        f"{path} is PyPy 3.10.14; TensorFlow has wheels for CPython only"
    )


@scripts
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has Pythons outside PATH")
def test_a_missing_version_lists_those_that_are_here_and_what_they_allow(
    bare_machine: Path,
) -> None:
    new = fake_python(bare_machine / "path" / "python3.9", "3.9.18")
    old = fake_python(bare_machine / "pyenv" / "versions" / "3.6.15" / "bin" / "python", "3.6.15")

    def allows(interpreter: Interpreter) -> str:
        return f"TensorFlow for {interpreter.version.minor}"

    with pytest.raises(InterpreterMissing) as caught:
        find_interpreter("3.14", allows=allows)
    assert caught.value.message == (
        "Python 3.14 was asked for and is not on this machine, which has:\n"
        f"  3.9.18  TensorFlow for 9  {new}\n"
        f"  3.6.15  TensorFlow for 6  {old}"
    )
    assert caught.value.remedies == ("--python 3.9", f"{UV} python install 3.14")


@scripts
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has Pythons outside PATH")
def test_a_machine_without_any_python_is_told(bare_machine: Path) -> None:
    del bare_machine
    with pytest.raises(InterpreterMissing) as caught:
        find_interpreter("3.99")
    assert caught.value.message == (
        "Python 3.99 was asked for and is not on this machine; neither is any other"
    )


def test_all_that_are_here_are_listed_newest_first() -> None:
    here = available()
    versions = [each.version for each in here]
    assert versions == sorted(versions, reverse=True)
    assert len({(each.path.resolve().parent, each.version) for each in here}) == len(here)
