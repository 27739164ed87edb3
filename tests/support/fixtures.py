"""Fixtures of tests that run the program: a folder of its own, and an index with a TensorFlow."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.framework import build_framework, for_its_python
from support.program import Program, make_program
from support.simple_index import SimpleIndex


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return make_program(tmp_path)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SimpleIndex]:
    wheels = tmp_path / "wheels"
    build_framework(wheels)
    with SimpleIndex(wheels) as served:
        yield served


@pytest.fixture
def envlock(program: Program, index: SimpleIndex) -> Program:
    """Give the program with the quick engine and the index configured as for pip."""
    known = {"PIP_INDEX_URL": index.url, "ENVLOCK_ENGINE": "uv"}
    return program.with_env(**known, **for_its_python())
