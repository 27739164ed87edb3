"""The realistic lock in every format, compared with the files in tests/golden."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.write import WRITERS, Format
from support.locks import REALISTIC

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.mark.parametrize("kind", WRITERS)
def test_the_realistic_lock_is_written_as_the_golden_files(kind: Format) -> None:
    golden = {path.name: path.read_bytes().decode() for path in (GOLDEN / kind).iterdir()}
    assert WRITERS[kind].render(REALISTIC, name="envlock") == golden
