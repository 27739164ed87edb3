"""Index pages that lie, have no end, or are none: each is told in words, once, within limits."""

import gzip
import json
import resource
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from envlock.engine.interface import brief
from envlock.errors import IndexFailure
from envlock.index.ceiling import for_file, for_page, longer, patience
from envlock.index.pages import Index
from envlock.index.parse import MOST_FILES
from envlock.model import IndexSettings
from support.index_client import DEMO, client, failure, names
from support.odd_server import Answer, OddServer, Sent, has_ipv6
from support.pace import assert_quick, assert_soon

JSON = "application/vnd.pypi.simple.v1+json"
PAGE = "/simple/demo/"
LONGER = "a longer limit: PIP_DEFAULT_TIMEOUT=60, or timeout in pip's configuration"


def served_once(folder: Path, sent: Sent, **settings: Any) -> tuple[IndexFailure, str, int]:
    """What the reader says of one page, its address, and how often it was asked for."""
    with OddServer({PAGE: sent}) as server:
        told = failure(client(folder, server.url, **settings))
        return told, f"{server.url}/demo/", server.requests[PAGE]


def entry(**changes: Any) -> Answer:
    file = {"filename": "demo-1.0.tar.gz", "url": "demo-1.0.tar.gz", "hashes": {}, **changes}
    page = {"meta": {"api-version": "1.0"}, "name": "demo", "files": [file]}
    return Answer(body=json.dumps(page).encode(), kind=JSON)


def of_json(text: str | bytes) -> Answer:
    return Answer(body=text.encode() if isinstance(text, str) else text, kind=JSON)


FILE = '{"files": [{"filename": "demo-1.0.tar.gz", "url": "u"'


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"<![foo bar>", "unknown status keyword 'foo ' in marked section"),
        (b'<a href="http://[::1">demo-1.0.tar.gz</a>', "invalid IPv6 URL"),
        (b'<a href="//[">demo-1.0.tar.gz</a>', "invalid IPv6 URL"),
        (
            b"<a href='&#" + b"9" * 5000 + b";'>demo</a>",
            "a number in it has thousands of digits",
        ),
        (
            b'<meta name="pypi:repository-version" content="2.0">',
            "it is of version 2.0 of the protocol, and envlock reads 1.x",
        ),
        (b"<a " * 100_000, "it has a tag of more than 65536 characters"),
        (b"<" * 300_000, "it ends in the middle"),
        (of_json('{"files": [{"filename": "demo-1.0'), "it ends in the middle"),
        (of_json("[" * 200_000), "expected `object`, got `array`"),
        (of_json('{"files": [], "x": ' + "[" * 200_000), "it is nested too deeply"),
        (
            of_json('{"files": [{"filename": "\\ud800", "url": "u"}]}'),
            ("JSON is malformed: unexpected end of escaped utf-16 surrogate pair (byte 31)"),
        ),
        (entry(url="//["), "invalid IPv6 URL"),
        (entry(filename=["x"]), "expected `str`, got `array` - at `$.files[0].filename`"),
        (entry(url=7), "expected `str`, got `int` - at `$.files[0].url`"),
        (entry(hashes=["x"]), "expected `object | null`, got `array` - at `$.files[0].hashes`"),
        (
            entry(**{"requires-python": 3}),
            "expected `str | null`, got `int` - at `$.files[0].requires-python`",
        ),
        (entry(size="7"), "expected `int | null`, got `str` - at `$.files[0].size`"),
        (
            of_json(FILE + ', "size": ' + "9" * 5000 + "}]}"),
            "integer value out of range - at `$.files[0].size`",
        ),
        (
            entry(**{"requires-python": f">=3.{'9' * 6000}"}),
            "the requires-python of demo-1.0.tar.gz has 6,004 characters",
        ),
        (
            f'<a href="demo-1.0.tar.gz" data-requires-python=">=3.{"9" * 6000}">x</a>'.encode(),
            "the requires-python of demo-1.0.tar.gz has 6,004 characters",
        ),
        (
            entry(**{"upload-time": "9" * 5000}),
            f"the upload-time of demo-1.0.tar.gz is no time: “{'9' * 40}…”",
        ),
        (
            entry(**{"upload-time": "9999-99-99"}),
            "the upload-time of demo-1.0.tar.gz is no time: “9999-99-99”",
        ),
        (
            b"<a href='x-1.0.tar.gz'>x</a>" * (MOST_FILES + 1),
            "it lists more than 150,000 files, the limit for one page",
        ),
        (
            of_json('{"files": [' + '{"filename":"x","url":"x"},' * (MOST_FILES + 1) + "]}"),
            "it lists more than 150,000 files, the limit for one page",
        ),
        (of_json("7"), "expected `object`, got `int`"),
        (of_json('{"files": []} and more'), "JSON is malformed: trailing characters (byte 15)"),
        (of_json("<html></html>"), "JSON is malformed: invalid character (byte 0)"),
        (
            of_json('{"files": []}'.encode("utf-16")),
            "JSON is malformed: invalid character (byte 0)",
        ),
        (of_json(b'{"files": [{"filename": "\xff", "url": "u"}]}'), "invalid UTF-8 encoded string"),
        (
            of_json('{"meta": {"api-version": "2.0"}, "files": []}'),
            "it is of version 2.0 of the protocol, and envlock reads 1.x",
        ),
        (of_json('{"meta": 1, "files": []}'), "expected `object | null`, got `int` - at `$.meta`"),
    ],
)
def test_a_malformed_page_is_told_with_its_address_and_asked_for_once(
    tmp_path: Path, sent: Sent, why: str
) -> None:
    told, page, times = served_once(tmp_path, sent)
    assert told.message == f"cannot read the package index {page}: this is no index page: {why}"
    assert times == 1


