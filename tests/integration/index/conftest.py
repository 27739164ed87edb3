"""A small index over HTTP, and no credentials but those of the test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.simple_index import SimpleIndex, build_sdist, build_wheel


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    build_wheel(folder, "demo", "1.0", requires_python=">=3.6")
    build_sdist(folder, "demo", "1.1")
    build_wheel(folder, "Other", "2.0")
    return folder


@pytest.fixture
def served(wheels: Path) -> Iterator[SimpleIndex]:
    with SimpleIndex(wheels) as index:
        yield index


@pytest.fixture(autouse=True)
def _only_the_credentials_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
