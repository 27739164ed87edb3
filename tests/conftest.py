"""What every test may rely on."""

import signal
from collections.abc import Iterator

import pytest

from envlock.index import secrets

# A job in the background, and nohup, ignore Ctrl-C, and so would every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def nothing_is_known() -> Iterator[None]:
    """The secrets of a run are known to its process, and tests share one."""
    yield
    secrets.forget()
