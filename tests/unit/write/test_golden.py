"""The realistic lock in every format, compared with the files in tests/golden."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.write import WRITERS, Format, conda_texts
from envlock.write.conda import CONDA_WRITERS
from support.conda_locks import REALISTIC_CONDA
from support.locks import REALISTIC

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.mark.parametrize("kind", WRITERS)
def test_the_realistic_lock_is_written_as_the_golden_files(kind: Format) -> None:
    golden = {path.name: path.read_bytes().decode() for path in (GOLDEN / kind).iterdir()}
    assert WRITERS[kind].render(REALISTIC, name="envlock") == golden


def test_the_realistic_lock_of_conda_packages_is_written_as_the_golden_files() -> None:
    golden = {path.name: path.read_bytes().decode() for path in (GOLDEN / "conda").iterdir()}
    written = {
        n: t for kind in CONDA_WRITERS for n, t in conda_texts(REALISTIC_CONDA, kind).items()
    }
    assert written == golden
