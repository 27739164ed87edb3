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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what repeats a quicker test, where the marks that were asked for do not name it.

    A mark expression in ``addopts`` would be lost with the first ``-m`` that is typed.
    """
    if "nightly" not in config.option.markexpr:
        left = [item for item in items if item.get_closest_marker("nightly")]
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)
