"""How many real requirement files give what they ask for: locked plainly, and by envlock.

    python benchmarks/whole_requests.py FOLDER LOG [--only plain|envlock] [--files TEXT]

Each file is locked plainly (`uv pip compile`) for the first Python that uv
finds an answer for, beginning with the newest, installed from that lock, and
proved by `envlock verify --imports` of everything that the file names; and
`envlock create -r FILE` is asked for the same Python; where it asks for leave
to build a source distribution, which uv builds unasked, it gets it. LOG gets one JSON line
for each half; what it holds is not run again. The table at the end counts, of
the files that uv can lock, how many hold with each.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement

from envlock.errors import InterpreterMissing
from envlock.index.handover import uv_program
from envlock.targets.interpreters import find_interpreter

PYTHONS = ("3.13", "3.12", "3.11", "3.10", "3.9", "3.8", "3.7", "3.6")
ENVLOCK = [sys.executable, "-m", "envlock"]
_ALLOW = re.compile(r"--allow-build ([\w.-]+)$", re.MULTILINE)
TAIL = 600  # characters of what a failed step said


def named(file: Path, python: str) -> list[str]:
    """The distributions that the lines of a file ask for on a Python."""
    found = []
    for line in file.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        text = line.split(" #")[0].split("--hash")[0].strip().rstrip("\\").strip()
        try:
            one = Requirement(text)
            held = one.marker is None or one.marker.evaluate(
                {"python_version": python, "python_full_version": f"{python}.0"}
            )
        except (InvalidRequirement, UndefinedEnvironmentName):
            continue
        if held:
            found.append(one.name)
    return found


class Steps:
    """Programs run in a folder, one after the other, each within the time left."""

    def __init__(self, folder: Path, limit: float) -> None:
        """Begin to count the time."""
        self._folder = folder
        self._end = time.monotonic() + limit
        self.said = ""

    def __call__(self, *words: str) -> bool:
        """Run a program; whether it ended well. What it said last stays in ``said``."""
        left = self._end - time.monotonic()
        try:
            done = subprocess.run(
                words,
                cwd=self._folder,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=max(left, 1),
                check=False,
            )
        except subprocess.TimeoutExpired:
            self.said = "not done in time"
            return False
        self.said = (done.stderr + done.stdout)[-TAIL:] if done.returncode else done.stdout
        return done.returncode == 0


def here(python: str) -> bool:
    """Whether this machine has a Python."""
    try:
        find_interpreter(python)
    except InterpreterMissing:
        return False
    return True


def locked(file: Path, run: Steps) -> str | None:
    """The newest Python for which uv locks a file into requirements.txt."""
    uv = str(uv_program())
    for python in filter(here, PYTHONS):
        words = [uv, "pip", "compile", str(file), "-q", "-o", "requirements.txt"]
        if run(*words, "--python", str(find_interpreter(python).path)):
            return python
    return None


def plainly(file: Path, run: Steps) -> dict[str, Any]:
    """What a plain lock gives."""
    uv = str(uv_program())
    python = locked(file, run)
    if python is None:
        return {"python": None, "holds": False, "where": "lock", "said": run.said}
    done: dict[str, Any] = {"python": python, "holds": False}
    install = [uv, "pip", "install", "-q", "--python", "env", "-r", "requirements.txt"]
    where = str(find_interpreter(python).path)
    if not run(uv, "venv", "-q", "--python", where, "env") or not run(*install):
        return {**done, "where": "build", "said": run.said}
    imports = [word for name in named(file, python) for word in ("--imports", name)]
    if not run(*ENVLOCK, "verify", "env", *imports):
        return {**done, "where": "proof", "said": run.said}
    return {**done, "holds": True}


def by_envlock(file: Path, python: str, run: Steps) -> dict[str, Any]:
    """What envlock gives for the same Python."""
    create = [*ENVLOCK, "create", "-r", str(file), "--python", python, "--env", "env"]
    allowed: list[str] = []
    while not run(*create, *(word for name in allowed for word in ("--allow-build", name))):
        more = [name for name in _ALLOW.findall(run.said) if name not in allowed]
        if not more:
            done = {"python": python, "allowed": allowed, "holds": False}
            return {**done, "where": "create", "said": run.said}
        allowed += more
    return {"python": python, "allowed": allowed, "holds": True}


def half(
    log: Path, key: tuple[str, str], work: Callable[[Steps], dict[str, Any]], limit: float
) -> None:
    """Do one half of a file in a new folder, and write its line."""
    with tempfile.TemporaryDirectory(prefix="requests-") as folder:
        start = time.monotonic()
        found = work(Steps(Path(folder), limit))
        line = {"file": key[0], "by": key[1], **found, "seconds": round(time.monotonic() - start)}
    with log.open("a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")
    print(json.dumps(line)[:160], flush=True)


def read(log: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The lines of a log by file and half."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    return {(each["file"], each["by"]): each for each in map(json.loads, lines)}


def table(log: Path) -> None:
    """Print how many files hold with each, of those that uv can lock."""
    found = read(log)
    can = {name for (name, by), each in found.items() if by == "plain" and each["python"]}
    for by in ("plain", "envlock"):
        rows = [each for (name, kind), each in found.items() if kind == by and name in can]
        print(f"{by:8} {sum(each['holds'] for each in rows)} of {len(rows)}")


def main() -> None:
    """Run what the log lacks, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("--only", choices=["plain", "envlock"])
    parser.add_argument("--files", default="")
    parser.add_argument("--limit", type=float, default=900)
    args = parser.parse_args()
    for file in sorted(args.folder.resolve().iterdir()):
        if file.suffix not in {".txt", ".in"} or args.files not in file.name:
            continue
        plain, own = (file.name, "plain"), (file.name, "envlock")
        if plain not in read(args.log) and args.only != "envlock":
            half(args.log, plain, partial(plainly, file), args.limit)
        python = read(args.log).get(plain, {}).get("python")
        if own not in read(args.log) and args.only != "plain" and python:
            half(
                args.log,
                own,
                partial(by_envlock, file, python),
                args.limit,
            )
    table(args.log)


if __name__ == "__main__":
    main()
