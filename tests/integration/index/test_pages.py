"""The index client against a real HTTP server and real folders."""

import hashlib
import subprocess
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.choices import IndexStrategy
from envlock.errors import IndexFailure
from envlock.index.filenames import admitted, releases
from envlock.index.pages import Index
from envlock.model import IndexSettings
from support.index_client import DEMO, OTHER, Notes, client, names
from support.pace import assert_soon, wait_until
from support.simple_index import SimpleIndex, build_wheel, write_folder_index


@pytest.mark.parametrize("json", [True, False])
def test_a_page_tells_files_and_hashes_and_nothing_is_downloaded(
    tmp_path: Path, wheels: Path, served: SimpleIndex, *, json: bool
) -> None:
    served.json = json
    served.yanked = {"demo-1.1.tar.gz": "broken"}
    sdist, wheel = sorted(client(tmp_path, served.url).files(DEMO), key=lambda f: f.filename)[::-1]
    assert wheel.filename == "demo-1.0-py3-none-any.whl"
    content = (wheels / wheel.filename).read_bytes()
    assert wheel.hashes == {"sha256": hashlib.sha256(content).hexdigest()}
    assert wheel.url == f"{served.root}/files/{wheel.filename}"
    assert wheel.requires_python == ">=3.6"
    assert wheel.size == (len(content) if json else None)
    assert (wheel.yanked, sdist.yanked) == (None, "broken")
    assert served.downloads == ()


def test_many_projects_are_asked_for_at_once_and_each_once(
    tmp_path: Path, served: SimpleIndex
) -> None:
    served.delay = 0.3
    unknown = [canonicalize_name(f"unknown-{n}") for n in range(10)]
    shelves = (tmp_path / str(n) for n in count())  # no try has the pages of the one before

    def ask() -> None:
        served.requests.clear()
        index = client(next(shelves), served.url)
        found = index.files_of([DEMO, *unknown, OTHER, DEMO])
        assert {name: len(files) for name, files in found.items()} == {
            DEMO: 2,
            **dict.fromkeys(unknown, 0),
            OTHER: 1,
        }
        index.files_of([DEMO, *unknown])
        assert set(served.requests.values()) == {1}

    assert_soon(2, ask)


def test_pages_that_are_expected_are_read_while_something_else_goes_on(
    tmp_path: Path, served: SimpleIndex
) -> None:
    index = client(tmp_path, served.url)
    with index.expecting(lambda: [DEMO, OTHER]):
        wait_until(lambda: len(served.requests) == 2)
        assert index.files(DEMO)
    assert set(served.requests.values()) == {1}


def test_an_expectation_that_comes_too_late_or_fails_is_nothing(
    tmp_path: Path, served: SimpleIndex
) -> None:
    index = client(tmp_path, served.url)
    with index.expecting(lambda: [canonicalize_name("unknown")]):
        assert index.files(DEMO)
    assert len(served.requests) == 1
    failed: list[bool] = []

    def fails() -> list[NormalizedName]:
        failed.append(True)
        raise IndexFailure("nothing to read")

    with index.expecting(fails):
        wait_until(lambda: bool(failed))
        assert index.files(OTHER)


def test_files_that_were_listed_are_listed_anew_when_a_page_was_asked_for_again(
    tmp_path: Path, wheels: Path, served: SimpleIndex
) -> None:
    served.max_age = 600
    client(tmp_path, served.url).files(DEMO)
    index = client(tmp_path, served.url)
    before = names(index)
    build_wheel(wheels, "demo", "9.0")
    assert index.renew({DEMO: SpecifierSet("==9.0")})
    assert sorted(names(index)) == sorted([*before, "demo-9.0-py3-none-any.whl"])
    assert index.places(DEMO, Version("9.0"))[0].files


def test_one_release_of_each_project_is_what_its_pins_name(
    tmp_path: Path, served: SimpleIndex
) -> None:
    pins = {DEMO: Version("1.1.0"), OTHER: Version("3")}
    index = client(tmp_path, served.url)
    found = index.pinned(pins)
    assert found == {DEMO: releases(index.files(DEMO))[Version("1.1")], OTHER: ()}
    assert client(tmp_path, served.url).pinned(pins) == found


