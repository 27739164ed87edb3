"""How fast envlock is beside pip-tools and uv, in one run, as ratios.

    python benchmarks/speed.py [--repeat 3] [--only start,evidence,uv,lock,create]

Needs the index and a CPython 3.11. Every line is the median of the repeats;
the goals are printed beside what was measured. pip-compile runs in the same
helper environment that envlock uses, uv is the one that came with envlock.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from envlock.choices import IndexStrategy
from envlock.engine.piptools import helper_python
from envlock.index.handover import pip_environment, uv_environment, uv_program
from envlock.index.settings import load_settings
from envlock.probes import PROBES
from envlock.progress import Silent
from envlock.targets.description import target
from envlock.targets.interpreters import find_interpreter

PYTHON = find_interpreter("3.11")
# All indexes that pip is configured for count, as they do by hand.
SETTINGS = replace(load_settings(os.environ), index_strategy=IndexStrategy.BEST)
PIP_COMPILE = [
    str(helper_python(target(PYTHON), SETTINGS, Silent())),
    "-m",
    "piptools",
    "compile",
    "-q",
    "in.txt",
    "--resolver=backtracking",
    "--allow-unsafe",
    "--strip-extras",
    "-o",
    "out.txt",
]
UV = str(uv_program())
ENVLOCK = [sys.executable, "-m", "envlock"]
# Every installer writes bytecode; a checkout that is not let to would measure the compiler.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def run(words: list[str], cwd: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a command; its output is shown when it fails."""
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")


def timed(work: Callable[[Path], None], repeat: int) -> float:
    """The median time in seconds of some work in a new folder with ``in.txt``."""
    times = []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory(prefix="speed-") as name:
            folder = Path(name)
            (folder / "in.txt").write_text("tensorflow\n")
            start = time.monotonic()
            work(folder)
            times.append(time.monotonic() - start)
    return statistics.median(times)


def alternating(
    one: Callable[[Path], None], other: Callable[[Path], None], repeat: int
) -> tuple[float, float]:
    """The median times of two kinds of work done by turns, so that other load meets both."""
    pairs = [(timed(one, 1), timed(other, 1)) for _ in range(repeat + 1)][1:]
    first, second = zip(*pairs, strict=True)
    return statistics.median(first), statistics.median(second)


def told(what: str, ours: float, theirs: float, goal: str) -> None:
    """Print one line."""
    print(f"{what:66} {ours:7.2f} s {theirs:7.2f} s  ratio {ours / theirs:5.3f}  goal {goal}")


def lock(repeat: int) -> None:
    """The pip-tools engine beside pip-compile."""
    words = [
        *ENVLOCK,
        "lock",
        "tensorflow",
        "-p",
        str(PYTHON.path),
        "--engine",
        "pip-tools",
        "--fresh",
        "-q",
    ]
    plainly = partial(run, PIP_COMPILE, env=pip_environment(SETTINGS))
    ours, plain = alternating(partial(run, words), plainly, repeat)
    told("lock, pip-tools engine : pip-compile without hashes, warm", ours, plain, "<= 0.7")

    def hashes(folder: Path) -> None:
        env = {
            **pip_environment(SETTINGS),
            "PIP_CACHE_DIR": str(folder / "pip"),
            "PIP_TOOLS_CACHE_DIR": str(folder / "tools"),
        }
        run([*PIP_COMPILE, "--generate-hashes"], folder, env)

    def ours_cold(folder: Path) -> None:
        cache = folder / "cache"
        cache.mkdir()
        (cache / "helpers").symlink_to(helpers())
        env = {**os.environ, "ENVLOCK_CACHE_DIR": str(cache), "PIP_CACHE_DIR": str(folder / "pip")}
        run(words, folder, env)

    ours, theirs = timed(ours_cold, repeat), timed(hashes, 1)
    what = "lock, pip-tools engine : pip-compile --generate-hashes, both cold"
    told(what, ours, theirs, "<= 0.125")


def helpers() -> Path:
    """The helper environments of the user: made once for a Python, so not part of a lock."""
    return Path(PIP_COMPILE[0]).parent.parent.parent


def uv_compile(folder: Path) -> None:
    """The lock by uv itself."""
    words = [UV, "pip", "compile", "in.txt", "--generate-hashes", "-q", "-o", "out.txt"]
    run([*words, "--python", str(PYTHON.path)], folder, uv_environment(SETTINGS))


def evidence(repeat: int) -> None:
    """A lock that is a set of evidence beside uv."""
    words = [*ENVLOCK, "lock", "tensorflow", "-p", str(PYTHON.path), "-q"]
    ours, theirs = alternating(partial(run, words), uv_compile, repeat * 3)
    told("lock from evidence : uv pip compile --generate-hashes, warm", ours, theirs, "< 1")


def uv(repeat: int) -> None:
    """The uv engine beside uv."""
    words = [*ENVLOCK, "lock", "tensorflow", "-p", str(PYTHON.path), "--engine", "uv"]
    ours, theirs = alternating(partial(run, [*words, "--fresh", "-q"]), uv_compile, repeat * 3)
    told("lock, uv engine : uv pip compile --generate-hashes, warm", ours, theirs, "<= 1.1")


def create(repeat: int) -> None:
    """The whole of create beside making, filling and probing an environment by hand."""
    probe = next(iter(PROBES.values())).path

    def by_hand(folder: Path) -> None:
        env = uv_environment(SETTINGS)
        run([UV, "venv", "-q", "--python", str(PYTHON.path), "env"], folder, env)
        run([UV, "pip", "install", "-q", "--python", "env", "tensorflow-cpu"], folder, env)
        run([str(folder / "env/bin/python"), "-I", str(probe), "results", "600"], folder)

    words = [*ENVLOCK, "create", "tensorflow", "--accelerator", "cpu", "--fresh", "-q"]
    words += ["-p", str(PYTHON.path), "--engine"]
    for engine in ("uv", "pip-tools"):
        ours, theirs = alternating(partial(run, [*words, engine]), by_hand, repeat)
        what = f"create ({engine}) : uv venv, uv pip install, python probe"
        told(what, ours, theirs, "<= 1.2")


def start(repeat: int) -> None:
    """The start of the program beside that of Python."""
    bare = partial(run, [sys.executable, "-c", "pass"])
    for flag, goal in (("--help", "<= 0.15 s"), ("--version", "<= 6")):
        ours, theirs = alternating(partial(run, [*ENVLOCK, flag]), bare, repeat * 5)
        told(f"envlock {flag} : python -c pass", ours, theirs, goal)


PARTS = {"start": start, "evidence": evidence, "uv": uv, "lock": lock, "create": create}


def main() -> None:
    """Run the chosen parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default=",".join(PARTS))
    options = parser.parse_args()
    for name in options.only.split(","):
        PARTS[name](options.repeat)


if __name__ == "__main__":
    main()