@pytest.mark.parametrize(
    "sent",
    [
        of_json('{"files": [], ' + FILE[1:] + "}]}"),  # the last of two keys counts
        of_json('{"name": ' + "9" * 5000 + ", " + FILE[1:] + "}]}"),
        of_json(FILE + ', "upload-time": "2024-01-01", "yanked": ""}]}'),
        Answer(body=b'<a href="demo-1.0.tar.gz">\xff</a>', kind="text/html; charset=nonsense"),
        Answer(
            body='<a href="demo-1.0.tar.gz">é</a>'.encode("utf-16"),
            kind="text/html; charset=utf-16",
        ),
        Answer(
            body=b"<a href='demo-1.0.tar.gz'>x</a>",
            headers={"Cache-Control": f"max-age={'9' * 5000}"},
        ),
    ],
)
def test_what_is_odd_and_clear_all_the_same_is_read(tmp_path: Path, sent: Sent) -> None:
    with OddServer({PAGE: sent}) as server:
        assert names(client(tmp_path, server.url)) == ["demo-1.0.tar.gz"]


def bomb(megabytes: int) -> bytes:
    return gzip.compress(b" " * 1_000_000) * megabytes  # gzip files may follow each other


@pytest.mark.parametrize("status", [200, 302])
def test_a_gzip_bomb_is_left_at_the_limit_and_asked_for_once(tmp_path: Path, status: int) -> None:
    headers = {"Content-Encoding": "gzip"} | (
        {"Location": "/simple/demo/x"} if status == 302 else {}
    )
    sent = Answer(body=bomb(150), kind=JSON, status=status, headers=headers)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told, page, times = served_once(tmp_path, sent)
    assert told.message == (
        f"cannot read the package index {page}: it is larger than the limit of 100 MB"
    )
    assert times == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000


def test_a_packing_that_was_not_asked_for_is_not_unpacked(tmp_path: Path) -> None:
    sent = Answer(body=b"x", kind=JSON, headers={"Content-Encoding": "gzip, br"})
    told, page, times = served_once(tmp_path, sent)
    assert told.message == (
        f"cannot read the package index {page}: it is packed as gzip, br, which was not asked for"
    )
    assert times == 1


