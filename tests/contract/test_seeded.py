"""pip-tools starts from uv's answer: what it reads for it, what it builds, what is kept."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from packaging.version import Version

from envlock.choices import EngineName
from envlock.engine.piptools import helper_python
from envlock.index.metadata import MetadataCache, read_wheels
from envlock.index.pages import Index
from envlock.model import DistributionFile, IndexSettings
from envlock.progress import Silent
from envlock.targets.tags import taken
from support.engines import pins, problem, solve
from support.scenarios import goal
from support.simple_index import SimpleIndex, build_sdist, build_wheel


def listed(index: SimpleIndex, name: str) -> tuple[DistributionFile, ...]:
    settings = IndexSettings(index_url=index.url)
    return Index(settings).files_of([name])[name]  # type: ignore[index, list-item]


def test_pip_tools_is_run_from_where_envlock_is_installed() -> None:
    assert helper_python(goal(), IndexSettings(), Silent()) == Path(sys.executable)


@pytest.mark.parametrize("metadata", [True, False])
def test_wheels_are_asked_for_their_metadata_once(
    index: SimpleIndex, folder: Path, *, metadata: bool
) -> None:
    build_wheel(folder, "fresh", f"1.{int(metadata)}", requires=["other<2"])
    index.metadata, index.ranges = metadata, not metadata
    files, settings = listed(index, "fresh"), IndexSettings(index_url=index.url)
    found = read_wheels(files, settings)
    assert [b"Requires-Dist: other<2" in text for text in found.values()] == [True]
    before = index.requests.total()
    assert read_wheels(files, settings) == found
    assert index.requests.total() == before


def test_a_wheel_of_a_server_that_gives_no_parts_is_not_read(
    index: SimpleIndex, folder: Path
) -> None:
    build_wheel(folder, "whole", "1.0")
    index.metadata = False
    assert read_wheels(listed(index, "whole"), IndexSettings(index_url=index.url)) == {}


def test_metadata_of_another_release_are_none_of_a_file(index: SimpleIndex, folder: Path) -> None:
    build_wheel(folder, "swapped", "1.0")
    (file,) = listed(index, "swapped")
    cache = MetadataCache(IndexSettings())
    cache.store([(file, b"Name: swapped\nVersion: 2.0\n")])
    assert cache.load(file) is None
    cache.store([(file, b"Name: swapped\nVersion: 1.0\n")])
    assert cache.load(file) is not None
    assert cache.load(file, "3.11") is None


def test_the_wheel_with_the_best_tag_is_taken_before_source() -> None:
    tags = goal().tags
    names = (f"demo-1.0-{tags[-1]}.whl", f"demo-1.0-{tags[0]}.whl", "demo-1.0.tar.gz")
    files = [DistributionFile(filename=name, url="", hashes={}) for name in names]
    best = taken(files, goal())
    assert best is not None
    assert best.filename == names[1]
    source = taken(files[2:], goal())
    assert source is not None
    assert source.filename == names[2]


@pytest.mark.network
def test_a_source_archive_is_built_once(index: SimpleIndex, folder: Path) -> None:
    build_sdist(folder, "archive", "1.0", requires=["other<2\nDynamic: Requires-Dist"])
    asked = problem(index, "archive", "demo")
    expected = {"archive": "1.0", "demo": "1.0", "other": "1.0"}
    assert pins(solve(EngineName.PIPTOOLS, asked)) == expected
    assert index.downloads.count("archive-1.0.tar.gz") == 2  # by uv, and by pip
    assert pins(solve(EngineName.PIPTOOLS, asked)) == expected
    # uv reads it again, to see that it is the same: this index has no Cache-Control.
    assert index.downloads.count("archive-1.0.tar.gz") == 3


@pytest.mark.network
def test_what_pip_cannot_confirm_it_solves_itself(index: SimpleIndex, folder: Path) -> None:
    # uv passes over the upper bound of a Requires-Python.
    build_wheel(folder, "bounded", "2.0", requires_python="<3")
    build_wheel(folder, "bounded", "1.0")
    found = pins(solve(EngineName.PIPTOOLS, problem(index, "bounded")))
    assert Version(found["bounded"]) == Version("1.0")
