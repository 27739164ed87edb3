"""What every test may rely on."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from envlock.index import secrets
from support.program import own_path

# A job in the background, and nohup, ignore Ctrl-C, and so would every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What tests start is compiled once, and not at each of a thousand starts.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What is printed to be typed depends on it, and is worked out once in a process.
os.environ["PATH"] = os.pathsep.join((str(own_path()), os.environ.get("PATH", os.defpath)))


@pytest.fixture(autouse=True)
def nothing_is_known() -> Iterator[None]:
    """The secrets of a run are known to its process, and tests share one."""
    yield
    secrets.forget()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what repeats a quicker test, where the marks that were asked for do not name it.

    A mark expression in ``addopts`` would be lost with the first ``-m`` that is typed.
    """
    if "nightly" not in config.option.markexpr:
        left = [item for item in items if item.get_closest_marker("nightly")]
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)
