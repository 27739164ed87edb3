"""Working days: a terminal in a user's folder, and an index with a TensorFlow."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.fixtures import channel, envlock, index, program
from support.program import Program
from support.terminal import Terminal

__all__ = ["channel", "envlock", "index", "program", "terminal"]


@pytest.fixture
def real(program: Program) -> Iterator[Terminal]:
    """A terminal with this machine's own indexes, uv's own cache, and time for a TensorFlow."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    cache = os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))
    own = {"PIP_CONFIG_FILE": "", **kept, "UV_CACHE_DIR": cache, "ENVLOCK_ENGINE": "uv"}
    yield Terminal(program=replace(program, env=own, limit=900).with_pip())
    shutil.rmtree(program.root, ignore_errors=True)  # environments of TensorFlow


@pytest.fixture
def terminal(envlock: Program) -> Terminal:
    return Terminal(program=envlock.with_pip())
