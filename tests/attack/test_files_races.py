"""Files that somebody else changes while envlock is at work, and what a kill leaves beside them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envlock.errors import WorkError
from envlock.workflow.outputs import refuse_changed, seen, write_changed
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
        refuse_changed(seen((file,)) | {other: b"new\n"}, {})
