"""How fast `envlock diagnose` is: a TensorFlow environment of 60 packages, a log of 10,000 lines.

    python benchmarks/diagnose.py [--repeat 5]

Builds the environment in a scratch folder with uv, and removes it. `pip check`
of the same environment stands beside it; it sees declared conflicts only.
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

from msgspec.structs import replace

from envlock.choices import IndexStrategy
from envlock.index.handover import uv_environment, uv_program
from envlock.index.settings import load_settings

PACKAGES = ("tensorflow-cpu==2.15.1", "h5py", "pandas", "scikit-learn", "matplotlib", "tqdm", "pip")
LOG = "2026-11-22 10:00:00,000 [INFO] worker 3: step {}: loss 0.123, lr 1e-3, {} images/s\n"
CAUSE = "AttributeError: 'str' object has no attribute 'decode'\n"


def median(words: list[str | Path], repeat: int) -> float:
    """The median time in seconds of a command, whatever its exit status."""
    times = []
    for _ in range(repeat):
        start = time.monotonic()
        subprocess.run(words, capture_output=True, check=False)
        times.append(time.monotonic() - start)
    return statistics.median(times)


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    # By hand all indexes that pip is configured for count, as for pip.
    settings = replace(load_settings(os.environ), index_strategy=IndexStrategy.BEST)
    env = uv_environment(settings)
    envlock: list[str | Path] = [sys.executable, "-m", "envlock", "diagnose"]
    with tempfile.TemporaryDirectory(prefix="diagnose-") as name:
        folder = Path(name)
        log = folder / "log.txt"
        log.write_text("".join(LOG.format(n, n % 97) for n in range(9_999)) + CAUSE)
        seconds = median([*envlock, log], repeat)
        print(f"a log of 10,000 lines      {seconds * 1000:6.0f} ms   goal <= 500 ms")
        python = folder / "env" / "bin" / "python"
        steps: tuple[list[str | Path], ...] = (
            ["venv", "-q", "--python", "3.11", folder / "env"],
            ["pip", "install", "-q", "--python", python, *PACKAGES],
        )
        for words in steps:
            subprocess.run([uv_program(), *words], env=env, check=True)
        listed: list[str | Path] = [uv_program(), "pip", "list", "--format", "freeze"]
        listed += ["--python", python]
        count = len(subprocess.run(listed, env=env, capture_output=True, check=True).stdout.split())
        seconds = median([*envlock, folder / "env"], repeat)
        print(f"an environment of {count:3}      {seconds * 1000:6.0f} ms   goal <= 300 ms")
        seconds = median([python, "-m", "pip", "check"], repeat)
        print(f"pip check of the same      {seconds * 1000:6.0f} ms")


if __name__ == "__main__":
    main()
