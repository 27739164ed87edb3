"""How fast the conda side is: real records of conda-forge, and a prefix of Python, NumPy and h5py.

    python benchmarks/conda.py [--repeat 5] [--tensorflow]

The channel of records is that of the tests; py-rattler alone on the same specs
stands beside the lock. The prefix is installed from a channel made of PyPI's
wheels in a scratch folder; with --tensorflow it holds TensorFlow too (280 MB
are fetched, and 3 GB are needed). Linux x86-64 and CPython 3.11 only.
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

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from envlock.conda import rattler
from envlock.conda.channels import addresses
from envlock.progress import Silent
from envlock.targets.subdirs import virtual_packages
from support.conda_channel import CondaChannel
from support.conda_forge import conda_forge

SPECS = ("python=3.11", "tensorflow=2.15", "h5py", "pip")
SMALL = ("h5py", "six", "pip")
RELEASE = "tensorflow-cpu==2.15.1"


def median(work: Callable[[], object], repeat: int) -> float:
    """The median time in seconds of some work."""
    times = []
    for _ in range(repeat):
        start = time.monotonic()
        work()
        times.append(time.monotonic() - start)
    return statistics.median(times)


def envlock(folder: Path, *words: str) -> str:
    """Run envlock in a folder, with the caches there."""
    env = {**os.environ, "ENVLOCK_CACHE_DIR": str(folder / "cache"), "ENVLOCK_ENGINE": "uv"}
    command = [sys.executable, "-m", "envlock", *words]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout


def solves(folder: Path, repeat: int) -> None:
    """Time a solve by py-rattler alone, a lock, and a lock that is current."""
    url = conda_forge(folder / "conda-forge")
    job = rattler.SolveJob(
        channels=addresses([url], {}),
        subdir="linux-64",
        specs=SPECS,
        virtual=virtual_packages("linux-64", (), {}),
    )
    found = rattler.solve(job, Silent())
    count = len(found) if isinstance(found, tuple) else 0
    words = ["lock", *SPECS, "--manager", "conda", "--channel", url]
    alone = median(lambda: rattler.solve(job, Silent()), repeat)
    lock = median(lambda: envlock(folder, *words, "--upgrade"), repeat)
    current = median(lambda: envlock(folder, *words), repeat)
    print(f"py-rattler alone, {count} packages    {alone:6.2f} s")
    print(f"envlock lock, the same specs     {lock:6.2f} s")
    print(f"envlock lock, when it is current {current:6.2f} s")


def prefix(folder: Path, *, tensorflow: bool) -> None:
    """Time what makes a prefix, from a channel of PyPI's wheels."""
    wheels = folder / "wheels"
    wanted = [*SMALL, RELEASE] if tensorflow else list(SMALL)
    fetch = [sys.executable, "-m", "pip", "download", "-q", "--only-binary", ":all:"]
    subprocess.run([*fetch, "-d", str(wheels), *wanted], check=True)
    channel = CondaChannel(folder / "channel")
    start = time.monotonic()
    channel.add_python()
    for wheel in sorted(wheels.glob("*.whl")):
        channel.add_wheel(wheel)
    channel.write()
    print(f"make the channel                 {time.monotonic() - start:6.2f} s")
    specs = [*SMALL, "tensorflow-cpu"] if tensorflow else SMALL
    words = ["create", *specs, "--channel", channel.url, "--env", "env", "--force"]
    cold = median(lambda: envlock(folder, *words), 1)
    warm = median(lambda: envlock(folder, *words), 1 if tensorflow else 3)
    packages = len(list((folder / "env" / "conda-meta").glob("*.json")))
    print(f"envlock create, {packages:3} packages, cold {cold:6.2f} s")
    print(f"the same, packages in the cache  {warm:6.2f} s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--tensorflow", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="conda-") as name:
        os.environ["ENVLOCK_CACHE_DIR"] = f"{name}/cache"
        solves(Path(name), options.repeat)
        prefix(Path(name), tensorflow=options.tensorflow)


if __name__ == "__main__":
    main()
