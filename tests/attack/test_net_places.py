"""Addresses, proxies, certificates and credentials that are odd: used, or told what is wrong."""

import base64
import os
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from envlock.cli import _app
from envlock.cli.advice import pasted
from envlock.errors import UsageError
from envlock.index.handover import (
    pip_environment,
    socks_proxy,
    untrusted_by_uv,
    uv_environment,
    uv_options,
)
from envlock.index.settings import IndexOverrides, settings_from
from envlock.model import IndexSettings
from support.certificate import self_signed
from support.index_client import CHECK_REMEDY, DEMO, client, failure, names
from support.odd_server import Answer, OddServer, has_ipv6

PAGE = {"/simple/demo/": b'<a href="demo-1.0.tar.gz">demo</a>'}


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def settings(environ: Mapping[str, str] | None = None, **said: object) -> IndexSettings:
    return settings_from([], environ or {}, IndexOverrides(**said))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:99999/simple", "there are ports up to 65535"),
        ("http://host:0/simple", "there is no port 0"),
        ("http://host:x/simple", "its port is no number"),
        ("http://[::1/simple", "no valid IPv6 URL"),
        ("http://", "it names no host"),
        ("https:///simple", "it names no host"),
        ("ftp://host/simple", "pages are read over https and http and from file:, not ftp"),
        ("host/simple", "it does not begin with https:// or http://"),
    ],
)
def test_an_address_that_is_none_is_told_before_anything_is_tried(url: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings(index_url=url)
    assert caught.value.message == f"the package index {url} cannot be read: {why}"
    assert caught.value.remedies == (CHECK_REMEDY,)
    with pytest.raises(UsageError, match="cannot be read"):
        settings(extra_index_urls=(url,))


def test_an_address_without_its_scheme_keeps_its_secrets() -> None:
    with pytest.raises(UsageError) as caught:
        settings({"PIP_INDEX_URL": "bob:S3cr3t@host/simple"})
    assert caught.value.message == (
        "the package index ****@host/simple cannot be read:"
        " it does not begin with https:// or http://"
    )


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
@pytest.mark.parametrize("host", ["::1", "[::1]", "[::1]:{port}", "https://[::1]:{port}"])
def test_an_ipv6_host_can_be_trusted(tmp_path: Path, host: str) -> None:
    with OddServer(dict(PAGE), host="::1", certificate=self_signed(tmp_path)) as server:
        trusted = (host.format(port=server.port),)
        assert names(client(tmp_path, server.url, trusted_hosts=trusted)) == ["demo-1.0.tar.gz"]
        other = client(tmp_path / "b", server.url, trusted_hosts=("[::1]:9",))
        assert failure(other).message.endswith(
            "certificate is not trusted: self-signed certificate"
        )


def test_pip_is_told_of_an_ipv6_host_and_of_uv_it_is_known_that_it_cannot_be() -> None:
    use = settings(trusted_hosts=("::1", "[::1]:8443", "host:80"))
    assert pip_environment(use)["PIP_TRUSTED_HOST"] == "[::1] [::1]:8443 host:80"
    assert uv_environment(use)["UV_INSECURE_HOST"] == "host:80"
    assert untrusted_by_uv(use) == ("[::1]", "[::1]:8443")


@pytest.mark.parametrize(
    ("host", "why"), [("[::1", "no valid IPv6 URL"), ("a:b", "its port is no number")]
)
def test_a_trusted_host_that_is_none_is_told(host: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings(trusted_hosts=(host,))
    assert caught.value.message == f"--trusted-host {host} cannot be read: {why}"


@contextmanager
def socks_server() -> Iterator[tuple[int, list[int]]]:
    """Serve SOCKS 5 on 127.0.0.1; gives its port and the ports that were asked for."""
    asked: list[int] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def relay(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def serve(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            peer.recv(16)
            peer.sendall(b"\x05\x00")
            kind = peer.recv(4)[3]
            peer.recv(4 if kind == 1 else peer.recv(1)[0])
            asked.append(struct.unpack(">H", peer.recv(2))[0])
            with socket.create_connection(("127.0.0.1", asked[-1])) as there:
                peer.sendall(b"\x05\x00\x00\x01" + bytes(6))
                back = threading.Thread(target=relay, args=(there, peer), daemon=True)
                back.start()
                relay(peer, there)
                back.join(5)

    def accept() -> None:
        with suppress(OSError):
            while True:
                peer, _ = listening.accept()
                threading.Thread(target=serve, args=(peer,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with listening:
        yield listening.getsockname()[1], asked
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with OddServer(dict(PAGE)) as server, socks_server() as (port, asked):
        proxy = f"{scheme}://127.0.0.1:{port}"
        assert names(client(tmp_path / "a", server.url, proxy=proxy)) == ["demo-1.0.tar.gz"]
        monkeypatch.setenv("ALL_PROXY", proxy)
        assert socks_proxy(IndexSettings())  # pip gets PySocks then
        assert names(client(tmp_path / "b", server.url)) == ["demo-1.0.tar.gz"]
        assert asked == [server.port] * 2


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ("gopher://host:1", "Unknown scheme for proxy URL URL('gopher://host:1')"),
        ("http://host:99999", "Port out of range 0-65535"),
        ("http://[::1", "Invalid IPv6 URL"),
    ],
)
def test_a_proxy_that_is_none_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str, why: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(UsageError) as caught:
        client(tmp_path, "https://index.invalid/simple").files(DEMO)
    assert caught.value.message == f"the proxy cannot be used: {why}"


def test_a_netrc_that_is_not_utf8_holds_nothing_and_is_named_where_it_would_matter(
    tmp_path: Path,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_bytes(b"machine 127.0.0.1 login \xff password x\n")
    with OddServer(dict(PAGE)) as server:
        assert names(client(tmp_path / "a", server.url)) == ["demo-1.0.tar.gz"]
        server.answers["/simple/demo/"] = Answer(status=401)
        assert failure(client(tmp_path / "b", server.url)).message == (
            f"cannot read the package index {server.url}/demo/: 127.0.0.1 wants credentials and"
            f" none were found (401 Unauthorized); {netrc} cannot be read: it is not UTF-8 text"
        )
    assert pip_environment(IndexSettings())["NETRC"] == os.devnull


@pytest.mark.parametrize("option", ["--index-url", "--extra-index-url"])
def test_the_remedy_of_a_private_index_keeps_scheme_port_and_path(
    tmp_path: Path, option: str
) -> None:
    def refuse_strangers(handler: object) -> None:
        headers = handler.headers  # type: ignore[attr-defined]
        known = headers.get("Authorization") == "Basic " + base64.b64encode(b"me:pw").decode()
        body = PAGE["/simple/demo/"] if known else b""
        handler.send_response(200 if known else 401)  # type: ignore[attr-defined]
        handler.send_header("Content-Type", "text/html")  # type: ignore[attr-defined]
        handler.send_header("Content-Length", str(len(body)))  # type: ignore[attr-defined]
        handler.end_headers()  # type: ignore[attr-defined]
        handler.wfile.write(body)  # type: ignore[attr-defined]

    with OddServer({"/team/simple/demo/": refuse_strangers}) as server, OddServer() as main:
        private = f"{server.root}/team/simple"
        typed = ["lock", "demo", option, private]
        first = (
            {"url": private}
            if option == "--index-url"
            else {
                "url": main.url,
                "extra_index_urls": (private,),
            }
        )
        told = failure(client(tmp_path, **first))
        with_secret = private.replace("://", "://USER:SECRET@")
        assert told.remedies[-1] == f"{option} {with_secret}"
        assert pasted(_app(typed), typed, told.remedies[-1]) == (
            f"envlock lock demo {option} {with_secret}"
        )
        known = private.replace("://", "://me:pw@")
        again = (
            {**first, "url": known}
            if option == "--index-url"
            else {
                **first,
                "extra_index_urls": (known,),
            }
        )
        assert names(client(tmp_path / "b", **again)) == ["demo-1.0.tar.gz"]  # type: ignore[arg-type]


def test_the_most_specific_certificates_win_in_every_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ssl.pem").write_text("")
    system = {"SSL_CERT_FILE": str(tmp_path / "ssl.pem")}
    curl = {**system, "CURL_CA_BUNDLE": "/curl.pem"}
    requests = {**curl, "REQUESTS_CA_BUNDLE": "/requests.pem"}
    pip = {**requests, "PIP_CERT": "/pip.pem"}
    assert settings(pip, cert="/flag.pem").cert == str(Path("/flag.pem"))
    for environ, cert in ((pip, "/pip.pem"), (requests, "/requests.pem"), (curl, "/curl.pem")):
        assert settings(environ).cert == str(Path(cert))
    assert settings(system).cert == system["SSL_CERT_FILE"]
    assert settings({"SSL_CERT_FILE": str(tmp_path / "gone")}).cert is None
    for name, value in pip.items():
        monkeypatch.setenv(name, value)
    use = settings(pip, cert="/flag.pem")
    told = pip_environment(use)
    assert told["PIP_CERT"] == str(Path("/flag.pem"))
    assert not {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} & told.keys()
    assert uv_environment(use)["SSL_CERT_FILE"] == str(Path("/flag.pem"))


def test_refresh_and_no_cache_are_flags_and_variables_and_reach_the_engines() -> None:
    assert settings({"ENVLOCK_REFRESH": "1"}).refresh
    assert settings({"ENVLOCK_NO_CACHE": "yes"}).no_cache
    use = settings(refresh=True, no_cache=True)
    assert uv_options(use) == ["--refresh"]
    assert uv_environment(use)["UV_NO_CACHE"] == "1"
    assert pip_environment(use)["PIP_NO_CACHE_DIR"] == "1"
    with pytest.raises(UsageError) as caught:
        settings({"ENVLOCK_NO_CACHE": "perhaps"})
    assert caught.value.message == "ENVLOCK_NO_CACHE: the value is neither true nor false"


@pytest.mark.parametrize("text", ["nan", "-1", "0", "1e400", "soon"])
def test_a_timeout_that_is_no_time_is_told(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings({"PIP_DEFAULT_TIMEOUT": text})
    assert caught.value.message == "PIP_DEFAULT_TIMEOUT: the value is not a number of seconds"
