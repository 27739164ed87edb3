"""A project on which envlock is killed at any of its steps, by several at once, and judged.

A step is what changes the disk or starts a program: an audit hook counts them
and kills the process at one. The program runs in a fork of this process, so
that a run costs its work and not its imports.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from envlock.environment.inspect import installed, site_folders
from envlock.environment.journal import unsettled
from support.distributions import build_wheel
from support.pace import wait_until
from support.patients import build_wheels, make_patient, site_of, uv
from support.program import Program, make_program
from support.simple_index import SimpleIndex

Pins = Mapping[str, str]
OLD: Pins = {"extra": "1.0", "tool": "1.0"}
NEW: Pins = {"other": "1.0", "tool": "2.0"}
_WATCHED = {
    *("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink"),
    *("os.truncate", "open"),
}
#: What the runs below import, once.
_USED = (
    "commands.environments.create",
    "commands.environments.sync",
    "commands.fix.run",
    "commands.diagnose.run",
    "engine.uv",
    "environment.state",
)
_WRITING = os.O_WRONLY | os.O_RDWR


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a run ended; a negative code is a signal."""

    words: tuple[str, ...]
    code: int
    said: str
    steps: int


@dataclass(kw_only=True)
class Running:
    """A run that is going on."""

    words: tuple[str, ...]
    pid: int
    log: Path
    count: Path

    def wait(self) -> Ran:
        """Wait for its end."""
        _, status = os.waitpid(self.pid, 0)
        said = self.log.read_text(errors="replace")
        assert "Traceback" not in said, said
        steps = int(self.count.read_text() or 0) if self.count.exists() else 0
        return Ran(words=self.words, code=os.waitstatus_to_exitcode(status), said=said, steps=steps)


@dataclass(kw_only=True)
class Wreck:
    """A project folder that is put back to one of its states before each round."""

    program: Program
    states: Path
    chance: random.Random
    runs: int = 0
    killed: int = 0
    known: dict[str, dict[str, bytes | str | None]] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        """The folder that the program works in."""
        return self.program.here

    @property
    def env(self) -> Path:
        """The environment."""
        return self.project / ".venv"

    def restore(self, state: str) -> None:
        """Put the project back."""
        shutil.rmtree(self.project)
        subprocess.run(["/bin/cp", "-a", self.states / state, self.project], check=True)

    def keep(self, state: str) -> None:
        """Remember the project as it is."""
        subprocess.run(["/bin/cp", "-a", self.project, self.states / state], check=True)

    def start(self, *words: str, home: str = "home", at: int = 0, linger: float = 0.0) -> Running:
        """Start the program; it is killed at a step, or a while after it when that is a program."""
        self.runs += 1
        log, count = self.states / f"log-{self.runs}", self.states / f"count-{self.runs}"
        base = self.program.root
        changed = {"HOME": str(base / home)}
        if home != "home":
            changed |= {
                "ENVLOCK_CACHE_DIR": str(base / home / "cache"),
                "UV_CACHE_DIR": str(base / home / "uv"),
            }
        env = {**self.program.environment(), **changed}
        if words[0] in {"create", "sync"}:
            words = (*words, "--no-pip")  # 10 MB that no step of a change is about
        pid = os.fork()
        if pid == 0:
            try:
                _be_envlock(words, env, self.project, log, _Killer(self.project, at, linger, count))
            finally:
                os._exit(99)
        return Running(words=words, pid=pid, log=log, count=count)

    def run(self, *words: str, at: int = 0, linger: float = 0.0) -> Ran:
        """Run the program to its end."""
        return self.start(*words, at=at, linger=linger).wait()

    def pins(self) -> Pins | None:
        """What is installed, None where there is no environment; a fault where it is not whole."""
        if not (self.env / "pyvenv.cfg").is_file():
            return None
        for site in site_folders(self.env):
            infos = [each.name.partition("-")[0] for each in site.glob("*.dist-info")]
            assert len(infos) == len(set(infos)), f"two of one: {sorted(infos)}"
            for record in site.glob("*.dist-info/RECORD"):
                _check(record, site)
        return {str(name): str(version) for name, version in installed(self.env).items()}

    def locked(self) -> Pins | None:
        """What the lock names."""
        file = self.project / "requirements.txt"
        if not file.is_file():
            return None
        return dict(re.findall(r"^([a-z]+)==([\d.]+)", file.read_text(), re.MULTILINE))

    def has(self, token: str) -> bool:
        """Whether a file with a token in it is anywhere in the project."""
        return any(
            token.encode() in path.read_bytes()
            for path in self.project.rglob("*")
            if path.is_file() and not path.is_symlink()
        )

    def settled(self) -> bool:
        """Whether nothing of an unfinished change is left."""
        return not self.env.is_dir() or not unsettled(self.env)


