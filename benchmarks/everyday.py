"""How long the everyday commands take beside uv, by turns, in one table.

    python benchmarks/everyday.py [--repeat 3]

Needs the index and a CPython 3.11. Each line is the median of the repeats:
`create` once more where nothing has changed beside `uv sync` of the same
project where nothing has, and the refusal of a release that one of four
platforms has not beside `uv pip compile` for that platform, which refuses too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from envlock.index.handover import uv_environment, uv_program
from envlock.index.settings import load_settings

UV = str(uv_program())
ENVLOCK = [sys.executable, "-m", "envlock"]
PROJECT = """\
[project]
name = "everyday"
version = "1"
requires-python = "==3.11.*"
dependencies = ["tensorflow-cpu", "h5py"]
"""
OLD = "tensorflow==2.3.4"  # has no wheel for macos-arm64
PLATFORMS = ("linux-x86_64", "windows-x86_64", "macos-x86_64", "macos-arm64")
GOAL = 2.0  # seconds


Took = tuple[float, float]  # seconds on the clock, and of a core


def run(words: list[str], cwd: Path, code: int) -> Took:
    """Run a command, and return how long it took; its output is shown when it ends otherwise."""
    env = {**os.environ, **uv_environment(load_settings(os.environ))}
    start, before = time.monotonic(), os.times()
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    seconds, after = time.monotonic() - start, os.times()
    if done.returncode != code:
        sys.exit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    worked = after.children_user - before.children_user
    return seconds, worked + after.children_system - before.children_system


def by_turns(one: Callable[[], Took], other: Callable[[], Took], repeat: int) -> list[Took]:
    """The median times of two kinds of work done by turns, so that other load meets both."""
    both = zip(*[(one(), other()) for _ in range(repeat)], strict=True)
    return [tuple(map(statistics.median, zip(*each, strict=True))) for each in both]


def unchanged(folder: Path, repeat: int) -> list[Took]:
    """`create` again beside `uv sync` again, each in a folder of its own."""
    for name in ("ours", "theirs"):
        (folder / name).mkdir()
        (folder / name / "pyproject.toml").write_text(PROJECT)
    create = [*ENVLOCK, "create", "--python", "3.11", "--engine", "uv"]
    sync = [UV, "sync", "--quiet", "--no-install-project", "--python", "3.11"]
    run(create, folder / "ours", 0)
    run(sync, folder / "theirs", 0)
    return by_turns(
        lambda: run(create, folder / "ours", 0), lambda: run(sync, folder / "theirs", 0), repeat
    )


def refused(folder: Path, repeat: int) -> list[Took]:
    """Four platforms of which one has no wheel beside uv for that one alone."""
    platforms = [word for each in PLATFORMS for word in ("--platform", each)]
    lock = [*ENVLOCK, "lock", OLD, "--python", "3.8", *platforms]
    (folder / "in.txt").write_text(f"{OLD}\n")
    there = ["--python-platform", "aarch64-apple-darwin", "--python-version", "3.8"]
    compiled = [UV, "pip", "compile", "--quiet", "--only-binary", ":all:", "in.txt", *there]
    return by_turns(lambda: run(lock, folder, 3), lambda: run(compiled, folder, 1), repeat)


ROWS = {
    "`create` again, unchanged | `uv sync` again": unchanged,
    "refusal of four platforms | `uv pip compile` for one": refused,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    print(f"{'envlock | beside it':54} {'envlock':>9} {'of a core':>10} {'beside':>9}  goal")
    for what, measure in ROWS.items():
        with tempfile.TemporaryDirectory(prefix="everyday-") as name:
            (ours, worked), (theirs, _) = measure(Path(name), options.repeat)
        figures = f"{ours:7.2f} s {worked:8.2f} s {theirs:7.2f} s  <= {GOAL:.0f} s"
        print(f"{what:54} {figures}", flush=True)


if __name__ == "__main__":
    main()
