"""What an interpreter says of itself, and the wheels that follow from it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.tags import sys_tags
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.errors import InterpreterMissing
from envlock.model import Platform
from envlock.system import Completed, run
from envlock.targets import description
from envlock.targets.description import describe, target
from envlock.targets.interpreters import python_in
from envlock.targets.tags import wheel_tags

scripts = pytest.mark.skipif(os.name == "nt", reason="a shell script stands for a program")


def program(folder: Path, body: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_the_tags_of_this_interpreter_are_those_packaging_gives_it() -> None:
    own = target(describe(Path(sys.executable)))
    assert own.tags == tuple(str(tag) for tag in sys_tags())


def test_the_markers_of_this_interpreter_are_those_packaging_gives_it() -> None:
    assert describe(Path(sys.executable)).markers == default_environment()


def test_a_target_holds_the_interpreter_and_the_accelerator() -> None:
    interpreter = describe(Path(sys.executable))
    own = target(interpreter, Accelerator.CPU)
    assert own.interpreter == Path(sys.executable)
    assert own.python == Version(sys.version.split()[0])
    assert own.accelerator is Accelerator.CPU
    assert own.platform == interpreter.platform


@pytest.fixture
def starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The programs that were started, with an empty cache."""
    started: list[Path] = []

    def counted(command: Sequence[Path], *, timeout: float) -> Completed:
        started.append(command[0])
        return run(command, timeout=timeout)

    monkeypatch.setattr(description, "run", counted)
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path / "cache"))
    return started


def test_an_interpreter_is_asked_once_until_it_changes(tmp_path: Path, starts: list[Path]) -> None:
    made = [sys.executable, "-m", "venv", "--copies", "--without-pip", str(tmp_path / "env")]
    subprocess.run(made, check=True)
    inside = python_in(tmp_path / "env")
    assert inside is not None
    first = describe(inside)
    assert describe(inside) == first
    assert starts == [inside]
    os.utime(inside, (1, 1))
    assert describe(inside) == first
    assert starts == [inside, inside]


def test_an_interpreter_is_asked_again_on_another_day(
    starts: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(sys.executable).resolve()
    describe(path)
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 25 * 3600)
    describe(path)
    assert starts == [path, path]


def test_an_interpreter_is_asked_again_on_another_system(
    starts: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(sys.executable).resolve()
    describe(path)
    monkeypatch.setattr(description, "_system", lambda: b"glibc 2.99")
    describe(path)
    assert starts == [path, path]


@scripts
def test_a_script_is_asked_each_time_which_python_it_starts(
    tmp_path: Path, starts: list[Path]
) -> None:
    path = program(tmp_path, f'exec {sys.executable} "$@"')
    describe(path)
    describe(path)
    assert starts == [path, path]


def test_a_program_that_failed_is_asked_again(tmp_path: Path, starts: list[Path]) -> None:
    path = tmp_path / "python.exe"
    path.write_bytes(b"MZ no program")
    path.chmod(0o755)
    for _ in range(2):
        with pytest.raises(InterpreterMissing):
            describe(path)
    assert starts == [path, path]


LINUX = Platform(system="linux", machine="x86_64", libc="glibc 2.36")


@pytest.mark.parametrize(
    ("python", "platform", "taken", "refused"),
    [
        ("3.6.15", LINUX, "cp36-cp36m-manylinux2010_x86_64", "cp36-cp36-manylinux2010_x86_64"),
        ("3.7.16", LINUX, "cp37-cp37m-manylinux_2_12_x86_64", "cp38-cp38-manylinux1_x86_64"),
        ("3.8.18", LINUX, "cp38-cp38-manylinux2014_x86_64", "cp38-cp38m-manylinux2014_x86_64"),
        ("3.13.0", LINUX, "cp313-cp313-manylinux_2_28_x86_64", "cp313-cp313t-linux_x86_64"),
        ("3.11.7", LINUX, "py3-none-any", "cp311-cp311-manylinux_2_37_x86_64"),
        (
            "3.11.7",
            Platform(system="linux", machine="x86_64", libc="glibc 2.17"),
            "cp311-cp311-manylinux2014_x86_64",
            "cp311-cp311-manylinux_2_27_x86_64",
        ),
        (
            "3.9.1",
            Platform(system="linux", machine="aarch64", libc="glibc 2.31"),
            "cp39-cp39-manylinux2014_aarch64",
            "cp39-cp39-manylinux1_aarch64",
        ),
        (
            "3.12.1",
            Platform(system="linux", machine="x86_64", libc="musl 1.2"),
            "cp312-cp312-musllinux_1_1_x86_64",
            "cp312-cp312-manylinux_2_17_x86_64",
        ),
        (
            "3.10.13",
            Platform(system="windows", machine="x86_64"),
            "cp310-cp310-win_amd64",
            "cp310-cp310-win32",
        ),
        (
            "3.7.9",
            Platform(system="windows", machine="i686"),
            "cp37-cp37m-win32",
            "cp37-cp37-win32",
        ),
        (
            "3.12.1",
            Platform(system="windows", machine="arm64"),
            "cp312-cp312-win_arm64",
            "cp312-cp312-win_amd64",
        ),
    ],
)
def test_wheels_are_taken_or_refused_by_version_platform_and_c_library(
    python: str, platform: Platform, taken: str, refused: str
) -> None:
    tags = wheel_tags(Version(python), platform)
    assert taken in tags
    assert refused not in tags


def test_a_free_threaded_python_takes_its_own_wheels_only() -> None:
    tags = wheel_tags(Version("3.13.0"), LINUX, free_threaded=True)
    assert tags[0] == "cp313-cp313t-linux_x86_64"
    assert "cp313-cp313-linux_x86_64" not in tags


@scripts
def test_a_program_that_is_not_python_is_refused(tmp_path: Path) -> None:
    path = program(tmp_path, "echo 'no such option' >&2; exit 3")
    with pytest.raises(InterpreterMissing) as caught:
        describe(path)
    assert caught.value.message == (
        f"{path} is not a Python 3.6 or later (exit status 3: no such option)"
    )


@scripts
def test_a_program_that_says_nothing_is_refused(tmp_path: Path) -> None:
    path = program(tmp_path, "exit 0")
    with pytest.raises(InterpreterMissing) as caught:
        describe(path)
    assert caught.value.message == (
        f"{path} is not a Python 3.6 or later (exit status 0: it said nothing)"
    )


@scripts
def test_a_program_that_hangs_is_given_up(tmp_path: Path) -> None:
    path = program(tmp_path, "sleep 60")
    with pytest.raises(InterpreterMissing) as caught:
        describe(path, time_limit=0.3)
    assert caught.value.message == f"{path} is not a usable Python: no answer in 0.3 s"


@scripts
def test_a_file_that_cannot_be_started_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "python"
    path.write_text("")
    with pytest.raises(InterpreterMissing) as caught:
        describe(path)
    assert caught.value.message == (
        f"{path} is not a usable Python: cannot start {path}: Permission denied"
    )