def _check(record: Path, site: Path) -> None:
    for name, digest, _ in csv.reader(record.read_text().splitlines()):
        if digest:
            kind, _, wanted = digest.partition("=")
            content = (site / name).read_bytes()
            found = base64.urlsafe_b64encode(hashlib.new(kind, content).digest())
            assert found.rstrip(b"=").decode() == wanted, f"{site / name} is not what RECORD says"


class _Killer:
    """Counts the steps of this process and kills it at one."""

    def __init__(self, project: Path, at: int, linger: float, count: Path) -> None:
        self.place = os.fsencode(project)
        self.at = at
        self.linger = linger
        self.count = count
        self.steps = 0

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        started = event == "subprocess.Popen"
        if not started and not (event in _WATCHED and self._concerns(event, args)):
            return
        self.steps += 1
        if self.steps == self.at:
            if started:
                threading.Thread(target=self._soon).start()
            else:
                os.kill(os.getpid(), signal.SIGKILL)

    def _concerns(self, event: str, args: tuple[object, ...]) -> bool:
        if event == "open" and not (isinstance(args[2], int) and args[2] & _WRITING):
            return False
        paths = (os.fsencode(each) for each in args if isinstance(each, (str, bytes, os.PathLike)))
        return event == "os.truncate" or any(each.startswith(self.place) for each in paths)

    def _soon(self) -> None:
        time.sleep(self.linger)
        os.kill(os.getpid(), signal.SIGKILL)


def _be_envlock(
    words: tuple[str, ...], env: Mapping[str, str], here: Path, log: Path, killer: _Killer
) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream in (1, 2):
        os.dup2(out, stream)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(here)
    sys.argv = ["envlock", *words]
    import traceback  # noqa: PLC0415  (the test process does not need it)

    from envlock.__main__ import main  # noqa: PLC0415  (as above)

    sys.addaudithook(killer)
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001  (a defect: the log is looked through for it)
        traceback.print_exc()
        code = 70
    killer.at = 0
    for stream_ in (sys.stdout, sys.stderr):
        stream_.flush()
    killer.count.write_text(str(killer.steps))
    os._exit(code)


@contextmanager
def _index_of(folder: Path, said: Path) -> Iterator[str]:
    """Serve an index from a process of its own: threads and forks do not go together."""
    pid = os.fork()
    if pid == 0:
        with SimpleIndex(folder) as index:
            said.write_text(index.url)
            signal.pause()
    try:
        wait_until(lambda: said.exists() and said.read_text())
        yield said.read_text()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@contextmanager
def wreck(root: Path, seed: int, *, patient: bool = True) -> Iterator[Wreck]:
    """Make a project with the states "nothing", "environment" and, if wanted, "patient"."""
    for name in _USED:
        importlib.import_module(f"envlock.{name}")
    wheels = root / "wheels"
    build_wheels(wheels)
    files = {"tool/__init__.py": "", "tool/a.py": "A = 1\n", "tool/b.py": "B = 2\n"}
    for name, version in (("tool", "1.0"), ("tool", "2.0"), ("extra", "1.0"), ("other", "1.0")):
        own = files if name == "tool" else {f"{name}.py": f"V = '{version}'\n"}
        build_wheel(wheels, name, version, files={**own, f"{name}_v.py": f"V = '{version}'\n"})
    with _index_of(wheels, root / "url") as url:
        program = make_program(root / "place").with_env(PIP_INDEX_URL=url, ENVLOCK_ENGINE="uv")
        (root / "states").mkdir()
        made = Wreck(program=program, states=root / "states", chance=random.Random(seed))  # noqa: S311
        made.keep("nothing")
        for words in (
            ("lock", *_words(NEW), "-o", "new.txt"),
            ("lock", *_words(OLD), "-o", "old.txt"),
            ("create", *_words(OLD)),
        ):
            done = made.run(*words)
            assert done.code == 0, done.said
        made.keep("environment")
        if patient:
            made.restore("nothing")
            _make_ill(program)
            made.keep("patient")
        yield made


def _words(pins: Pins) -> tuple[str, ...]:
    return tuple(f"{name}=={version}" for name, version in pins.items())


def _make_ill(program: Program) -> None:
    packages = ("tensorflow==2.15.1", "h5py==3.11.0", "numpy==2.0.2", "bystander==1.0")
    env = make_patient(program, *packages, "tool==1.0", name=".venv")
    uv(program, "pip", "install", "--quiet", "--no-deps", "-p", env, "tensorflow-cpu==2.15.0")
    (site_of(env) / "tool" / "b.py").unlink()
    (site_of(env) / "tool" / "mine.txt").write_text("notes of the user\n")


CREATE_NEW = ("create", *_words(NEW))
CREATE_OLD = ("create", *_words(OLD))
