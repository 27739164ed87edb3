"""What tests of the command line start from: the program, an index, a channel of conda."""

import pytest

from support.conda_channel import CondaChannel
from support.fixtures import envlock, index, program
from support.framework import build_framework

__all__ = ["channel", "envlock", "index", "program"]


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
