"""Files that somebody else changes while envlock is at work, and what a kill leaves beside them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from envlock.errors import WorkError
from envlock.locking.outputs import refuse_changed, seen, write_changed
from envlock.progress import Silent
from envlock.system import landed, refuse_unwritable, taken_back, write_files, write_texts
from envlock.system.replacing import FileReplacement
from support.places import fresh_environment
from support.program import Program, snapshot
from support.simple_index import SimpleIndex

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX")

MEANWHILE = (
    "error: {path} was {what} by somebody else while envlock was at work; it is left as it is,"
    " and nothing was changed\n  try: look at {path}, and try again\n"
)


def editor(program: Program, statement: str) -> Path:
    """Return a probe that does something to requirements.txt while the environment is proved."""
    probe = program.here / "editor.py"
    lock = program.here / "requirements.txt"
    probe.write_text(f"import pathlib\n{statement.format(lock=f'pathlib.Path({str(lock)!r})')}\n")
    return probe


@pytest.mark.parametrize(
    ("statement", "what", "after"),
    [
        ("{lock}.write_text('mine\\n')", "changed", "mine\n"),
        ("{lock}.unlink()", "removed", None),
    ],
)
def test_create_writes_over_no_lock_that_was_changed_meanwhile(
    envlock: Program, statement: str, what: str, after: str | None
) -> None:
    assert envlock("create", "h5py==3.10.0").code == 0
    before = snapshot(envlock.here / ".venv")
    done = envlock("create", "h5py==3.11.0", "--probe", editor(envlock, statement))
    assert (done.code, done.out) == (4, "")
    assert done.err.endswith(MEANWHILE.format(path="requirements.txt", what=what))
    lock = envlock.here / "requirements.txt"
    assert (lock.read_text() if lock.exists() else None) == after
    assert snapshot(envlock.here / ".venv") == before


def test_create_is_not_equal_to_a_lock_that_was_taken_and_then_changed(envlock: Program) -> None:
    assert envlock("lock", "h5py").code == 0
    probe = editor(envlock, "{lock}.write_text({lock}.read_text() + 'mine==1\\n')")
    assert envlock("create", "h5py").code == 0
    before = snapshot(envlock.here / ".venv")
    done = envlock("create", "h5py", "--probe", probe)
    assert done.code == 4
    assert done.err.endswith(MEANWHILE.format(path="requirements.txt", what="changed"))
    assert (envlock.here / "requirements.txt").read_text().endswith("mine==1\n")
    assert snapshot(envlock.here / ".venv") == before


def test_create_makes_no_lock_over_one_that_came_meanwhile(envlock: Program) -> None:
    done = envlock("create", "h5py", "--probe", editor(envlock, "{lock}.write_text('mine\\n')"))
    assert done.code == 4
    assert (envlock.here / "requirements.txt").read_text() == "mine\n"
    assert not (envlock.here / ".venv").exists()


@pytest.mark.parametrize("words", [("lock", "h5py"), ("docker", "h5py")])
def test_nothing_that_was_solved_for_long_is_written_over_a_change(
    envlock: Program, index: SimpleIndex, words: tuple[str, ...]
) -> None:
    index.delay = 0.4
    running = subprocess.Popen(
        envlock.command(*words, "--fresh"),
        cwd=envlock.here,
        env=envlock.environment(),
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    while not index.requests and running.poll() is None:
        time.sleep(0.01)
    name = "requirements.txt" if words[0] == "lock" else "Dockerfile"
    (envlock.here / name).write_text("mine\n")
    _, said = running.communicate(timeout=60)
    assert running.returncode == 4
    assert said.endswith(MEANWHILE.format(path=name, what="changed"))
    assert [path.name for path in envlock.here.iterdir()] == [name]
    assert (envlock.here / name).read_text() == "mine\n"


def test_sync_installs_the_lock_of_whoever_it_waited_for(
    envlock: Program, index: SimpleIndex
) -> None:
    assert envlock("create", "h5py==3.10.0").code == 0
    (record,) = envlock.here.glob(".venv/lib/*/site-packages/h5py-3.10.0.dist-info")
    shutil.rmtree(record)  # so that the environment is not equal to the lock that is there
    index.delay = 0.3
    first = subprocess.Popen(
        envlock.command("create", "h5py==3.11.0", "--no-cache", "-q"),
        cwd=envlock.here,
        env=envlock.environment(),
    )
    while not (envlock.here / ".venv" / ".envlock" / "lock").exists() and first.poll() is None:
        time.sleep(0.01)
    second = envlock("sync")
    assert first.wait(60) == 0
    assert (second.code, second.out.splitlines()[0]) == (0, "release      h5py 3.11.0")
    assert [*envlock.here.glob(".venv/lib/*/site-packages/h5py-3.11.0.dist-info")]


def test_sync_is_not_equal_to_a_lock_that_was_changed_meanwhile(
    envlock: Program, index: SimpleIndex
) -> None:
    assert envlock("lock", "h5py").code == 0
    index.delay, index.where = 1.0, "/files/"
    running = subprocess.Popen(
        envlock.command("sync"),
        cwd=envlock.here,
        env=envlock.environment(),
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    while not index.downloads and running.poll() is None:
        time.sleep(0.01)
    (envlock.here / "requirements.txt").write_text("mine\n")
    _, said = running.communicate(timeout=60)
    assert running.returncode == 4
    assert said.endswith(MEANWHILE.format(path="requirements.txt", what="changed"))
    assert [path.name for path in envlock.here.iterdir()] == ["requirements.txt"]


def test_who_wrote_the_same_meanwhile_did_no_harm(tmp_path: Path) -> None:
    file, other = tmp_path / "a.txt", tmp_path / "b.txt"
    before = seen((file, other))
    file.write_text("new\n")
    assert write_changed({file: "new\n", other: "new\n"}, before) == (other,)
    other.unlink()
    with pytest.raises(WorkError, match=r"b\.txt was removed by somebody else"):
        refuse_changed({**seen((file,)), other: b"new\n"}, {})


def killed_while_writing(at: str, file: Path, *, before: bool = False) -> None:
    """Write a file in a process that is killed in a step of it."""
    pid = os.fork()
    if pid == 0:
        step = getattr(FileReplacement, at)

        def stopped(self: FileReplacement, **options: object) -> None:
            if not before:
                step(self, **options)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(FileReplacement, at, stopped)
        write_texts({file: "new\n"})
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize("names", [1, 2])
@pytest.mark.parametrize(("at", "before"), [("stage", False), ("apply", False), ("clear", True)])
def test_what_a_kill_left_beside_a_file_is_removed_by_who_writes_it_next(
    tmp_path: Path, at: str, names: int, *, before: bool
) -> None:
    file = tmp_path / ("ä" * 90 + ".txt")
    file.write_text("old\n")
    others = [tmp_path / "other name"] if names > 1 else []  # then it is written in place
    for other in others:
        other.hardlink_to(file)
    killed_while_writing(at, file, before=before)
    assert len([*tmp_path.iterdir()]) > names, "the test kills too late"
    write_texts({file: "newest\n"})
    assert sorted(tmp_path.iterdir()) == sorted([file, *others])
    assert {each.read_text() for each in (file, *others)} == {"newest\n"}


def test_old_bytes_that_may_be_the_only_whole_ones_stay(
    tmp_path: Path,
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old\n")
    file.with_name("b.txt").hardlink_to(file)
    killed_while_writing("apply", file, before=True)
    file.write_text("ne")  # half of it
    write_texts({file: "newest\n"})
    (left,) = (each for each in tmp_path.iterdir() if each.suffix == ".old")
    assert (left.read_text(), file.read_text()) == ("old\n", "newest\n")


def test_only_what_is_envlocks_and_held_by_nobody_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    mine = [
        ".a.txt.swp",
        ".a.txt.envlock-mine",
        ".envlock-0123abcd",
        "a.txt.envlock-e3b0c442-abcdefgh",
    ]
    for name in mine:
        (tmp_path / name).write_text("mine")
    (tmp_path / ".a.txt.envlock-e3b0c442-abcdefgh").symlink_to(tmp_path / ".a.txt.swp")
    other = FileReplacement(file, b"of another envlock", lasting=True)
    other.stage()
    there = {*tmp_path.iterdir()}
    write_files({file: b"new"})
    assert {*tmp_path.iterdir()} == there | {file}
    other.apply()
    other.clear()
    assert file.read_bytes() == b"of another envlock"


def test_a_trial_of_a_folder_leaves_nothing_for_long(tmp_path: Path) -> None:
    (tmp_path / ".envlock-e3b0c442-abcdefgh").write_bytes(b"\0" * 4096)
    write_files({tmp_path / "a.txt": b"new"})
    refuse_unwritable([tmp_path / "b.txt"])
    assert [*tmp_path.iterdir()] == [tmp_path / "a.txt"]


#: Runs envlock as its program does, with Ctrl-C when the result is about to be printed.
INTERRUPTED_AT_THE_END = """
import os, signal, sys
from envlock import __main__
from envlock.cli import output  # the commands take `say` from it when they are called

