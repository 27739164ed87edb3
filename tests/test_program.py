"""Runs in a copy of the zygote are runs of the program: what tests rely on that start it so."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support import zygote
from support.fixtures import envlock, index, program
from support.program import Program

__all__ = ["envlock", "index", "program"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are not copied here")


def copied(program: Program, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    environ = program.environment()
    done = zygote.run(words, cwd=program.here, env=environ, timeout=timeout)
    assert done is not None
    return done


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--version"], 0),
        ([], 0),
        (["lock", "--help"], 0),
        (["rules", "list", "--json"], 0),
        (["diagnose", "a.log"], 1),
        (["diagnose", "nothing.log", "--json"], 2),
        (["diagnose", "ä €.log"], 2),
        (["lock", "--no-such-option"], 2),
        (["lock", "numpy=="], 2),
        (["lock", "numpy==9", "--json"], 3),
        (["lock", "h5py", "-i", "http://127.0.0.1:9/simple"], 4),
        (["create", "h5py", "--no-such-option", "-v"], 2),
        (["sync"], 2),
        (["export", "-"], 2),
    ],
)
def test_a_copy_says_and_ends_as_a_start_does(
    envlock: Program, words: list[str], code: int
) -> None:
    (envlock.here / "a.log").write_text(
        "AttributeError: module 'numpy' has no attribute 'object'\n"
    )
    copy, start = copied(envlock, *words), envlock.run(envlock.command(*words))
    assert (copy.returncode, copy.stdout, copy.stderr) == (start.code, start.out, start.err)
    assert copy.returncode == code


def test_a_copy_writes_what_a_start_writes(envlock: Program) -> None:
    written = []
    for run in (copied, lambda *words: envlock.run(words[0].command(*words[1:]))):
        run(envlock, "lock", "tensorflow", "--format", "pylock", "--fresh")
        written.append((envlock.here / "pylock.toml").read_bytes())
        (envlock.here / "pylock.toml").unlink()
    assert written[0] == written[1] != b""


def test_nothing_of_one_copy_is_known_to_the_next(envlock: Program) -> None:
    assert copied(envlock, "lock", "h5py", "-i", "http://127.0.0.1:9/secret").returncode == 4
    assert "/secret" in copied(envlock, "lock", "h5py", "-i", "http://127.0.0.1:9/secret").stderr
    there = envlock.with_env(HOME=str(envlock.root), ENVLOCK_CACHE_DIR=str(envlock.root / "other"))
    assert copied(there, "lock", "h5py").returncode == 0
    assert (envlock.root / "other").is_dir()


def test_a_signal_that_ends_a_copy_is_told(program: Program) -> None:
    copied(program, "--version")
    fifo = program.here / "a.log"
    os.mkfifo(fifo)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(copied, program, "diagnose", "a.log")
        with fifo.open("w"):  # which is open when it is being read
            os.kill(zygote.child(), signal.SIGKILL)
            assert done.result().returncode == -signal.SIGKILL


def test_a_copy_that_takes_too_long_is_killed_and_the_next_one_runs(program: Program) -> None:
    os.mkfifo(program.here / "a.log")
    with pytest.raises(subprocess.TimeoutExpired):
        copied(program, "diagnose", "a.log", timeout=0.2)
    assert copied(program, "--version").returncode == 0


@pytest.mark.parametrize("name", ["PYTHONIOENCODING", "LC_ALL"])
def test_what_is_decided_at_a_start_is_left_to_one(program: Program, name: str) -> None:
    copied(program, "--version")
    odd = {**program.environment(), name: "C"}
    assert zygote.run(["--version"], cwd=Path("/"), env=odd, timeout=9) is None


def test_another_umask_is_left_to_a_start(program: Program) -> None:
    copied(program, "--version")
    old = os.umask(0o027)
    try:
        assert (
            zygote.run(["--version"], cwd=Path("/"), env=program.environment(), timeout=9) is None
        )
    finally:
        os.umask(old)
