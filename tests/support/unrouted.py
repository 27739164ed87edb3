"""The program in a network namespace of its own, where no route leads anywhere."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from functools import cache

import pytest

from support.program import Done, Program

_UNSHARE = ("unshare", "--map-root-user", "--net")


@cache
def _refused() -> str:
    """Why no namespace can be made here, or nothing."""
    if shutil.which(_UNSHARE[0]) is None:
        return "there is no unshare"
    done = subprocess.run([*_UNSHARE, "true"], capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


def unrouted(program: Program, *words: str) -> Done:
    """Run a command where not even this machine's own address has a way."""
    if why := _refused():
        pytest.skip(f"no network namespace: {why}")
    patient = replace(program, limit=2 * program.limit)
    return patient.run([*_UNSHARE, *program.command(*words)])
