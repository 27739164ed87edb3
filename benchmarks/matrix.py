"""What a cell and a varied pair of the matrix cost beside the probe alone, in one run.

    python benchmarks/matrix.py [--tensorflow 2.15.1] [--python 3.11] [--vary h5py]

Runs one cell with its variations in one lane, in a workspace of its own, then
the bare probe in the environment that `envlock create` makes, as often as
there were pairs. Goal: a pair takes at most 1.5 times the bare probe.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from envlock.evidence.documents import read
from envlock.evidence.values import ProvedSet, Variation
from envlock.probes import PROBES

ENVLOCK = [sys.executable, "-m", "envlock"]


def run(words: list[str], folder: Path, **variables: str) -> float:
    """Run a command and return its seconds; its output is shown when it fails."""
    start = time.monotonic()
    env = {**os.environ, **variables}
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return time.monotonic() - start


def proved_sets(options: argparse.Namespace, folder: Path) -> list[ProvedSet]:
    """Run the cell with its variations."""
    words = ["matrix", "run", "--tensorflow", options.tensorflow, "--python", options.python]
    words += ["--vary", options.vary, "--workers", "1", "--evidence", "evidence", "-q"]
    run([*ENVLOCK, *words], folder, ENVLOCK_CACHE_DIR=str(folder / "cache"))
    (path,) = (folder / "evidence").iterdir()
    return list(read(path.name, path.read_text(encoding="utf-8")).sets)


def bare(options: argparse.Namespace, folder: Path, number: int) -> list[float]:
    """The probe alone, again and again, once the bytecode is there."""
    words = ["create", f"tensorflow=={options.tensorflow}", "--python", options.python]
    run([*ENVLOCK, *words, "--accelerator", "cpu", "-q"], folder)
    python = str(folder / ".venv" / "bin" / "python")
    script = str(next(iter(PROBES.values())).path)
    times = []
    for each in range(number):
        scratch = folder / f"probe-{each}"
        scratch.mkdir()
        times.append(run([python, "-I", script, "results", "600"], scratch))
    return times


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tensorflow", default="2.15.1")
    parser.add_argument("--python", default="3.11")
    parser.add_argument("--vary", default="h5py")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="matrix-") as name:
        folder = Path(name)
        sets = proved_sets(options, folder)
        cell = [sum(each.seconds.values()) for each in sets if each.name == "rules"]
        pairs = [sum(each.seconds.values()) for each in sets if Variation.named(each.name)]
        alone = statistics.median(bare(options, folder, len(pairs)))
    pair = statistics.median(pairs)
    print(f"the cell, with resolve, download and install  {cell[0]:6.1f} s")
    print(f"a pair, median of {len(pairs):2}                          {pair:6.2f} s")
    print(f"the probe alone, median of {len(pairs):2}                 {alone:6.2f} s")
    print(f"a pair : the probe alone                      {pair / alone:6.2f}    goal <= 1.5")


if __name__ == "__main__":
    main()
