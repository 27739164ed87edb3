"""Credentials, certificates and proxies, as pip takes them."""

import sys
from pathlib import Path
from typing import Any

import pytest

from envlock.errors import UsageError
from envlock.index.transport import certificates
from support.certificate import self_signed
from support.index_client import DEMO, client, failure, names
from support.simple_index import SimpleIndex


def test_credentials_in_the_url_open_the_index_and_reach_no_file(
    tmp_path: Path, served: SimpleIndex
) -> None:
    served.auth = ("me@corp", "se/cret")
    index = client(tmp_path, served.url_with("me%40corp:se%2Fcret"))
    assert [file.url for file in index.files(DEMO)] == [
        f"{served.root}/files/demo-1.0-py3-none-any.whl",
        f"{served.root}/files/demo-1.1.tar.gz",
    ]
    for file in (tmp_path / "cache").iterdir():
        assert "cret" not in file.read_text(encoding="utf-8")


def test_a_token_alone_opens_the_index(tmp_path: Path, served: SimpleIndex) -> None:
    served.auth = ("token", "")
    assert len(names(client(tmp_path, served.url_with("token")))) == 2


@pytest.mark.parametrize("user", ["", "me"])
def test_netrc_opens_the_index(tmp_path: Path, served: SimpleIndex, user: str) -> None:
    served.auth = ("me", "secret")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    url = served.url_with(user) if user else served.url
    assert len(names(client(tmp_path, url))) == 2


def keyring(folder: Path) -> None:
    """Put a `keyring` on PATH that knows the password of 127.0.0.1."""
    folder.mkdir()
    script = folder / "keyring.py"
    script.write_text(
        "import sys\nprint('me\\nsecret' if '127.0.0.1' in sys.argv[-2] else 1 / 0)\n"
    )
    if sys.platform == "win32":
        (folder / "keyring.bat").write_text(f'@"{sys.executable}" "{script}" %*\n')
    else:
        program = folder / "keyring"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
        program.chmod(0o755)


@pytest.mark.parametrize("user", ["", "me"])
def test_keyring_opens_the_index(tmp_path: Path, served: SimpleIndex, user: str) -> None:
    served.auth = ("me", "secret")
    keyring(tmp_path / "bin")
    url = served.url_with(user) if user else served.url
    assert len(names(client(tmp_path, url))) == 2


def test_keyring_is_not_asked_when_it_is_disabled(tmp_path: Path, served: SimpleIndex) -> None:
    served.auth = ("me", "secret")
    keyring(tmp_path / "bin")
    error = failure(client(tmp_path, served.url, keyring_provider="disabled"))
    assert error.message == (
        f"cannot read the package index {served.url}/demo/:"
        " 127.0.0.1 wants credentials and none were found (401 Unauthorized)"
    )
    assert error.remedies == (
        "in ~/.netrc: machine 127.0.0.1 login USER password SECRET",
        "keyring set 127.0.0.1 USER",
        f"--index-url {served.url_with('USER:SECRET')}",
    )


@pytest.mark.parametrize(
    ("knobs", "status"),
    [({"auth": ("me", "right")}, "401 Unauthorized"), ({"status": 403}, "403 Forbidden")],
)
def test_refused_credentials_are_told_but_not_shown(
    tmp_path: Path, served: SimpleIndex, knobs: dict[str, Any], status: str
) -> None:
    for knob, value in knobs.items():
        setattr(served, knob, value)
    error = failure(client(tmp_path, served.url_with("me:wrong")))
    page = f"{served.url}/demo/".replace("://", "://****@")
    assert error.message == (
        f"cannot read the package index {page}:"
        f" the credentials for 127.0.0.1 were refused ({status})"
    )


def test_an_unknown_certificate_is_refused_and_the_remedies_work(
    tmp_path: Path, wheels: Path
) -> None:
    pem = self_signed(tmp_path)
    with SimpleIndex(wheels, certificate=pem) as served:
        error = failure(client(tmp_path, served.url))
        assert error.message == (
            f"cannot read the package index {served.url}/demo/:"
            " its certificate is not trusted: self-signed certificate"
        )
        assert error.remedies == (
            "--cert FILE, with the certificate of the authority that signed it",
            "--trusted-host 127.0.0.1",
        )
        assert len(names(client(tmp_path / "a", served.url, trusted_hosts=("127.0.0.1",)))) == 2
        trusting = client(tmp_path / "b", served.url, cert=str(pem), client_cert=str(pem))
        assert len(names(trusting)) == 2


def test_what_the_system_trusts_is_read_once_and_only_where_something_is_encrypted(
    tmp_path: Path, wheels: Path, served: SimpleIndex
) -> None:
    certificates.cache_clear()
    assert len(names(client(tmp_path / "a", served.url))) == 2
    assert certificates.cache_info().misses == 0
    with SimpleIndex(wheels, certificate=self_signed(tmp_path)) as encrypted:
        for folder in ("b", "c"):
            assert "not trusted" in failure(client(tmp_path / folder, encrypted.url)).message
    assert certificates.cache_info().misses == 1


def test_certificates_that_cannot_be_read_are_named(
    tmp_path: Path, wheels: Path, served: SimpleIndex
) -> None:
    missing, none = tmp_path / "missing.pem", tmp_path / "none.pem"
    error = failure(client(tmp_path, served.url, cert=str(missing)))
    assert error.message == f"{missing}: the certificate cannot be read: No such file or directory"
    none.write_text("no certificate")
    with SimpleIndex(wheels, certificate=self_signed(tmp_path)) as encrypted:
        error = failure(client(tmp_path, encrypted.url, cert=str(none)))
    assert error.message.startswith(f"{none}: the certificate cannot be read: ")


def test_a_proxy_is_used_and_one_that_is_no_url_is_refused(
    tmp_path: Path, served: SimpleIndex
) -> None:
    dead = client(tmp_path, "https://index.invalid/simple", proxy="u:p@127.0.0.1:9")
    assert failure(dead).message == (
        "cannot read the package index https://index.invalid/simple/demo/:"
        " the proxy 127.0.0.1:9 refused the connection (3 tries)"
    )
    with pytest.raises(UsageError) as caught:
        client(tmp_path, served.url, proxy="gopher://u:p@host").files(DEMO)
    assert caught.value.message.startswith("the proxy cannot be used: ")
    assert "u:p" not in caught.value.message
