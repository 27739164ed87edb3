import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packaging.version import Version

from envlock.index.cache import FRESH, KeptPage, PageCache, to_lines
from envlock.model import DistributionFile

URL = "https://user:pass@host/simple/demo/"


def file(filename: str) -> DistributionFile:
    return DistributionFile(
        filename=filename,
        url=f"https://host/{filename}",
        hashes={"sha256": "ab", "sha512": "cd"},
        requires_python=">=3.8",
        yanked="",
        upload_time=datetime(2024, 5, 1, 12, 0, 0, 5, UTC),
        size=7,
    )


FILES = (
    file("demo-1.0-py3-none-any.whl"),
    file("demo-1.0.0.tar.gz"),
    file("demo-1.1.tar.gz"),
    file("demo-odd.tar.gz"),
)


def page(*, age: float = 0.0) -> KeptPage:
    return KeptPage(lines=to_lines(FILES), etag='"e"', fresh_until=time.time() + FRESH - 1 - age)


def test_a_stored_page_reads_back_equal(tmp_path: Path) -> None:
    cache, stored = PageCache(tmp_path / "new"), page()
    cache.store({URL: stored})
    loaded = cache.load(URL)
    assert loaded == stored
    assert loaded.fresh
    assert loaded.files() == FILES


def test_one_version_is_read_alone_however_its_zeros_are_written() -> None:
    assert page().files(Version("1")) == FILES[:2]
    assert page().files(Version("1.0.0")) == FILES[:2]
    assert page().files(Version("1.1")) == FILES[2:3]
    assert page().files(Version("9")) == ()


@pytest.mark.parametrize("age", [FRESH, -10.0])
def test_a_page_of_long_ago_or_of_the_future_is_not_fresh(age: float) -> None:
    assert not page(age=age).fresh


def test_credentials_are_neither_written_nor_part_of_the_key(tmp_path: Path) -> None:
    cache = PageCache(tmp_path)
    cache.store({URL: page()})
    assert cache.load("https://host/simple/demo/") is not None
    (written,) = tmp_path.iterdir()
    assert "pass" not in written.name + written.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]\n",
        '{"format": 0}\n',
        '{"format": 1, "versions": ["1"], "etag": null}\n',
        "\xff",
    ],
)
def test_a_damaged_file_is_a_miss(tmp_path: Path, damage: str) -> None:
    cache = PageCache(tmp_path)
    cache.store({URL: page()})
    (written,) = tmp_path.iterdir()
    written.write_bytes(damage.encode("latin-1"))
    assert cache.load(URL) is None


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    cache = PageCache(tmp_path / "taken" / "index")
    cache.store({URL: page()})
    assert cache.load(URL) is None