def test_with_best_match_all_indexes_and_find_links_are_one(
    tmp_path: Path, served: SimpleIndex
) -> None:
    extra, links = tmp_path / "extra", tmp_path / "links"
    build_wheel(extra, "demo", "1.0", requires_python=">=3.6")  # the same bytes as in the index
    build_wheel(extra, "demo", "2.0")
    build_wheel(links, "demo", "2.0", requires=["other"])  # other bytes than in the extra index
    build_wheel(links, "demo", "3.0")
    (links / "notes.txt").write_text("no distribution")
    index = client(
        tmp_path,
        served.url,
        extra_index_urls=(write_folder_index(tmp_path / "simple", extra),),
        find_links=(links.as_uri(),),
        index_strategy=IndexStrategy.BEST,
    )
    assert names(index) == [
        "demo-1.0-py3-none-any.whl",
        "demo-2.0-py3-none-any.whl",
        "demo-1.1.tar.gz",
        "demo-2.0-py3-none-any.whl",
        "demo-3.0-py3-none-any.whl",
    ]
    first, second = releases(index.files(DEMO))[Version("2.0")]
    assert first.hashes["sha256"] != second.hashes["sha256"]
    assert index.pinned({DEMO: Version("3")})[DEMO][0].url == (
        (links / "demo-3.0-py3-none-any.whl").as_uri()
    )


def test_the_first_index_that_has_a_page_of_a_name_is_the_only_one(
    tmp_path: Path, served: SimpleIndex
) -> None:
    extra, links = tmp_path / "extra", tmp_path / "links"
    build_wheel(extra, "demo", "0.5")
    build_wheel(links, "demo", "3.0")
    simple = write_folder_index(tmp_path / "simple", extra)
    index = client(tmp_path, served.url, extra_index_urls=(simple,), find_links=(links.as_uri(),))
    assert names(index) == ["demo-0.5-py3-none-any.whl", "demo-3.0-py3-none-any.whl"]
    assert names(index, OTHER) == ["other-2.0-py3-none-any.whl"]
    assert index.standing(DEMO) == (simple, served.url)
    assert index.crowded((DEMO, OTHER)) == {DEMO: (simple, served.url)}
    assert [place.url for place in index.places(DEMO)] == [simple, links.as_uri()]


def test_a_source_is_the_only_place_that_is_asked_for_a_name(
    tmp_path: Path, served: SimpleIndex
) -> None:
    extra, links = tmp_path / "extra", tmp_path / "links"
    build_wheel(extra, "demo", "0.5")
    build_wheel(extra, "other", "0.5")
    build_wheel(links, "demo", "3.0")
    build_wheel(links, "other", "3.0")
    simple = write_folder_index(tmp_path / "simple", extra)
    index = client(
        tmp_path,
        served.url,
        extra_index_urls=("http://127.0.0.1:9/nowhere",),
        find_links=(links.as_uri(),),
        sources=(("dem?", simple), ("*", links.as_uri())),
    )
    assert names(index) == ["demo-0.5-py3-none-any.whl"]
    assert names(index, OTHER) == ["other-3.0-py3-none-any.whl"]
    assert not served.requests


def test_no_index_leaves_only_find_links(tmp_path: Path, served: SimpleIndex) -> None:
    links = tmp_path / "links"
    build_wheel(links, "demo", "3.0")
    index = client(tmp_path, served.url, no_index=True, find_links=(links.as_uri(),))
    assert names(index) == ["demo-3.0-py3-none-any.whl"]
    assert not served.requests


def test_find_links_may_be_a_page_or_a_file_here_or_elsewhere(
    tmp_path: Path, wheels: Path, served: SimpleIndex
) -> None:
    page = tmp_path / "links.html"
    page.write_text('<a href="wheels/demo-1.0-py3-none-any.whl">demo</a>')
    links = (
        page.as_uri(),
        (wheels / "demo-1.1.tar.gz").as_uri(),
        f"{served.url}/other/",
        f"{served.root}/files/demo-5.0-py3-none-any.whl#sha256=AB",
    )
    index = client(tmp_path, served.url, no_index=True, find_links=links)
    wheel, sdist, remote = index.files(DEMO)
    assert wheel.hashes["sha256"] == _sha256(wheels / wheel.filename)
    assert sdist.hashes["sha256"] == _sha256(wheels / sdist.filename)
    assert remote.hashes == {"sha256": "ab"}
    assert names(index, OTHER) == ["other-2.0-py3-none-any.whl"]
    assert dict(served.requests) == {"/simple/other/": 1}


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_local_file_is_hashed_only_when_its_hash_is_asked_for(tmp_path: Path) -> None:
    links = tmp_path / "links"
    wheel = build_wheel(links, "demo", "1.0")
    (file,) = client(tmp_path, "", no_index=True, find_links=(links.as_uri(),)).files(DEMO)
    wheel.unlink()
    with pytest.raises(IndexFailure) as caught:
        dict(file.hashes)
    assert caught.value.message == f"{wheel}: cannot be read to hash it: No such file or directory"


