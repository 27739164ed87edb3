"""Every reader, for some seconds, with inputs that are the same on every run; nightly for longer.

By hand as long as one likes: ``PYTHONPATH=tests python -m support.fuzz --inputs 1000000``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.fuzz.pumped import pumped
from support.fuzz.readers import BY_NAME, READERS
from support.fuzz.run import corpus, crashes, fuzzed, slow, tried, workplace


@pytest.mark.fuzz
@pytest.mark.parametrize(
    ("inputs", "seconds"), [(3_000, 10), pytest.param(60_000, 300, marks=pytest.mark.nightly)]
)
def test_no_reader_ends_in_anything_but_its_own_error(inputs: int, seconds: float) -> None:
    runs = fuzzed(inputs, seed=0, seconds=seconds)
    wrong = [str(fault) for _, _, faults in runs for fault in faults]
    assert wrong == []


@pytest.mark.fuzz
@pytest.mark.parametrize("every", [53, pytest.param(7, marks=pytest.mark.nightly)])
def test_a_long_run_of_one_thing_takes_no_reader_long(every: int) -> None:
    """A few of them; all with ``python -m support.fuzz --pumped``."""
    assert [str(fault) for fault in slow(every=every)] == []


@pytest.mark.parametrize(
    ("name", "unit"),
    [("conda-explicit", "http://"), ("site-metadata", " ")],
)
def test_a_long_run_that_took_a_reader_long_does_not(name: str, unit: str) -> None:
    reader = BY_NAME[name]
    with workplace(reader) as path:
        for content in pumped(corpus(reader)[0], (unit,)):
            assert tried(reader, path, content) is None


@pytest.mark.parametrize(
    ("name", "file"),
    list(crashes()),
    ids=lambda part: part.name if isinstance(part, Path) else part,
)
def test_an_input_that_crashed_a_reader_or_might_have_ends_in_words(name: str, file: Path) -> None:
    reader = BY_NAME[name]
    with workplace(reader) as path:
        assert tried(reader, path, file.read_bytes()) is None


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_the_first_file_of_each_corpus_is_read(reader: object) -> None:
    """A corpus that is refused at its first line tries nothing behind it."""
    known = BY_NAME[str(getattr(reader, "name", ""))]
    with workplace(known) as path:
        path.write_bytes(corpus(known)[0])
        known.read(path)
