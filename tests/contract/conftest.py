"""What the engines' suites have in common: a small index, and caches of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.engines import small_index, use_own_caches
from support.simple_index import SimpleIndex


@pytest.fixture(autouse=True)
def _own_caches(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    use_own_caches(monkeypatch, tmp_path_factory)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_index(tmp_path / "files")


@pytest.fixture
def index(folder: Path) -> Iterator[SimpleIndex]:
    with SimpleIndex(folder, max_age=0) as served:
        yield served