def test_find_links_that_are_not_there_are_left_out_aloud(
    tmp_path: Path, served: SimpleIndex
) -> None:
    gone = (tmp_path / "gone").as_uri()
    progress = Notes()
    settings = IndexSettings(
        index_url=served.url, find_links=(gone, f"{served.url_with('u:p')}/gone.html")
    )
    index = Index(settings, cache=tmp_path / "cache", progress=progress)
    assert len(index.files(DEMO)) == 2
    page = f"{served.url}/gone.html".replace("://", "://****@")
    assert progress.notes == [
        f"find-links {gone} is not there: left out, as by pip",
        f"find-links {page} is not there: left out, as by pip",
    ]


def test_a_file_url_index_has_what_its_folders_have(tmp_path: Path, wheels: Path) -> None:
    index = client(tmp_path, write_folder_index(tmp_path / "simple", wheels))
    assert names(index) == ["demo-1.0-py3-none-any.whl", "demo-1.1.tar.gz"]
    assert index.files(canonicalize_name("unknown")) == ()


def test_a_file_url_index_without_hashes_is_hashed_from_disk(tmp_path: Path, wheels: Path) -> None:
    index = client(tmp_path, write_folder_index(tmp_path / "simple", wheels, hashes=False))
    for file in index.files(DEMO):
        assert file.hashes == {"sha256": _sha256(wheels / file.filename)}


def test_a_remote_file_without_a_hash_has_none(tmp_path: Path, served: SimpleIndex) -> None:
    served.hashes = False
    assert [file.hashes for file in client(tmp_path, served.url).files(DEMO)] == [{}, {}]
    assert served.downloads == ()


def test_a_date_is_held_by_upload_times(tmp_path: Path, served: SimpleIndex) -> None:
    served.upload_times = {
        "demo-1.0-py3-none-any.whl": "2024-05-01T00:00:00Z",
        "demo-1.1.tar.gz": "2025-05-01T00:00:00Z",
    }
    files = client(tmp_path, served.url).files(DEMO)
    (old,) = admitted(files, datetime(2024, 12, 1, tzinfo=UTC))
    assert old.filename == "demo-1.0-py3-none-any.whl"


def test_a_warm_cache_asks_nobody_and_loads_no_http_client(
    tmp_path: Path, served: SimpleIndex
) -> None:
    client(tmp_path, served.url).files(DEMO)
    program = (
        "import sys; from pathlib import Path\n"
        "from envlock.index.pages import Index; from envlock.model import IndexSettings\n"
        f"index = Index(IndexSettings(index_url={served.url!r}),"
        f" cache=Path({str(tmp_path / 'cache')!r}))\n"
        "print(len(index.files('demo')),"
        " {'httpx', 'httpx2', 'unearth', 'ssl', 'urllib.request'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "2 set()\n"
    assert served.requests == {"/simple/demo/": 1}


@pytest.mark.parametrize("etag", [True, False])
def test_a_page_that_is_not_fresh_is_asked_for_again(
    tmp_path: Path, wheels: Path, served: SimpleIndex, *, etag: bool
) -> None:
    served.etag, served.max_age = etag, 0
    assert len(names(client(tmp_path, served.url))) == 2
    assert len(names(client(tmp_path, served.url))) == 2
    build_wheel(wheels, "demo", "1.2")
    assert len(names(client(tmp_path, served.url))) == 3
    assert served.requests == {"/simple/demo/": 3}


def test_a_project_that_is_not_there_is_asked_for_again(
    tmp_path: Path, wheels: Path, served: SimpleIndex
) -> None:
    new = canonicalize_name("new")
    assert client(tmp_path, served.url).files(new) == ()
    build_wheel(wheels, "new", "1.0")
    assert names(client(tmp_path, served.url), new) == ["new-1.0-py3-none-any.whl"]


@pytest.mark.network
def test_pypi_lists_tensorflow_with_hashes_and_upload_times(tmp_path: Path) -> None:
    found = Index(IndexSettings(), cache=tmp_path).pinned(
        {canonicalize_name("tensorflow"): Version("2.10.1")}
    )
    files = found[canonicalize_name("tensorflow")]
    assert "tensorflow-2.10.1-cp310-cp310-win_amd64.whl" in {file.filename for file in files}
    assert all(file.hashes["sha256"] and file.upload_time for file in files)
