"""Standard streams that are closed, full or left by their reader, and Ctrl-C at any moment."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.program import Program

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX shells and signals")
FULL = "error: cannot print the result: No space left on device\n"


def shell(program: Program, redirected: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program from a shell that redirects its streams."""
    return subprocess.run(
        ["/bin/bash", "-c", f'"$@" {redirected}', "bash", *program.command(*words)],
        cwd=program.here,
        env=program.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "redirected", "code", "err"),
    [
        (("rules", "list"), ">&-", 0, ""),
        (("releases",), ">&- 2>&-", 0, ""),
        (("--help",), "> /dev/full", 4, FULL),
        (("--version",), "> /dev/full", 4, FULL),
        (("rules", "list", "--json"), "> /dev/full", 4, FULL),
        (("verify", "x", "--json"), "> /dev/full", 4, FULL),
        (("--help",), "| true", 0, ""),
        (("lock", "--nonsense"), "2> /dev/full", 2, ""),
        (("lock", "--nonsense"), "2>&-", 2, ""),
        (
            ("diagnose", "-"),
            "<&-",
            2,
            "error: standard input is closed: there is nothing to read at -\n",
        ),
    ],
    ids=str,
)
def test_a_stream_that_takes_or_gives_nothing(
    program: Program, words: tuple[str, ...], redirected: str, code: int, err: str
) -> None:
    done = shell(program, redirected, *words)
    assert (done.returncode, done.stderr) == (code, err)


def test_a_lock_is_written_where_nobody_listens(envlock: Program) -> None:
    done = shell(envlock, ">&- 2>&- <&-", "lock", "h5py", "-v")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = (envlock.here / "requirements.txt").read_text()
    assert "\nh5py==3.11.0 " in text
    assert "solve" not in text


def test_the_work_goes_on_when_the_reader_of_its_words_is_gone(envlock: Program) -> None:
    done = shell(envlock, "-v 2> >(head -c 1 > first)", "lock", "h5py")
    assert done.returncode == 0
    assert (envlock.here / "requirements.txt").is_file()


def test_a_full_place_for_words_stops_nothing(envlock: Program) -> None:
    done = shell(envlock, "2> /dev/full", "lock", "h5py", "-v")
    assert done.returncode == 0
    assert (envlock.here / "requirements.txt").is_file()


def test_fix_asks_nobody_where_there_is_no_standard_input(program: Program) -> None:
    (program.here / "requirements.in").write_text("h5py\n")
    done = shell(program, "<&-", "fix", "requirements.in", "-q")
    assert (done.returncode, done.stderr) == (0, "")


#: Runs the program with a module in front of it that stops where a Ctrl-C is to come.
STOPPED = """
import builtins, os, signal, sys
before = builtins.__import__
place = sys.argv.pop(1)
def slowly(name, *rest, **more):
    if name == place:
        builtins.__import__ = before
        os.kill(os.getpid(), signal.SIGINT)
    return before(name, *rest, **more)
builtins.__import__ = slowly
from envlock.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "module", ["envlock.cli", "typer", "envlock.cli.arguments", "envlock.cli.process"]
)
@pytest.mark.parametrize("as_json", [False, True], ids=["words", "json"])
def test_ctrl_c_while_envlock_starts_is_an_interrupt(
    program: Program, module: str, *, as_json: bool
) -> None:
    json = ["--json"] if as_json else []
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, module, "rules", "list", *json],
        env=program.environment(),
        cwd=program.here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130
    if as_json:
        assert '"message": "interrupted: nothing was changed"' in done.stdout
    else:
        assert (done.stdout, done.stderr) == ("", "error: interrupted: nothing was changed\n")


@pytest.mark.parametrize("after", [0.08, 0.12, 0.16, 0.2])
def test_ctrl_c_at_some_moment_prints_no_traceback(program: Program, after: float) -> None:
    ready = Path(program.root / "ready")
    begin = (
        f"open({str(ready)!r}, 'w').close()\n"
        "import sys; sys.argv[1:] = ['rules', 'list']\n"
        "from envlock.__main__ import main; main()"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", begin],
        env=program.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not ready.exists():
        time.sleep(0.001)
    time.sleep(after)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    # Python's own word on a module whose import was broken off and begun again.
    err = re.sub(r"\./Modules/_decimal/.*\n\n?", "", err)
    assert (running.returncode, err) in {
        (130, "error: interrupted: nothing was changed\n"),
        (0, ""),
    }
