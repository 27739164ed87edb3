"""The gate that an engine sees each index through, asked as pip and uv ask."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError

import pytest

from envlock.choices import IndexStrategy
from envlock.errors import IndexFailure, WorkError
from envlock.index.gate import gated
from envlock.index.ways import for_pip, for_uv
from envlock.model import IndexSettings
from support.simple_index import SimpleIndex, build_wheel

JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVLOCK_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def own(tmp_path: Path) -> Iterator[SimpleIndex]:
    build_wheel(tmp_path / "own", "demo", "0.1")
    with SimpleIndex(tmp_path / "own", auth=("me", "hunter2")) as index:
        yield index


@pytest.fixture
def both(own: SimpleIndex, served: SimpleIndex) -> IndexSettings:
    return IndexSettings(index_url=served.url, extra_index_urls=(own.url_with("me:hunter2"),))


def read(url: str, accept: str = JSON) -> str:
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return str(answer.read().decode())


def refused(url: str) -> bool:
    try:
        read(url)
    except HTTPError as error:
        return error.code == HTTPStatus.NOT_FOUND
    return False


def test_a_page_passes_from_one_index_only(both: IndexSettings) -> None:
    with gated(both) as seen:
        (first,) = seen.extra_index_urls
        (file,) = json.loads(read(f"{first}/demo/"))["files"]
        assert file["filename"] == "demo-0.1-py3-none-any.whl"
        assert refused(f"{seen.index_url}/demo/")
        assert refused(f"{first}/other/")
        assert "other-2.0" in read(f"{seen.index_url}/Other/")
        assert refused(f"{seen.index_url}/unknown/")
        assert seen.index_strategy is IndexStrategy.BEST


@pytest.mark.parametrize("kind", [JSON, "text/html"])
def test_links_lead_where_they_led_with_the_credentials_of_their_index_and_metadata(
    both: IndexSettings, own: SimpleIndex, kind: str
) -> None:
    link = own.root.replace("://", "://me:hunter2@") + "/files/demo-0.1-py3-none-any.whl"
    with gated(both) as seen:
        page = read(f"{seen.extra_index_urls[0]}/demo/", kind)
        other = read(f"{seen.index_url}/other/", kind)
    assert link in page
    assert "metadata" in page
    assert "hunter2" not in other


def test_nobody_reads_a_page_who_was_not_told_its_address(both: IndexSettings) -> None:
    with gated(both) as seen:
        root, digest, number = seen.index_url.rsplit("/", 2)
        assert refused(f"{root}/{'0' * len(digest)}/{number}/other/")
        assert refused(f"{root}/")
        assert "other-2.0" in read(f"{root}/{digest}/{number}/other/")


def test_the_address_stays_the_same_so_that_uv_finds_what_it_has(both: IndexSettings) -> None:
    with gated(both) as first:
        pass
    with gated(both) as again, gated(both) as beside:
        assert again == first
        assert beside != first
        assert "other-2.0" in read(f"{beside.index_url}/other/")


def test_a_page_that_cannot_be_read_is_the_error_whatever_the_program_says(
    both: IndexSettings, own: SimpleIndex
) -> None:
    own.status = 403

    def program(*, fails: bool) -> None:
        with gated(both) as seen:
            assert refused(f"{seen.index_url}/demo/")
            if fails:
                raise WorkError("something went wrong")

    for fails in (True, False):
        with pytest.raises(IndexFailure) as caught:
            program(fails=fails)
        assert caught.value.message == (
            f"cannot read the package index {own.url_with('****')}/demo/: the credentials for"
            " 127.0.0.1 were refused (403 Forbidden)"
        )


def test_a_held_name_is_not_in_find_links(tmp_path: Path, served: SimpleIndex) -> None:
    links = tmp_path / "links"
    build_wheel(links, "demo", "9")
    build_wheel(links, "other", "9")
    settings = IndexSettings(
        index_url=served.url, find_links=(links.as_uri(),), sources=(("demo", served.url),)
    )
    with gated(settings) as seen:
        page = read(seen.find_links[0], "text/html")
    assert "demo" not in page
    assert f'href="{links.as_uri()}/other-9-py3-none-any.whl"' in page


def test_a_gate_is_made_only_where_a_program_does_not_hold_to_the_index_itself(
    both: IndexSettings, served: SimpleIndex
) -> None:
    alone = IndexSettings(index_url=served.url)
    best = IndexSettings(
        index_url=both.index_url,
        extra_index_urls=both.extra_index_urls,
        index_strategy=IndexStrategy.BEST,
    )
    held = IndexSettings(index_url=served.url, sources=(("demo", served.url),))
    for settings, uv, pip in (
        (alone, False, False),
        (both, False, True),
        (best, False, False),
        (held, True, True),
    ):
        with for_uv(settings) as by_uv, for_pip(settings) as by_pip:
            assert (by_uv != settings, by_pip != settings) == (uv, pip)
