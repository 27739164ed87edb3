"""How fast each engine locks real requirements files, beside uv and pip-compile by hand.

    python benchmarks/files.py FOLDER [--python 3.11,3.9,3.8] [--repeat 1] [--only TEXT]

Each file is locked for the first of the Pythons that the uv engine finds an
answer for; files without one are left out. The four programs go by turns, so
that what else the machine does meets all of them; each line has their medians
in seconds. The goals are of the ratios at the end. All caches are those of the
user, and warm: what a file needs is read once before it is timed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace

from envlock.choices import IndexStrategy
from envlock.engine.piptools import helper_python
from envlock.index.handover import pip_environment, uv_environment, uv_program
from envlock.index.settings import load_settings
from envlock.progress import Silent
from envlock.targets.description import target
from envlock.targets.interpreters import find_interpreter

# All indexes that pip is configured for count, as they do by hand.
SETTINGS = replace(load_settings(os.environ), index_strategy=IndexStrategy.BEST)
LOCK = [sys.executable, "-m", "envlock", "lock", "--fresh", "-q", "-o", "requirements.txt"]
#: What is divided by what, and the goal of it.
RATIOS = (
    ("uv engine", "uv", 1.1),
    ("pip-tools engine", "pip-compile", 0.7),
    ("pip-tools engine", "uv engine", 3.0),
)


def commands(file: Path, python: str) -> dict[str, tuple[list[str], Mapping[str, str] | None]]:
    """Each program with its environment; the order is that of the turns."""
    found = find_interpreter(python)
    helper = str(helper_python(target(found), SETTINGS, Silent()))
    lock = [*LOCK, "-r", str(file), "--python", python, "--index-strategy", "best-match"]
    by_uv = [str(uv_program()), "pip", "compile", str(file), "--generate-hashes", "-q"]
    by_pip = [helper, "-m", "piptools", "compile", str(file), "-q", "--allow-unsafe"]
    return {
        "uv": (
            [*by_uv, "-o", "requirements.txt", "--python", str(found.path)],
            uv_environment(SETTINGS),
        ),
        "uv engine": ([*lock, "--engine", "uv"], None),
        "pip-compile": (
            [*by_pip, "--strip-extras", "--resolver=backtracking", "-o", "requirements.txt"],
            pip_environment(SETTINGS),
        ),
        "pip-tools engine": ([*lock, "--engine", "pip-tools"], None),
    }


def timed(words: list[str], env: Mapping[str, str] | None, limit: float) -> float | None:
    """The seconds of a command in a new folder; None where it fails or is not done in time."""
    with tempfile.TemporaryDirectory(prefix="files-") as folder:
        start = time.monotonic()
        try:
            done = subprocess.run(
                words, cwd=folder, env=env, capture_output=True, timeout=limit, check=False
            )
        except subprocess.TimeoutExpired:
            return None
        return time.monotonic() - start if done.returncode == 0 else None


def measured(
    file: Path, pythons: list[str], repeat: int, limit: float
) -> tuple[str, dict[str, float | None]] | None:
    """The Python that a file locks for, and the median of each program; None where it does not."""
    for python in pythons:
        words = commands(file, python)
        if timed(*words["uv engine"], limit) is None:
            continue
        for name in ("uv", "pip-tools engine"):
            timed(*words[name], limit)
        turns = [{name: timed(*each, limit) for name, each in words.items()} for _ in range(repeat)]
        return python, {name: median(turn[name] for turn in turns) for name in words}
    return None


def median(times: Iterable[float | None]) -> float | None:
    """The median, or None where a run had no answer."""
    there = list(times)
    known = [each for each in there if each is not None]
    return statistics.median(known) if len(known) == len(there) else None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", default="3.11,3.9,3.8")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--limit", type=float, default=300)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    found: dict[tuple[str, str], list[float]] = {(a, b): [] for a, b, _ in RATIOS}
    for file in sorted(options.folder.iterdir()):
        if options.only not in file.name or file.suffix not in {".txt", ".in"}:
            continue
        row = measured(file, options.python.split(","), options.repeat, options.limit)
        if row is None:
            continue
        python, times = row
        cells = "  ".join(
            f"{name} {'-' if each is None else f'{each:.1f}'}" for name, each in times.items()
        )
        print(f"{file.name[:60]:60} {python:5} {cells}", flush=True)
        for (one, other), ratios in found.items():
            if (ours := times[one]) is not None and (theirs := times[other]) is not None:
                ratios.append(ours / theirs)
    for one, other, goal in RATIOS:
        ratios = found[one, other]
        if ratios:
            middle, most = statistics.median(ratios), max(ratios)
            what = f"{one} : {other}, {len(ratios)} files"
            print(f"{what:50} median {middle:.2f}, at most {most:.2f}, goal <= {goal}")


if __name__ == "__main__":
    main()
