"""The files both programs work on: requirements, constraints, and the answer.

pip-compile and uv read the same two inputs and write the same kind of output;
an output that is there already holds the pins to prefer.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from envlock.engine.interface import Problem, Solution
from envlock.formats.registry import read_lock
from envlock.model import LockedPackage
from envlock.system import write_texts


class Files(Struct, frozen=True, kw_only=True):
    """Where one problem lies on disk."""

    requirements: Path
    constraints: Path
    answer: Path


def lay_out(problem: Problem, folder: Path) -> Files:
    """Write a problem into a scratch folder."""
    files = Files(
        requirements=folder / "requirements.in",
        constraints=folder / "constraints.txt",
        answer=folder / "requirements.txt",
    )
    pins = (f"{name}=={version}" for name, version in sorted(problem.preferences.items()))
    write_texts(
        {
            # pip-compile before 7 takes constraints from the file alone.
            files.requirements: _lines((f"-c {files.constraints.name}", *problem.requirements)),
            files.constraints: _lines(problem.constraints),
            files.answer: _lines(pins),
        },
        lasting=False,
    )
    return files


def _lines(items: Iterable[str]) -> str:
    return "".join(f"{item}\n" for item in items)


def collect(files: Files) -> Solution:
    """The pins an engine wrote; who asked is kept, the input files are not named."""
    lock = read_lock(files.answer.name, files.answer.read_text(encoding="utf-8"))
    return Solution(
        packages=tuple(
            LockedPackage(
                name=package.name,
                version=package.version,
                via=tuple(via for via in package.via if not via.startswith(("-r ", "-c "))),
            )
            for package in sorted(lock.part.pypi, key=lambda item: item.name)
        )
    )
