"""`envlock fix` is stopped at every line of its journal, and nothing is ever left half-done."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from envlock.environment.journal import Event
from support.mounts import fill, small_disk
from support.patients import build_wheels, make_patient, site_of, uv
from support.program import Program, make_program, snapshot
from support.simple_index import SimpleIndex

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")

#: How the environment below is cured: four steps, two lines each, and four around them.
LINES = 12
Files = dict[str, bytes | str | None]


@dataclass(frozen=True, kw_only=True)
class Clinic:
    """An environment with three things wrong, and what it looks like before and after the fix."""

    envlock: Program
    env: Path
    index: SimpleIndex
    before: Files
    after: Files

    @property
    def journals(self) -> list[Path]:
        """The journals of its fixes, oldest first."""
        return sorted(self.env.glob(".envlock/*/journal.jsonl"))

    def start(self) -> subprocess.Popen[bytes]:
        """Start to fix it."""
        return subprocess.Popen(
            self.envlock.command("fix", self.env, "--yes"),
            cwd=self.envlock.here,
            env=self.envlock.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def whole(self) -> str:
        """Tell which of the two the environment is; anything else fails the test."""
        now = snapshot(self.env)
        if now == self.after:
            return "fixed"
        names = now.keys() | self.before.keys()
        assert {name for name in names if now.get(name) != self.before.get(name)} == set()
        return "as before"


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    root = tmp_path_factory.mktemp("clinic")
    build_wheels(root / "wheels")
    with SimpleIndex(root / "wheels") as index:
        envlock = make_program(root / "home").with_env(PIP_INDEX_URL=index.url)
        packages = ("tensorflow==2.15.1", "h5py==3.11.0", "numpy==2.0.2", "bystander==1.0")
        env = make_patient(envlock, *packages, "tool==1.0")
        uv(envlock, "pip", "install", "--quiet", "--no-deps", "-p", env, "tensorflow-cpu==2.15.0")
        (site_of(env) / "tool" / "b.py").unlink()
        (site_of(env) / "tool" / "mine.txt").write_text("notes of the user\n")
        before = snapshot(env)
        done = envlock("fix", env, "--yes", "--json")
        assert done.code == 0, done.out + done.err
        assert len(done.data["plan"]) == 4
        after = snapshot(env)
        clinic = Clinic(envlock=envlock, env=env, index=index, before=before, after=after)
        assert len(clinic.journals[-1].read_text().splitlines()) == LINES
        assert envlock("fix", "--undo", env).code == 0
        yield clinic


@pytest.fixture(autouse=True)
def _as_before(clinic: Clinic) -> Iterator[None]:
    """Check that each test begins with the broken environment, and leaves it so."""
    assert clinic.whole() == "as before"
    yield
    if clinic.whole() == "fixed":
        assert clinic.envlock("fix", "--undo", clinic.env).code == 0
    assert clinic.whole() == "as before"


@pytest.mark.parametrize("lines", range(1, LINES + 1))
def test_killed_at_any_line_it_is_as_before_or_fixed_after_the_next_command(
    clinic: Clinic, lines: int
) -> None:
    known = len(clinic.journals)
    run = clinic.start()
    while run.poll() is None:
        now = clinic.journals
        if len(now) > known and now[-1].read_bytes().count(b"\n") >= lines:
            run.send_signal(signal.SIGKILL)
            break
        time.sleep(0.001)
    assert run.wait(60) in {-signal.SIGKILL, 0}

    done = clinic.envlock("history", clinic.env)

    assert done.code == 0, done.err
    state = clinic.whole()
    written = clinic.journals[-1].read_text()
    assert state == ("fixed" if f'"{Event.COMMIT}"' in written else "as before")
    if lines < LINES - 1:
        # Uv of the killed envlock may be at work still; it is waited for.
        said = done.err.removeprefix(
            f"{clinic.env}: waiting for an installer that an envlock which is gone left at work"
            " there\n"
        )
        assert said == f"{clinic.env}: a fix that was stopped has been rolled back\n"


def test_a_recovery_that_is_killed_too_is_done_by_the_next(clinic: Clinic) -> None:
    run = clinic.start()
    known = len(clinic.journals)
    while len(clinic.journals) == known or (
        clinic.journals[-1].read_text().count(f'"{Event.DONE}"') < 2
    ):
        time.sleep(0.001)
    run.kill()
    run.wait(60)
    for pause in (0.3, 0.4, 0.5):
        recovery = subprocess.Popen(
            clinic.envlock.command("history", clinic.env),
            env=clinic.envlock.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(pause)
        recovery.kill()
        recovery.wait(60)
    clinic.envlock("history", clinic.env)
    assert clinic.whole() == "as before"


def test_an_undo_that_is_killed_is_finished_by_the_next_command(clinic: Clinic) -> None:
    assert clinic.envlock("fix", clinic.env, "--yes").code == 0
    journal = clinic.journals[-1]
    run = subprocess.Popen(
        clinic.envlock.command("fix", "--undo", clinic.env),
        env=clinic.envlock.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while run.poll() is None and f'"{Event.UNDO}"' not in journal.read_text():
        time.sleep(0.0005)
    run.kill()
    run.wait(60)
    clinic.envlock("history", clinic.env)
    assert clinic.whole() == "as before"


@pytest.mark.parametrize("after", [0, 0.02, 0.04, 0.06, 0.1])
def test_ctrl_c_rolls_back_at_once(clinic: Clinic, after: float) -> None:
    """Uv is ended with it, in the middle of what it does."""
    known = len(clinic.journals)
    run = clinic.start()
    while len(clinic.journals) == known or (
        f'"{Event.START}"' not in clinic.journals[-1].read_text()
    ):
        time.sleep(0.001)
    time.sleep(after)
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 130
    assert clinic.whole() == "as before"


def test_a_failing_download_changes_nothing(clinic: Clinic) -> None:
    """What is reinstalled is downloaded anew, whatever the cache has."""
    clinic.index.where, clinic.index.status = "/files/tool-1.0-py3-none-any.whl", 500
    try:
        done = clinic.envlock("fix", clinic.env, "--yes")
    finally:
        clinic.index.where, clinic.index.status = "/", None
    assert done.code == 4
    assert "could not be fetched" in done.err
    assert clinic.whole() == "as before"


def test_a_probe_that_fails_only_in_the_real_place_rolls_back(
    clinic: Clinic, tmp_path: Path
) -> None:
    script = tmp_path / "own.py"
    script.write_text("import sys\nsys.exit('.envlock' not in sys.prefix)\n")
    done = clinic.envlock("fix", clinic.env, "--yes", "--probe", script)
    assert done.code == 1
    assert f"this held in a copy, and not in {clinic.env}: it does not pass probe:own.py;" in (
        done.err
    )
    assert clinic.whole() == "as before"


@pytest.mark.parametrize("free", [0, 8, 40, 120, 200])
def test_a_full_disk_leaves_the_environment_as_it_was(clinic: Clinic, free: int) -> None:
    """The environment, the journal and the cache of uv are on one small disk."""
    disk = clinic.envlock.here / "disk"
    disk.mkdir(exist_ok=True)
    with small_disk(disk, 20_000):
        envlock = clinic.envlock.with_env(UV_CACHE_DIR=str(disk / "uv"))
        env = make_patient(
            envlock,
            "tensorflow==2.15.1",
            "h5py==3.11.0",
            "numpy==2.0.2",
            "tool==1.0",
            name="disk/env",
        )
        (site_of(env) / "tool" / "b.py").unlink()
        before = snapshot(env)
        full = fill(disk, but=free)
        done = envlock("fix", env, "--yes")
        if done.code == 0:
            assert envlock("verify", env).code == 0
            return
        assert done.code == 4, done.err
        full.unlink()
        assert envlock("history", env).code == 0
        assert snapshot(env) == before
    shutil.rmtree(disk)


def test_a_concurrent_run_waits_for_what_a_killed_one_had_started(clinic: Clinic) -> None:
    """Uv of a killed envlock goes on; the lock that it has inherited keeps others away."""
    known = len(clinic.journals)
    run = clinic.start()
    while len(clinic.journals) == known or (
        f'"{Event.START}"' not in clinic.journals[-1].read_text()
    ):
        time.sleep(0.001)
    os.kill(run.pid, signal.SIGKILL)
    run.wait(60)
    done = clinic.envlock("fix", clinic.env, "--dry-run")
    assert (done.code, done.err.splitlines()[-1]) == (
        1,
        f"{clinic.env}: a fix that was stopped has been rolled back",
    )
    assert clinic.whole() == "as before"


@pytest.mark.parametrize("words", [("verify",), ("diagnose",), ("fix", "--dry-run"), ("history",)])
def test_every_command_that_looks_at_the_environment_rolls_back_first(
    clinic: Clinic, words: tuple[str, ...]
) -> None:
    known = len(clinic.journals)
    run = clinic.start()
    while len(clinic.journals) == known or (
        f'"{Event.DONE}"' not in clinic.journals[-1].read_text()
    ):
        time.sleep(0.001)
    run.kill()
    run.wait(60)
    verb, *options = words
    done = clinic.envlock(verb, clinic.env, *options)
    assert f"{clinic.env}: a fix that was stopped has been rolled back\n" in done.err
    assert clinic.whole() == "as before"
