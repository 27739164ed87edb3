"""Run `envlock create` for a list of cells, and print what each can do.

A cell is ``TENSORFLOW/PYTHON``. Each is locked, built and proved in a scratch
folder, which is removed. ``--plain`` also builds what a plain ``uv pip
install`` of the same release gives, and probes that: the worth of the rules.

    python benchmarks/cells.py 2.10.1/3.10 2.4.4/3.8 --plain
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from envlock.choices import IndexStrategy
from envlock.index.handover import uv_environment, uv_program
from envlock.index.settings import load_settings

#: Red with a plain install on 2026-11-22, and three that are green.
CELLS = (
    "2.11.1/3.10",
    "2.9.3/3.9",
    "2.7.4/3.9",
    "2.5.3/3.9",
    "2.4.4/3.8",
    "2.3.4/3.7",
    "2.0.4/3.7",
    "1.15.5/3.7",
    "1.14.0/3.7",
    "1.13.2/3.6",
    "2.21.0/3.13",
    "2.16.2/3.12",
    "2.15.1/3.11",
)
_SHOWN = {"h5py", "keras", "numpy", "protobuf"}


@dataclass(frozen=True)
class Result:
    """One cell: whether the gate is passed, the levels by verdict, and the time in seconds."""

    passed: bool
    levels: dict[str, str]
    pins: dict[str, str]
    seconds: float
    error: str = ""


def envlock(*words: str, cwd: Path) -> Result:
    """Run envlock with ``--json`` and read what it found."""
    start = time.monotonic()
    command = [sys.executable, "-m", "envlock", *words, "--json"]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    data = json.loads(done.stdout) if done.stdout else {}
    return Result(
        passed=done.returncode == 0,
        levels={each["level"]: each["status"] for each in data.get("outcomes", ())},
        pins={each["name"]: each["version"] for each in data.get("packages", ())},
        seconds=seconds,
        error=data.get("error", {}).get("message", done.stderr)[:300] if done.returncode else "",
    )


def locked(cell: str, engine: str) -> Result:
    """One cell by envlock."""
    release, python = cell.split("/")
    with tempfile.TemporaryDirectory(prefix="cell-") as folder:
        words = ["create", f"tensorflow=={release}", "--python", python]
        words += ["--accelerator", "cpu", "--engine", engine]
        return envlock(*words, cwd=Path(folder))


def plain(cell: str) -> Result:
    """One cell as an installer that trusts metadata makes it, proved by the same probe."""
    release, python = cell.split("/")
    name = "tensorflow-cpu" if tuple(map(int, release.split(".")[:2])) >= (1, 15) else "tensorflow"
    with tempfile.TemporaryDirectory(prefix="cell-") as folder:
        # By hand all indexes that pip is configured for count, as for pip.
        settings = replace(load_settings(os.environ), index_strategy=IndexStrategy.BEST)
        env = uv_environment(settings)
        for words in (
            ["venv", "-q", "--python", python, "env"],
            ["pip", "install", "-q", "--python", "env", f"{name}=={release}"],
        ):
            command: list[str | Path] = [uv_program(), *words]
            done = subprocess.run(
                command, cwd=folder, env=env, capture_output=True, text=True, check=False
            )
            if done.returncode:
                return Result(passed=False, levels={}, pins={}, seconds=0, error=done.stderr[:300])
        return envlock("verify", "env", cwd=Path(folder))


def main() -> None:
    """Run the cells and print one row each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", nargs="*", default=CELLS)
    parser.add_argument("--engine", default="pip-tools")
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    green = 0
    for cell in options.cells:
        result = locked(cell, options.engine)
        green += result.passed
        pins = " ".join(f"{k} {v}" for k, v in result.pins.items() if k in _SHOWN)
        print(f"{cell:12} {verdict(result)} {result.seconds:6.1f} s  {pins}")
        if options.plain:
            print(f"{'':12} {verdict(plain(cell))} with a plain install")
        sys.stdout.flush()
    print(f"{green} of {len(options.cells)} cells pass the default gate")


def verdict(result: Result) -> str:
    """Whether the gate is passed, and the levels that are not."""
    lacks = [name for name, status in result.levels.items() if status in {"failed", "crashed"}]
    return (
        f"{'PASS' if result.passed else 'FAIL'} (not: {', '.join(lacks) or 'none'}){result.error}"
    )


if __name__ == "__main__":
    main()
