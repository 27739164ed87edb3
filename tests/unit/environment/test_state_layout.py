"""Which Python an environment has, and where that Python looks, by its files alone."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from packaging.version import Version

from envlock.environment.layout import built_for, read_layout
from envlock.environment.state import examine_environment
from envlock.model import Platform
from support.prefixes import add_conda_record, make_conda_prefix, make_prefix, make_venv, put

ELF = b"\x7fELF\x02\x01\x01" + bytes(9)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a user of its own, without variables for Python."""
    folder = tmp_path / "home"
    monkeypatch.setattr(Path, "home", lambda: folder)
    for name in ("PYTHONUSERBASE", "PYTHONNOUSERSITE", "LD_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def user(home: Path) -> Path:
    site = home / ".local/lib/python3.11/site-packages"
    site.mkdir(parents=True)
    return site


@pytest.mark.parametrize(
    ("config", "version"),
    [
        ("version = 3.11.7", "3.11.7"),
        ("version_info = 3.11.7", "3.11.7"),
        ("version_info = 3.11.7.final.0", "3.11.7"),
        ("Version = 3.13.0rc2", "3.13.0rc2"),
        ("version = 3.9", "3.9"),
        ("version = later", "3.11"),
        ("", "3.11"),
    ],
)
def test_a_virtual_environment_says_its_version(tmp_path: Path, config: str, version: str) -> None:
    make_venv(tmp_path / "env")
    (tmp_path / "env/pyvenv.cfg").write_text(f"home = /none\n{config}\n")
    assert read_layout(tmp_path / "env/bin/python").version == Version(version)


def test_a_conda_prefix_has_a_record_of_its_python(tmp_path: Path) -> None:
    make_conda_prefix(tmp_path)
    add_conda_record(tmp_path, "python-dateutil", "2.9.0")
    add_conda_record(tmp_path, "python_abi", "3.11")
    assert read_layout(tmp_path / "bin/python").version == Version("3.11.9")


@pytest.mark.parametrize("folder", ["include/python3.11", "include/python3.11m", "include"])
def test_the_headers_of_an_installation_tell_its_version(tmp_path: Path, folder: str) -> None:
    make_prefix(tmp_path)
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "patchlevel.h").write_text('#define PY_VERSION      "3.11.4+"\n')
    assert read_layout(tmp_path / "bin/python").version == Version("3.11.4")


def test_without_headers_the_name_of_the_program_tells_the_minor(tmp_path: Path) -> None:
    make_prefix(tmp_path)
    (tmp_path / "bin/python").rename(tmp_path / "bin/python3.12")
    (tmp_path / "bin/python3").symlink_to("python3.12")
    assert read_layout(tmp_path / "bin/python3").version == Version("3.12")


def test_on_windows_the_library_tells_the_minor(tmp_path: Path) -> None:
    site = make_conda_prefix(tmp_path, windows=True)
    (tmp_path / "conda-meta/python-3.11.9-h1234567_0.json").unlink()
    for name in ("python3.dll", "python311.dll"):
        (tmp_path / name).touch()
    layout = read_layout(tmp_path / "python.exe")
    assert (layout.version, layout.own) == (Version("3.11"), (site,))


def test_a_prefix_that_says_nothing_has_no_version_but_packages(tmp_path: Path) -> None:
    put(make_conda_prefix(tmp_path, windows=True), "demo", "1.0")
    (tmp_path / "conda-meta/python-3.11.9-h1234567_0.json").unlink()
    found = examine_environment(tmp_path).examined
    assert found.python is None
    assert found.packages == {"demo": Version("1.0")}
    assert found.notes == (f"{tmp_path}: no file tells the version of its Python",)


def test_a_program_linked_from_elsewhere_stands_for_where_its_library_is(tmp_path: Path) -> None:
    site = make_prefix(tmp_path / "opt")
    (tmp_path / "opt/lib/python3.11/os.py").touch()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(tmp_path / "opt/bin/python")
    layout = read_layout(tmp_path / "bin/python")
    assert (layout.prefix, layout.own) == (tmp_path / "opt", (site,))


def test_only_the_folder_of_its_own_python_counts(tmp_path: Path) -> None:
    site = make_venv(tmp_path)
    put(site, "demo", "1.0")
    put(tmp_path / "lib/python3.8/site-packages", "old", "1.0")
    assert examine_environment(tmp_path).examined.packages == {"demo": Version("1.0")}


def test_lib64_that_is_a_link_is_looked_at_once(tmp_path: Path) -> None:
    site = make_venv(tmp_path)
    (tmp_path / "lib64").symlink_to("lib")
    assert read_layout(tmp_path / "bin/python").own == (site,)


