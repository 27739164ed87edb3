"""The real program, run as a user runs it, with nothing of this machine's configuration."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema

from envlock.index.handover import uv_program
from envlock.releases import wheels_for
from envlock.targets.description import describe
from envlock.targets.interpreters import available, base_program, find_interpreter
from support import zygote
from support.simple_index import SimpleIndex

_ROOT = Path(__file__).parents[2]
#: What would change what envlock, pip or uv do.
_FOREIGN = ("PIP_", "UV_", "ENVLOCK_", "VIRTUAL_ENV", "CONDA", "XDG_", "HTTP_PROXY", "HTTPS_PROXY")
#: Under the root of a program: envlock's and uv's.
_CACHES = ("cache", "uv")
#: What work says that takes more than ten seconds.
_STILL = re.compile(r"(?m)^… .* \(\d+ s so far\)\n")
#: What pytest adds to the path; the rest is where it is, and would be told as a shell's.
_OWN_PATH = [path for name in ("resolver", "constraints", "tests") for path in [str(_ROOT / name)]]
_COLOURS = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "COLUMNS", "TERM", "CI")


@dataclass(frozen=True, kw_only=True)
class Done:
    """What one run said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        _output_schema().validate(found)
        return found


@cache
def _output_schema() -> jsonschema.Draft202012Validator:
    """What `envlock json schema` prints."""
    path = files("envlock.cli").joinpath("output.schema.json")
    return jsonschema.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True, kw_only=True)
class Program:
    """``envlock`` in a folder of its own: home, caches and working folder are under ``root``."""

    root: Path
    env: Mapping[str, str] = field(default_factory=dict)
    limit: float = 60  # seconds, of one run

    @property
    def here(self) -> Path:
        """The folder it works in."""
        return self.root / "project"

    @property
    def cache(self) -> Path:
        """The folder of its cache."""
        return self.root / "cache"

    def environment(self) -> dict[str, str]:
        """Return the environment variables it is run with."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.upper().startswith((*_FOREIGN, "PYTHON")) and name not in _COLOURS
        }
        home = str(self.root / "home")
        return {
            **kept,
            "PATH": os.pathsep.join((str(own_path()), kept.get("PATH", os.defpath))),
            "HOME": home,
            "USERPROFILE": home,
            "ENVLOCK_CACHE_DIR": str(self.cache),
            "UV_CACHE_DIR": str(self.root / "uv"),
            "PIP_CONFIG_FILE": os.devnull,
            "PYTHONPATH": os.pathsep.join(_OWN_PATH),
            "NO_PROXY": "127.0.0.1",
            "ENVLOCK_NO_PIP": "true",  # 450 files, half of what an environment costs: see with_pip
            **self.env,
        }

    def command(self, *words: str | Path) -> list[str]:
        """Return what starts it."""
        return [sys.executable, "-W", "error", "-m", "envlock", *map(str, words)]

    def __call__(self, *words: str | Path) -> Done:
        """Run it to its end."""
        texts = [*map(str, words)]
        done = None
        if not any(name.startswith(zygote.AT_START) for name in self.env):
            done = zygote.run(texts, cwd=self.here, env=self.environment(), timeout=self.limit)
        return self.run(self.command(*texts)) if done is None else _done(done)

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        **streams: Any,
    ) -> Done:
        """Run what starts it in some way; ``streams`` are as `subprocess.run` takes them."""
        done = subprocess.run(
            command,
            cwd=self.here,
            env=self.environment() if env is None else env,
            capture_output=True,
            encoding="utf-8",
            timeout=self.limit,
            check=False,
            **streams,
        )
        return _done(done)

    def with_env(self, **variables: str) -> Program:
        """Return the same with more environment variables."""
        return replace(self, env={**self.env, **variables})

    def with_pip(self) -> Program:
        """Return the same whose environments have pip, as those of users have."""
        return self.with_env(ENVLOCK_NO_PIP="")

    def lasting(self, seconds: float) -> Program:
        """Return the same with another limit for one run."""
        return replace(self, limit=seconds)


def _done(process: subprocess.CompletedProcess[str]) -> Done:
    assert "Traceback" not in process.stderr, process.stderr
    # A slow machine is told of where its work is, which is no part of what a test is about.
    err = _STILL.sub("", process.stderr)
    return Done(code=process.returncode, out=process.stdout, err=err)


def make_program(root: Path) -> Program:
    """Return a program with an empty working folder and an empty home.

    Its caches know the Pythons and the rules, and no index: what each test
    would find out anew, at the price of a start or two.
    """
    for name in ("project", "home"):
        (root / name).mkdir(parents=True)
    for name in _CACHES:
        shutil.copytree(_caches() / name, root / name)
    return Program(root=root)


@cache
def own_path() -> Path:
    """A folder with ``envlock`` alone in it, as a user has it on PATH."""
    folder = Path(tempfile.mkdtemp(prefix="envlock-path-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    script = Path(sys.executable).with_name("envlock.exe" if os.name == "nt" else "envlock")
    (folder / script.name).symlink_to(script)
    return folder


@cache
def _caches() -> Path:
    """The caches of a program that has been asked about Pythons and rules, once a session."""
    root = Path(tempfile.mkdtemp(prefix="envlock-tests-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    for name in ("project", "home", *_CACHES):
        (root / name).mkdir(mode=0o700)
    program = Program(root=root)
    assert program("rules", "list").code == 0
    refused = program("create", "h5py", "--python", "3.99", "--engine", "uv")
    assert "which has:" in refused.err, refused.err
    base = describe(base_program(Path(sys.executable))).path
    subprocess.run(
        [uv_program(), "pip", "compile", "--quiet", "--offline", "--python", base, "-"],
        env=program.environment(),
        input=b"",
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return root


def snapshot(folder: Path) -> dict[str, bytes | str | None]:
    """Return everything below a folder: bytes of files, targets of links, None for folders.

    The history that envlock keeps in an environment is left out.
    """
    found: dict[str, bytes | str | None] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if ".envlock" in path.relative_to(folder).parts:
            continue
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


def said(text: str, program: Program, index: SimpleIndex) -> str:
    """Return a message with the names of this machine in it, as the program knows them."""
    own = find_interpreter(program.env.get("ENVLOCK_PYTHON"))
    return text.format(
        here=program.here,
        index=index.url,
        minor=f"{own.version.major}.{own.version.minor}",
        platform=own.platform,
        newest=_newest(),
    )


@cache
def _newest() -> str:
    """Return the newest Python here that TensorFlow has wheels for."""
    minors = ((f"{each.version.major}.{each.version.minor}", each) for each in available())
    return next(minor for minor, each in minors if wheels_for(minor, each.platform).versions)
