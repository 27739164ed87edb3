"""Fixtures of tests that run the program: its own folder, an index, a channel with TensorFlow."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.conda_channel import CondaChannel
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


@pytest.fixture(scope="session")
def channel(tmp_path_factory: pytest.TempPathFactory) -> CondaChannel:
    """A Python and the framework as conda packages; nobody changes it."""
    root = tmp_path_factory.mktemp("conda")
    made = CondaChannel(root / "channel")
    made.add_python()
    build_framework(root / "wheels")
    for wheel in sorted((root / "wheels").glob("*.whl")):
        made.add_wheel(wheel)
    made.write()
    return made
