"""Ctrl-C in every phase, and a kill: what was there is there again, and nothing goes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.framework import build_framework
from support.pace import wait_until
from support.program import Program, snapshot
from support.simple_index import SimpleIndex

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
INTERRUPTED = "error: interrupted: nothing was changed\n"
#: Seconds that a phase is made to take; nobody waits so long.
LONG = 30
STARTED: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    for running in STARTED:
        running.kill()
        running.communicate()
    STARTED.clear()


def start(program: Program, *words: str) -> subprocess.Popen[str]:
    running = subprocess.Popen(
        program.command(*words),
        cwd=program.here,
        env=program.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    STARTED.append(running)
    return running


def finished(running: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = running.communicate(timeout=10)
    return running.returncode, out, err


def alive(mark: str) -> list[str]:
    """Return the command lines of running programs that have a mark in them."""
    done = subprocess.run(["/bin/ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if mark in line]


def asked_for(index: SimpleIndex, start_of_path: str) -> Callable[[], bool]:
    return lambda: any(path.startswith(start_of_path) for path in index.requests)


Phase = Callable[[Program, SimpleIndex], Callable[[], object]]


def reading(_: Program, index: SimpleIndex) -> Callable[[], object]:
    index.delay = LONG
    return asked_for(index, "/simple/tensorflow/")


def resolving(_: Program, index: SimpleIndex) -> Callable[[], object]:
    index.delay, index.where = LONG, "/simple/numpy/"
    return asked_for(index, "/simple/numpy/")


def installing(envlock: Program, index: SimpleIndex) -> Callable[[], object]:
    """With a lock that is current, only the installer asks for anything."""
    assert envlock("lock", "tensorflow").code == 0
    index.delay, index.where = LONG, "/files/"
    return asked_for(index, "/files/")


def proving(_: Program, index: SimpleIndex) -> Callable[[], object]:
    """Import takes long, and has started a program that takes long too."""
    mark = index.folder / "imported"
    child = f"import time; time.sleep({LONG}) # {index.folder}"
    first = (
        "import pathlib, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        f"pathlib.Path({str(mark)!r}).touch()\n"
        f"time.sleep({LONG})"
    )
    build_framework(index.folder, "2.15.2", first=first)
    return mark.exists


PHASES = [reading, resolving, installing, proving]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("before", ["nothing", "an environment"])
def test_ctrl_c_leaves_everything_as_it_was(
    envlock: Program,
    index: SimpleIndex,
    phase: Phase,
    before: str,
) -> None:
    if before == "an environment":
        assert envlock("create", "h5py").code == 0
    reached = phase(envlock, index)
    index.requests.clear()
    there = snapshot(envlock.here)
    running = start(envlock, "create", "tensorflow")
    wait_until(reached)
    os.killpg(running.pid, signal.SIGINT)
    code, out, told = finished(running)
    assert (code, out) == (130, "")
    assert told.endswith(INTERRUPTED)  # what was to change was told before
    assert snapshot(envlock.here) == there
    assert alive(str(envlock.root)) == []


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_the_end_of_the_session_is_like_ctrl_c(
    envlock: Program, index: SimpleIndex, sent: signal.Signals
) -> None:
    signal.signal(sent, lambda *_: None)  # nohup ignores it, and what is started would too
    reached = installing(envlock, index)
    index.requests.clear()
    there = snapshot(envlock.here)
    running = start(envlock, "create", "tensorflow")
    wait_until(reached)
    signal.signal(sent, signal.SIG_DFL)
    running.send_signal(sent)
    assert finished(running) == (130, "", INTERRUPTED)
    assert snapshot(envlock.here) == there
    assert alive(str(envlock.root)) == []


def test_ctrl_c_again_and_again_changes_nothing_about_it(
    envlock: Program, index: SimpleIndex
) -> None:
    reached = installing(envlock, index)
    index.requests.clear()
    there = snapshot(envlock.here)
    running = start(envlock, "create", "tensorflow")
    wait_until(reached)
    for _ in range(20):
        running.send_signal(signal.SIGINT)
        time.sleep(0.005)
    assert finished(running) == (130, "", INTERRUPTED)
    assert snapshot(envlock.here) == there


def test_with_json_an_interrupt_is_an_object(envlock: Program, index: SimpleIndex) -> None:
    reached = reading(envlock, index)
    running = start(envlock, "lock", "--json")
    wait_until(reached)
    running.send_signal(signal.SIGINT)
    code, out, err = finished(running)
    assert out == (
        '{\n  "schema": 2,\n  "command": "lock",\n  "exit_code": 130,\n'
        '  "message": "interrupted: nothing was changed",\n  "remedies": [],\n'
        '  "cause": "interrupted",\n  "commands": []\n}\n'
    )
    assert (code, err) == (130, "")


@pytest.mark.parametrize("before", ["nothing", "an environment"])
def test_a_kill_while_installing_is_mended_by_the_next_run(
    envlock: Program, index: SimpleIndex, before: str
) -> None:
    if before == "an environment":
        assert envlock("create", "h5py").code == 0
    reached = installing(envlock, index)
    index.requests.clear()
    running = start(envlock, "create", "tensorflow")
    wait_until(reached)
    running.kill()
    assert finished(running)[0] == -signal.SIGKILL
    index.delay = 0
    _end_what_was_left(envlock.root)
    assert envlock("create", "tensorflow").code == 0
    assert sorted(path.name for path in envlock.here.iterdir()) == [".venv", "requirements.txt"]
    assert envlock("verify").code == 0


def searching(envlock: Program) -> subprocess.Popen[str]:
    """Start a bisect whose command takes long in the bad set, and wait for it."""
    (envlock.here / "good.txt").write_text("h5py==3.10.0\n")
    (envlock.here / "bad.txt").write_text("h5py==3.11.0\n")
    (envlock.here / "long.py").write_text(
        "import h5py, pathlib, time\n"
        "if h5py.__version__ == '3.11.0' and not pathlib.Path('quick').exists():\n"
        f"    pathlib.Path('reached').touch(); time.sleep({LONG})\n"
        "assert h5py.__version__ == '3.10.0'\n"
    )
    running = start(envlock, *BISECT)
    wait_until((envlock.here / "reached").exists)
    return running


BISECT = ("bisect", "good.txt", "bad.txt", "--run", "python long.py")


def test_ctrl_c_leaves_nothing_of_a_bisect(envlock: Program) -> None:
    running = searching(envlock)
    assert len([*envlock.cache.glob("bisect/trial-*")]) == 1
    running.send_signal(signal.SIGINT)
    assert finished(running) == (130, "", INTERRUPTED)
    assert [*envlock.cache.glob("bisect/trial-*")] == []
    assert alive(str(envlock.root)) == []


def test_what_a_killed_bisect_leaves_is_removed_by_the_next(envlock: Program) -> None:
    running = searching(envlock)
    running.kill()
    assert finished(running)[0] == -signal.SIGKILL
    _end_what_was_left(envlock.root)
    (envlock.here / "quick").touch()
    assert envlock(*BISECT).code == 0
    assert [*envlock.cache.glob("bisect/trial-*")] == []


def _end_what_was_left(root: Path) -> None:
    """End the installer that a kill of envlock could not end."""
    if sys.platform != "linux":
        return
    for entry in Path("/proc").iterdir():
        try:
            started = entry.name.isdigit() and os.fsencode(root) in (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if started:
            os.kill(int(entry.name), signal.SIGKILL)
