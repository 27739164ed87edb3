"""Indexes that do not answer as they should: said aloud, never taken for empty."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.index_client import CHECK_REMEDY, client, failure, names
from support.pace import assert_soon, wait_until
from support.simple_index import SimpleIndex


@pytest.mark.parametrize(
    "trouble", [{"status": 503}, {"status": 429}, {"cut_off": True}, {"cut_off_quietly": True}]
)
def test_trouble_that_passes_is_not_seen(
    tmp_path: Path, served: SimpleIndex, trouble: dict[str, Any]
) -> None:
    for knob, value in {**trouble, "times": 2}.items():
        setattr(served, knob, value)
    assert len(names(client(tmp_path, served.url))) == 2
    assert served.requests == {"/simple/demo/": 3}


@pytest.mark.parametrize(
    ("trouble", "cause"),
    [
        ({"status": 500}, "it answered 500 Internal Server Error (3 tries)"),
        ({"cut_off": True}, "the answer was cut off (3 tries)"),
        ({"cut_off_quietly": True}, "the page was cut off (3 tries)"),
        ({"status": 400}, "it answered 400 Bad Request"),
    ],
)
def test_trouble_that_stays_is_told_without_credentials(
    tmp_path: Path, served: SimpleIndex, trouble: dict[str, Any], cause: str
) -> None:
    for knob, value in trouble.items():
        setattr(served, knob, value)
    error = failure(client(tmp_path, served.url_with("user:secret")))
    page = f"{served.url}/demo/".replace("://", "://****@")
    assert error.message == f"cannot read the package index {page}: {cause}"
    assert error.remedies == (CHECK_REMEDY,)


def test_one_index_in_trouble_is_not_an_index_without_the_project(
    tmp_path: Path, served: SimpleIndex
) -> None:
    nobody = "http://127.0.0.1:9/simple"
    error = failure(client(tmp_path, served.url, extra_index_urls=(nobody,)))
    assert error.message == (
        f"cannot read the package index {nobody}/demo/: the connection was refused (3 tries)"
    )


def test_a_host_that_does_not_exist_is_told(tmp_path: Path) -> None:
    error = failure(client(tmp_path, "https://index.invalid/simple"))
    assert error.message == (
        "cannot read the package index https://index.invalid/simple/demo/:"
        " there is no such host (3 tries)"
    )


@pytest.mark.parametrize(
    ("proxy", "cause"),
    [
        ("http://u:secret@proxy.invalid:3128", "there is no such host as the proxy {proxy}"),
        ("socks5://proxy.invalid:1080", "there is no such host as the proxy {proxy}"),
        ("http://127.0.0.1:9", "the proxy {proxy} refused the connection"),
    ],
)
@pytest.mark.parametrize("known", ["setting", "variable"])
def test_a_proxy_that_cannot_be_connected_to_is_named(
    tmp_path: Path,
    served: SimpleIndex,
    proxy: str,
    cause: str,
    known: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    if known == "variable":
        monkeypatch.setenv("HTTP_PROXY", proxy)
    settings = {"proxy": proxy} if known == "setting" else {}
    error = failure(client(tmp_path, served.url, **settings))
    named = cause.format(proxy=proxy.rpartition("/")[2].rpartition("@")[2])
    assert error.message == (f"cannot read the package index {served.url}/demo/: {named} (3 tries)")
    assert error.remedies == (
        "set HTTPS_PROXY, or proxy in pip's configuration, to http://HOST:PORT or socks5://HOST:PORT",
        "NO_PROXY=127.0.0.1  # where it can be reached without one",
    )


def test_a_silent_server_is_left_at_the_time_limit(tmp_path: Path, served: SimpleIndex) -> None:
    served.delay = 60

    def ask() -> None:
        error = failure(client(tmp_path, served.url, timeout=0.2))
        assert error.message == (
            f"cannot read the package index {served.url}/demo/: no answer within 0.2 s"
        )
        assert error.remedies == (
            "a longer limit: PIP_DEFAULT_TIMEOUT=60, or timeout in pip's configuration",
        )

    assert_soon(2, ask)


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_an_interrupt_does_not_wait_for_a_silent_server(
    tmp_path: Path, served: SimpleIndex
) -> None:
    served.delay = 60.0
    program = (
        "from pathlib import Path\n"
        "from envlock.index.pages import Index; from envlock.model import IndexSettings\n"
        f"settings = IndexSettings(index_url={served.url!r}, timeout=60)\n"
        f"try: Index(settings, cache=Path({str(tmp_path)!r})).files('demo')\n"
        "except KeyboardInterrupt: print('interrupted', flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    wait_until(lambda: served.requests)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30)[0] == "interrupted\n"


def test_an_answer_that_is_no_page_is_told(tmp_path: Path, served: SimpleIndex) -> None:
    error = failure(client(tmp_path, f"{served.root}/files/demo-1.1.tar.gz?"))
    assert error.message.endswith(
        "it answered with application/octet-stream, not with a page of files"
    )


def test_a_host_that_is_neither_encrypted_nor_trusted_is_not_read(tmp_path: Path) -> None:
    error = failure(client(tmp_path, "http://index.invalid/simple"))
    assert error.message == (
        "http://index.invalid/simple/demo/ is not read:"
        " index.invalid is neither encrypted (https) nor trusted"
    )
    assert error.remedies == ("--trusted-host index.invalid",)


def test_https_to_a_server_without_it_is_told(tmp_path: Path, served: SimpleIndex) -> None:
    url = served.url.replace("http:", "https:")
    error = failure(client(tmp_path, url))
    start = f"cannot read the package index {url}/demo/: no encrypted connection: "
    assert error.message.startswith(start)


def test_a_file_url_index_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    root = tmp_path / "simple"
    assert failure(client(tmp_path, root.as_uri())).message == (
        f"the package index {root.as_uri()} is not there: {root} is no folder"
    )
