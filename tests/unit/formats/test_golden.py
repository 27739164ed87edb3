"""The realistic locks in every format, compared with the files in tests/golden."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.choices import Format
from envlock.formats.registry import LOCKS, texts_of
from support.conda_locks import REALISTIC_CONDA
from support.locks import ON_TWO, REALISTIC

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.mark.parametrize("kind", [kind for kind, row in LOCKS.items() if row.pypi])
def test_the_realistic_lock_is_written_as_the_golden_files(kind: Format) -> None:
    golden = {path.name: path.read_bytes().decode() for path in (GOLDEN / kind).iterdir()}
    assert texts_of(REALISTIC, kind) == golden


def test_a_lock_of_two_platforms_in_one_file_is_written_as_the_golden_files() -> None:
    golden = {path.name: path.read_bytes().decode() for path in (GOLDEN / "together").iterdir()}
    kinds = (Format.REQUIREMENTS, Format.PYLOCK)
    written = {n: t for kind in kinds for n, t in texts_of(ON_TWO, kind, together=True).items()}
    assert written == golden


def test_the_realistic_lock_of_conda_packages_is_written_as_the_golden_files() -> None:
    golden = {path.name: path.read_bytes().decode() for path in (GOLDEN / "conda").iterdir()}
    kinds = [kind for kind, row in LOCKS.items() if row.conda or row.beside]
    written = {n: t for kind in kinds for n, t in texts_of(REALISTIC_CONDA, kind).items()}
    assert written == golden
