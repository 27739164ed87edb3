import os
import sys
from pathlib import Path

import pytest

from envlock.errors import UsageError
from envlock.index.settings import IndexOverrides, config_files, load_settings, settings_from
from envlock.model import IndexSettings

NO_OVERRIDES = IndexOverrides()


def config(folder: Path, text: str, name: str = "pip.conf") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_nothing_configured_means_pypi() -> None:
    assert settings_from([], {}, NO_OVERRIDES) == IndexSettings()


def test_every_option_is_read_from_a_file(tmp_path: Path) -> None:
    links = tmp_path / "my wheels"
    file = config(
        tmp_path,
        """
[global]
index-url = https://user:pass@host/simple/
extra-index-url =
    https://one/simple
    https://two/simple/
find-links = https://host/links.html
trusted-host = one
  two
cert = /etc/ca.pem
client_cert = /etc/me.pem
keyring-provider = subprocess
proxy = http://u:p@proxy:3128
timeout = 60
no-index = yes
[list]
index-url = https://not-for-install/simple
""",
    )
    overrides = IndexOverrides(find_links=(str(links),))
    assert settings_from([file], {}, overrides) == IndexSettings(
        index_url="https://user:pass@host/simple",
        extra_index_urls=("https://one/simple", "https://two/simple"),
        find_links=("https://host/links.html", links.as_uri()),
        no_index=True,
        trusted_hosts=("one", "two"),
        cert=str(Path("/etc/ca.pem")),
        client_cert=str(Path("/etc/me.pem")),
        keyring_provider="subprocess",
        proxy="http://u:p@proxy:3128",
        timeout=60.0,
    )


def test_install_beats_global_and_later_files_beat_earlier_ones(tmp_path: Path) -> None:
    machine = config(
        tmp_path,
        "[install]\nindex-url = https://install/simple\n[global]\ntimeout = 1\nno-index = 1\n",
        "machine",
    )
    user = config(
        tmp_path,
        "[global]\nindex-url = https://global/simple\ntimeout = 2\nno-index =\n",
        "user",
    )
    settings = settings_from([machine, user], {}, NO_OVERRIDES)
    assert settings == IndexSettings(index_url="https://install/simple", timeout=2.0)


def test_variables_beat_files_and_flags_beat_variables(tmp_path: Path) -> None:
    file = config(
        tmp_path,
        "[global]\nindex-url = https://file/simple\nextra-index-url = https://file-extra/simple\n"
        "find-links = https://file/links\n",
    )
    environ = {
        "PIP_INDEX_URL": "https://variable/simple",
        "PIP_EXTRA_INDEX_URL": "https://a/simple https://b/simple",
        "PIP_FIND_LINKS": "",
        "PIP_DEFAULT_TIMEOUT": "180",
        "PIP_NO_INDEX": "true",
        "PIP_TRUSTED_HOST": "a b",
        "PIP_KEYRING_PROVIDER": "disabled",
    }
    overrides = IndexOverrides(
        index_url="https://flag/simple",
        extra_index_urls=("https://b/simple", "https://c/simple"),
        no_index=False,
        trusted_hosts=("c",),
    )
    assert settings_from([file], environ, overrides) == IndexSettings(
        index_url="https://flag/simple",
        extra_index_urls=("https://a/simple", "https://b/simple", "https://c/simple"),
        find_links=("https://file/links",),
        trusted_hosts=("a", "b", "c"),
        keyring_provider="disabled",
        timeout=180.0,
    )


@pytest.mark.parametrize(
    ("environ", "cert"),
    [
        ({"PIP_CERT": "/pip.pem", "REQUESTS_CA_BUNDLE": "/requests.pem"}, "/pip.pem"),
        ({"REQUESTS_CA_BUNDLE": "/requests.pem", "CURL_CA_BUNDLE": "/curl.pem"}, "/requests.pem"),
        ({"CURL_CA_BUNDLE": "/curl.pem"}, "/curl.pem"),
    ],
)
def test_certificates_come_from_where_pip_takes_them(environ: dict[str, str], cert: str) -> None:
    assert settings_from([], environ, NO_OVERRIDES).cert == str(Path(cert))


def test_an_index_may_be_the_path_of_a_folder(tmp_path: Path) -> None:
    overrides = IndexOverrides(index_url=str(tmp_path))
    assert settings_from([], {}, overrides).index_url == tmp_path.resolve().as_uri()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "index-url = https://u:p@host/simple\n",
            (
                "{file}: not a pip configuration file: File contains no section headers."
                " file: {quoted}, line: 1 'index-url = https://****@host/simple\\n'"
            ),
        ),
        (
            "[global]\ntimeout = 1\ntimeout = 2\n",
            (
                "{file}: not a pip configuration file: While reading from {quoted} [line 3]:"
                " option 'timeout' in section 'global' already exists"
            ),
        ),
        (
            "[global]\ntimeout = soon\n",
            "{file} [global] timeout: 'soon' is not a number of seconds",
        ),
        (
            "[global]\nno-index = maybe\n",
            "{file} [global] no-index: 'maybe' is neither true nor false",
        ),
        (
            "[install]\nkeyring-provider = bob\n",
            (
                "{file} [install] keyring-provider: 'bob' is not a keyring provider;"
                " pip knows auto, disabled, import, subprocess"
            ),
        ),
    ],
)
def test_a_malformed_file_is_named_with_its_fault(tmp_path: Path, text: str, message: str) -> None:
    file = config(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        settings_from([file], {}, NO_OVERRIDES)
    expected = message.replace("{file}", str(file)).replace("{quoted}", repr(str(file)))
    assert caught.value.message == expected


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_bytes(b"[global]\nproxy = \xff\n")
    with pytest.raises(UsageError) as caught:
        settings_from([file], {}, NO_OVERRIDES)
    assert caught.value.message == f"{file}: not UTF-8 text (byte 17 is 0xff)"


def test_a_malformed_variable_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        settings_from([], {"PIP_DEFAULT_TIMEOUT": "x"}, NO_OVERRIDES)
    assert caught.value.message == "PIP_DEFAULT_TIMEOUT: the value is not a number of seconds"


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="the folders of Linux")
def test_the_files_are_those_of_pip_weakest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", f"{tmp_path}/xdg1:{tmp_path}/xdg2")
    assert config_files({"VIRTUAL_ENV": str(tmp_path / "venv")}) == (
        tmp_path / "xdg1/pip/pip.conf",
        tmp_path / "xdg2/pip/pip.conf",
        Path("/etc/pip.conf"),
        tmp_path / ".pip/pip.conf",
        tmp_path / "home/pip/pip.conf",
        tmp_path / "venv/pip.conf",
    )


def test_the_null_device_turns_all_files_off() -> None:
    assert config_files({"PIP_CONFIG_FILE": os.devnull}) == ()
    assert load_settings({"PIP_CONFIG_FILE": os.devnull}) == IndexSettings()


def test_a_named_file_takes_the_place_of_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    named = config(tmp_path, "[global]\nindex-url = https://named/simple\n")
    files = config_files({"PIP_CONFIG_FILE": str(named)})
    assert files[-1] == named
    assert not any(file.is_relative_to(tmp_path) for file in files[:-1])
    missing = config_files({"PIP_CONFIG_FILE": str(tmp_path / "missing")})
    assert any(file.is_relative_to(tmp_path) for file in missing[:-1])


def test_the_settings_are_those_of_the_named_file(tmp_path: Path) -> None:
    named = config(tmp_path, "[global]\nindex-url = https://named/simple\n")
    assert load_settings({"PIP_CONFIG_FILE": str(named)}).index_url == "https://named/simple"