def drip(begin: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    def send(handler: BaseHTTPRequestHandler) -> None:
        try:
            handler.wfile.write(begin)
            for _ in range(1200):  # for a minute
                handler.wfile.write(b" ")
                time.sleep(0.05)
        except OSError:
            return

    return send


@pytest.mark.parametrize(
    "begin", [b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", b"HTTP/1.1 200 OK\r\nX:"]
)
def test_a_server_that_drips_is_left_at_the_time_limit(tmp_path: Path, begin: bytes) -> None:
    def read() -> None:
        told, page, times = served_once(tmp_path, drip(begin), timeout=0.15)
        said, _, rest = told.message.partition(" bytes ")
        assert said.startswith(f"cannot read the package index {page}: only ")
        assert rest == "came within the time limit of 0.6 s"
        assert (told.remedies, times) == ((LONGER,), 1)

    assert_soon(8, read)


@pytest.mark.parametrize("timeout", [180.0, 86400.0])
def test_a_longer_wait_makes_no_total_limit_endless(timeout: float) -> None:
    assert patience(timeout) == patience(timeout, 12) <= 600
    assert for_page(timeout).seconds <= 900
    assert for_file(timeout).seconds <= 4 * 3600


def test_a_longer_limit_is_only_proposed_where_there_is_one() -> None:
    assert longer(15, patience) == longer(15) == LONGER
    assert longer(60, patience) == LONGER.replace("60", "240")
    assert longer(180) == LONGER.replace("60", "240")
    assert longer(600, patience) == longer(900)
    assert longer(900).startswith("another index or mirror")


PORTAL = "cannot read the package index {page}: this is no index page: it lists no file, and {why}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty: a login page, or that of a proxy?"),
        (" \n", "it is empty: a login page, or that of a proxy?"),
        ("<div></div><!-- demo -->", "it is empty: a login page, or that of a proxy?"),
        (
            "<html><head><title>Hotel</title></head><body>Welcome! Please log in.</body></html>",
            "it says “Hotel Welcome Please log in.”: a login page, or that of a proxy?",
        ),
        (
            '<a href="/forgot">Forgot?</a><form action="/login"><input name="u"></form> demo',
            "it has <form>: a login page, or that of a proxy?",
        ),
        (
            "<script>location = 'https://login/'</script>",
            "it has <script>: a login page, or that of a proxy?",
        ),
        (
            '<meta http-equiv="Refresh" content="0; url=https://login/">',
            "it has <meta refresh>: a login page, or that of a proxy?",
        ),
    ],
)
def test_the_page_of_a_captive_portal_is_no_index_page(tmp_path: Path, text: str, why: str) -> None:
    told, page, _ = served_once(tmp_path, text.encode())
    assert told.message == PORTAL.format(page=page, why=why)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_a_portal_that_was_redirected_to_is_named(tmp_path: Path) -> None:
    with OddServer({"/login": b"<form>"}, host="::1") as portal:
        sent = Answer(status=302, headers={"Location": f"{portal.root}/login?u=http://x/demo"})
        told, page, _ = served_once(tmp_path, sent)
        why = "it has <form>: a login page, or that of a proxy?"
        led = f" (it led to {portal.root}/login?u=http://x/demo)"
        assert told.message == PORTAL.format(page=page, why=why) + led


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html><html><body></body></html>",
        "<html><head><title>Links for demo</title></head><body><h1>Links for demo</h1></body>",
        "<title>Simple index</title>",
        "<title>Index of /simple/demo/</title><h1>Index of /simple/demo/</h1><a href='../'>../</a>",
        '<meta name="pypi:repository-version" content="1.3"><script></script>',
        "<title>demo</title><a href='demo-1.0.win32.exe'>demo-1.0.win32.exe</a>",
    ],
)
def test_an_empty_page_of_a_project_is_no_fault(tmp_path: Path, text: str) -> None:
    with OddServer({PAGE: text.encode()}) as server:
        assert names(client(tmp_path, server.url)) == []


def test_an_unasked_304_is_an_error(tmp_path: Path) -> None:
    told, page, _ = served_once(tmp_path, Answer(status=304))
    assert told.message == f"cannot read the package index {page}: it answered 304 Not Modified"


def test_a_long_page_is_read_at_ten_thousand_files_a_second(tmp_path: Path) -> None:
    one = {"hashes": {"sha256": "a" * 64}, "requires-python": ">=3.8", "size": 7, "yanked": False}
    named = (
        (f"demo-{n}.0-py3-none-any.whl", f"https://files/{'x' * 60}/{n}") for n in range(5_000)
    )
    page = {"files": [{"filename": name, "url": url, **one} for name, url in named]}
    with OddServer({PAGE: of_json(json.dumps(page))}) as server:
        shelves = (tmp_path / str(n) for n in count())  # no try has the page of the one before

        def read() -> None:
            assert len(names(client(next(shelves), server.url))) == 5_000

        assert_quick(0.5, read)  # a megabyte


def test_a_page_that_is_asked_for_again_is_seen_at_once(tmp_path: Path) -> None:
    old, new = (f'<a href="demo-{n}.0.tar.gz">x</a>'.encode() for n in (1, 2))
    with OddServer({PAGE: old}) as server:
        assert names(client(tmp_path, server.url)) == ["demo-1.0.tar.gz"]
        server.answers[PAGE] = new
        assert names(client(tmp_path, server.url)) == ["demo-1.0.tar.gz"]
        assert names(client(tmp_path, server.url, refresh=True)) == ["demo-2.0.tar.gz"]
        assert names(client(tmp_path, server.url)) == ["demo-2.0.tar.gz"]


def test_without_a_cache_nothing_is_used_and_nothing_kept(tmp_path: Path) -> None:
    with OddServer({PAGE: b'<a href="demo-1.0.tar.gz">x</a>'}) as server:
        for _ in range(2):
            index = Index(
                IndexSettings(index_url=server.url, no_cache=True), cache=tmp_path / "cache"
            )
            assert len(index.files(DEMO)) == 1
        assert server.requests[PAGE] == 2
    assert not (tmp_path / "cache").exists()


def _redirect(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "http://[::1")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def _no_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "why"),
    [(_redirect, "Invalid URL in location header: "), (_no_http, "illegal status line: ")],
)
def test_an_answer_that_makes_no_sense_was_not_cut_off(
    tmp_path: Path, sent: Sent, why: str
) -> None:
    told, page, asked = served_once(tmp_path, sent)
    assert told.message.startswith(
        f"cannot read the package index {page}: its answer makes no sense: {why}"
    )
    assert asked == 1


def test_what_an_engine_quotes_of_a_page_is_cut() -> None:
    said = f"error: the year {'9' * 5000} is none\n  at 'x'"
    assert brief(said) == f"error: the year {'9' * 300}… is none\n  at 'x'"