def say(text):
    os.kill(os.getpid(), signal.SIGINT)

output.say = say
__main__.main()
"""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("lock", "h5py"), "interrupted, when this was changed: requirements.txt"),
        (("create", "h5py"), "interrupted, when this was changed: {here}/.venv, requirements.txt"),
        (("lock", "h5py", "-o", "-"), "interrupted: nothing was changed"),
        (("fix", "in.txt", "--write"), "interrupted: nothing was changed"),  # it says, then writes
    ],
)
def test_an_interrupt_after_something_was_written_says_what(
    envlock: Program, words: tuple[str, ...], told: str
) -> None:
    (envlock.here / "in.txt").write_text("tensorflow==2.15.1\nnumpy==2.0.2\n")
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_THE_END, *words],
        cwd=envlock.here,
        env=envlock.environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == f"error: {told.format(here=envlock.here)}\n"


def test_what_could_be_taken_back_has_changed_nothing(tmp_path: Path) -> None:
    taken_back()
    write_texts({tmp_path / "a.txt": "new\n"}, users=True)
    with pytest.raises(WorkError):
        write_texts({tmp_path / "b.txt": "new\n", tmp_path / "c" / "d": "new\n"}, users=True)
    write_texts({tmp_path / "of envlock.txt": "new\n"})
    assert landed() == (tmp_path / "a.txt",)
    with suppress(ZeroDivisionError), fresh_environment(tmp_path / "v", Silent()) as place:
        place.write({tmp_path / "e.txt": "new\n"})
        raise ZeroDivisionError
    assert landed() == (tmp_path / "a.txt",)
    with fresh_environment(tmp_path / "v", Silent()):
        pass
    assert landed() == (tmp_path / "a.txt", tmp_path / "v")
    taken_back()
