import json
from datetime import UTC, datetime
from typing import Any

import pytest

from envlock.index.parse import Incomplete, NotAPage, file_at, parse_html, parse_json
from envlock.model import DistributionFile

PAGE = "https://user:pass@host/simple/demo/"


def listed(**entry: Any) -> DistributionFile:
    page = {
        "files": [{"filename": "demo-1.0.tar.gz", "url": "https://cdn/demo-1.0.tar.gz", **entry}]
    }
    (file,) = parse_json(json.dumps(page).encode(), PAGE)
    return file


def test_everything_a_json_page_says_of_a_file_is_kept() -> None:
    file = listed(
        hashes={"md5": "00", "sha256": "AB", "blake2b_256": "11"},
        **{"requires-python": ">=3.8", "size": 7, "upload-time": "2024-05-01T12:00:00.5Z"},
        yanked="broken",
    )
    assert file == DistributionFile(
        filename="demo-1.0.tar.gz",
        url="https://cdn/demo-1.0.tar.gz",
        hashes={"sha256": "ab"},
        requires_python=">=3.8",
        yanked="broken",
        upload_time=datetime(2024, 5, 1, 12, 0, 0, 500000, UTC),
        size=7,
    )


@pytest.mark.parametrize(
    ("said", "yanked"), [(False, None), (None, None), ("", None), (True, ""), ("why", "why")]
)
def test_a_json_page_yanks_with_or_without_a_reason(said: object, yanked: str | None) -> None:
    assert listed(yanked=said).yanked == yanked


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        (None, None),
        ("2024-05-01T12:00:00", datetime(2024, 5, 1, 12, tzinfo=UTC)),
    ],
)
def test_an_upload_time_is_utc_or_unknown(said: str | None, moment: datetime | None) -> None:
    assert listed(**{"upload-time": said}).upload_time == moment


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("../../files/demo-1.0.tar.gz", "https://host/files/demo-1.0.tar.gz"),
        ("/files/demo-1.0.tar.gz", "https://host/files/demo-1.0.tar.gz"),
        ("https://u:p@cdn/demo-1.0.tar.gz", "https://cdn/demo-1.0.tar.gz"),
        ("https://cdn/demo-1.0.tar.gz?token=t", "https://cdn/demo-1.0.tar.gz"),
    ],
)
def test_file_urls_are_whole_and_without_credentials(href: str, url: str) -> None:
    (anchored,) = parse_html(f'<a href="{href}">demo</a>', PAGE)
    assert listed(url=href).url == url
    assert anchored.url == url


@pytest.mark.parametrize("text", ["", "{", '{"files": [{"filename": "demo'])
def test_json_that_ends_early_is_incomplete(text: str) -> None:
    with pytest.raises(Incomplete):
        parse_json(text.encode(), PAGE)


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"files": [1]}', '{"files": [{"url": "u"}]}', "1", "<html>"]
)
def test_json_of_another_kind_is_not_a_page(text: str) -> None:
    with pytest.raises(NotAPage):
        parse_json(text.encode(), PAGE)


def test_everything_an_html_page_says_of_a_file_is_kept() -> None:
    text = """<!DOCTYPE html><html><head><base href="https://cdn/all/"></head><body>
      <a name="top">no link</a>
      <a href="demo-1.0%2Bcpu-py3-none-any.whl#sha256=AB&amp;egg=x"
         data-requires-python="&gt;=3.8" data-yanked>demo</a>
      <a href="demo-0.9.tar.gz#md5=00" data-yanked="why">demo</a></body></html>"""
    assert parse_html(text, PAGE) == (
        DistributionFile(
            filename="demo-1.0+cpu-py3-none-any.whl",
            url="https://cdn/all/demo-1.0%2Bcpu-py3-none-any.whl",
            hashes={"sha256": "ab"},
            requires_python=">=3.8",
            yanked="",
        ),
        DistributionFile(
            filename="demo-0.9.tar.gz",
            url="https://cdn/all/demo-0.9.tar.gz",
            hashes={},
            yanked="why",
        ),
    )


def test_html_that_ends_inside_a_tag_is_incomplete() -> None:
    with pytest.raises(Incomplete):
        parse_html('<a href="demo-1.0.tar.gz">demo</a><a href="demo-1.', PAGE)


def test_a_url_is_a_file_with_the_hash_of_its_fragment() -> None:
    assert file_at("https://host/a/demo-1.0.tar.gz#sha512=CD&sha1=00") == DistributionFile(
        filename="demo-1.0.tar.gz", url="https://host/a/demo-1.0.tar.gz", hashes={"sha512": "cd"}
    )