def test_debian_has_packages_in_two_folders_of_its_own_name(tmp_path: Path) -> None:
    make_prefix(tmp_path).rmdir()
    folders = (
        tmp_path / "local/lib/python3.11/dist-packages",
        tmp_path / "lib/python3/dist-packages",
    )
    for folder in folders:
        folder.mkdir(parents=True)
    (tmp_path / "bin/python").rename(tmp_path / "bin/python3.11")
    assert read_layout(tmp_path / "bin/python3.11").own == folders


@pytest.mark.parametrize(
    ("start", "platform"),
    [
        (ELF + b"\x02\x00\x3e\x00", "linux-x86_64"),
        (ELF + b"\x03\x00\xb7\x00", "linux-aarch64"),
        (b"MZ" + bytes(58) + struct.pack("<I4sH", 64, b"PE\0\0", 0x8664), "windows-x86_64"),
        (b"MZ" + bytes(58) + struct.pack("<I4sH", 64, b"PE\0\0", 0xAA64), "windows-arm64"),
        (b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01", "macos-arm64"),
        (b"\xcf\xfa\xed\xfe\x07\x00\x00\x01", "macos-x86_64"),
    ],
)
def test_the_first_bytes_of_a_program_tell_its_platform(
    tmp_path: Path, start: bytes, platform: str
) -> None:
    (tmp_path / "python").write_bytes(start)
    assert str(built_for(tmp_path / "python")) == platform


@pytest.mark.parametrize("start", [b"", b"#!/bin/sh\n", b"\xca\xfe\xba\xbe\x00\x00\x00\x02", ELF])
def test_a_program_that_does_not_tell_is_for_this_machine(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "python").write_bytes(start)
    here = built_for(tmp_path / "missing")
    assert built_for(tmp_path / "python") == here
    assert isinstance(here, Platform)


def test_a_plain_python_and_a_conda_prefix_search_the_user_site_first(
    tmp_path: Path, user: Path
) -> None:
    plain = make_prefix(tmp_path / "plain")
    conda = make_conda_prefix(tmp_path / "conda")
    assert read_layout(tmp_path / "plain/bin/python").path == (user, plain)
    assert read_layout(tmp_path / "conda/bin/python").path == (user, conda)


def test_a_closed_virtual_environment_searches_itself_alone(tmp_path: Path, user: Path) -> None:
    site = make_venv(tmp_path / "env")
    assert user.is_dir()
    assert read_layout(tmp_path / "env/bin/python").path == (site,)


def test_an_open_virtual_environment_comes_before_the_user_site_and_the_system(
    tmp_path: Path, user: Path
) -> None:
    base = make_prefix(tmp_path / "base")
    site = make_venv(tmp_path / "env", system=True, home=tmp_path / "base/bin")
    assert read_layout(tmp_path / "env/bin/python").path == (site, user, base)


def test_the_user_site_may_be_switched_off_here_or_in_conda(
    tmp_path: Path, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_conda_prefix(tmp_path / "conda")
    python = tmp_path / "conda/bin/python"
    assert read_layout(python).path == (user, site)
    state = tmp_path / "conda/conda-meta/state"
    state.write_text('{"env_vars": {"PYTHONNOUSERSITE": "1"}}')
    layout = read_layout(python)
    assert (layout.path, layout.variables["PYTHONNOUSERSITE"]) == ((site,), "1")
    state.unlink()
    monkeypatch.setenv("PYTHONNOUSERSITE", "1")
    assert read_layout(python).path == (site,)


def test_the_user_site_of_windows_is_in_the_roaming_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_conda_prefix(tmp_path / "conda", windows=True)
    program = tmp_path / "conda/python.exe"
    program.write_bytes(b"MZ" + bytes(58) + struct.pack("<I4sH", 64, b"PE\0\0", 0x8664))
    user = tmp_path / "Roaming/Python/Python311/site-packages"
    user.mkdir(parents=True)
    monkeypatch.setenv("APPDATA", str(tmp_path / "Roaming"))
    assert read_layout(program).path == (user, site)


def test_the_user_base_may_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = make_prefix(tmp_path / "plain")
    user = tmp_path / "mine/lib/python3.11/site-packages"
    user.mkdir(parents=True)
    monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path / "mine"))
    assert read_layout(tmp_path / "plain/bin/python").path == (user, site)


def test_variables_that_change_these_libraries_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_venv(tmp_path)
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    monkeypatch.setenv("MY_PASSWORD", "secret")
    variables = examine_environment(tmp_path).examined.variables
    assert variables["TF_USE_LEGACY_KERAS"] == "1"
    assert "MY_PASSWORD" not in variables
