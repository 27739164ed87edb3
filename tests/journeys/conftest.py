"""Working days: a terminal in a user's folder, and an index with a TensorFlow."""

import pytest

from support.fixtures import channel, envlock, index, program
from support.program import Program
from support.terminal import Terminal

__all__ = ["channel", "envlock", "index", "program", "terminal"]


@pytest.fixture
def terminal(envlock: Program) -> Terminal:
    return Terminal(program=envlock)
