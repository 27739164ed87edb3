"""Metadata that is broken, old or elsewhere is told in a note, and nothing else happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.version import Version

from envlock.environment.records import read_site, rows
from envlock.environment.state import examine_environment
from support.prefixes import make_venv, put


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_venv(tmp_path / "env")


def no_record(info: Path) -> None:
    (info / "RECORD").unlink()


def record_in_latin_1(info: Path) -> None:
    (info / "RECORD").write_bytes(b"b\xf6se.py,,\n")


def record_that_is_a_folder(info: Path) -> None:
    (info / "RECORD").unlink()
    (info / "RECORD").mkdir()


def no_installer(info: Path) -> None:
    (info / "INSTALLER").unlink()


def installed_by_debian(info: Path) -> None:
    (info / "INSTALLER").write_text("debian\n")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (no_record, "no RECORD"),
        (record_in_latin_1, "RECORD is not UTF-8 text"),
        (record_that_is_a_folder, "RECORD cannot be read: it is a folder, not a file"),
        (no_installer, "installed by a tool that does not say so"),
        (installed_by_debian, "installed by debian"),
    ],
)
def test_files_without_a_record_to_trust_are_not_compared(
    site: Path, spoil: Callable[[Path], None], why: str
) -> None:
    spoil(put(site, "demo", "1.0"))
    (site / "demo.py").unlink()
    found = examine_environment(site.parents[2])
    assert found.examined.packages == {"demo": Version("1.0")}
    assert found.examined.notes == (f"{site}: demo: {why}, so no file is compared",)
    assert found.findings == ()


def test_of_many_packages_without_a_record_a_few_are_named(site: Path) -> None:
    for name in "abcdefgh":
        no_record(put(site, name, "1.0"))
    assert examine_environment(site.parents[2]).examined.notes == (
        f"{site}: a, b, c, d, e and 3 more: no RECORD, so no file is compared",
    )


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ("Metadata-Version: 2.1\nName: demo\n", "has no Name or no Version"),
        ("Metadata-Version: 2.1\nName: demo\n\nVersion: 1.0\n", "has no Name or no Version"),
        ("Name: demo\nVersion: 2004d?\n", "'2004d?' is no version of PEP 440"),
        ("", "has no Name or no Version"),
        (None, "cannot be read"),
    ],
)
def test_a_package_without_name_or_version_is_left_out(
    site: Path, metadata: str | None, why: str
) -> None:
    file = put(site, "demo", "1.0") / "METADATA"
    if metadata is None:
        file.unlink()
    else:
        file.write_text(metadata)
    found = examine_environment(site.parents[2])
    assert found.examined.packages == {}
    (note,) = found.examined.notes
    assert note.startswith(f"{file}: {why}, so this package is left out")


def test_headers_are_read_whatever_their_line_ends_case_and_length(site: Path) -> None:
    file = put(site, "demo", "1.0") / "METADATA"
    licence = "License: MIT\r\n" + "        word\r\n        \r\n" * 500
    file.write_bytes(
        b"name: Demo.Thing\r\nVERSION: 1.0\r\n" + licence.encode() + b"Requires-Dist: other>=2\r\n"
        b"Author: J\xf6rg\r\n\r\nRequires-Dist: not-this\r\n"
    )
    (read,) = read_site(site).distributions
    assert (read.name, read.version, read.requires) == ("demo-thing", Version("1.0"), ("other>=2",))


def test_an_editable_install_is_a_note(site: Path) -> None:
    info = put(site, "demo", "1.0", files={"__editable__.demo-1.0.pth": "/src/demo\n"})
    (info / "direct_url.json").write_text(
        '{"url": "file:///src/demo", "dir_info": {"editable": true}}'
    )
    found = examine_environment(site.parents[2])
    assert found.examined.packages == {"demo": Version("1.0")}
    assert found.examined.notes == (
        f"{info}: demo 1.0 is an editable install, so its code is elsewhere",
    )
    assert found.findings == ()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": "https://example.org/demo.whl"}'])
def test_a_direct_url_that_is_no_checkout_means_nothing(site: Path, text: str) -> None:
    info = put(site, "demo", "1.0")
    (info / "direct_url.json").write_text(text)
    assert examine_environment(site.parents[2]).examined.notes == ()


def test_an_egg_link_leads_to_the_metadata_of_its_checkout(site: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "demo.egg-info").mkdir(parents=True)
    (checkout / "demo.egg-info/PKG-INFO").write_text("Name: demo\nVersion: 3.0\n")
    (site / "demo.egg-link").write_text(f"{checkout}\n.")
    found = examine_environment(site.parents[2]).examined
    assert found.packages == {"demo": Version("3.0")}
    assert found.notes == (
        f"{site / 'demo.egg-link'}: demo 3.0 is an editable install, so its code is elsewhere",
    )


def test_an_egg_link_to_nowhere_is_a_note(site: Path, tmp_path: Path) -> None:
    (site / "demo.egg-link").write_text(f"{tmp_path / 'gone'}\n.")
    found = examine_environment(site.parents[2]).examined
    assert (found.packages, len(found.notes)) == ({}, 1)


def test_the_eggs_of_a_distribution_are_read(site: Path) -> None:
    (site / "one-1.0.egg-info").write_text("Name: one\nVersion: 1.0\n")
    (site / "two-2.0-py3.11.egg-info").mkdir()
    (site / "two-2.0-py3.11.egg-info/PKG-INFO").write_text("Name: two\nVersion: 2.0\n")
    found = examine_environment(site.parents[2]).examined
    assert found.packages == {"one": Version("1.0"), "two": Version("2.0")}
    assert found.notes == (f"{site}: one and two: no RECORD, so no file is compared",)


def test_lines_of_a_record_that_are_none_are_left_out(site: Path) -> None:
    info = put(site, "demo", "1.0")
    with (info / "RECORD").open("a") as record:
        record.write("\nno commas\n/etc/passwd2,sha256=x,1\n../../../bin/demo,sha256=x,1\n")
        record.write('C:/Windows/demo.dll,sha256=x,1\n"demo,data.json",,\n')
    (site / "demo,data.json").touch()
    assert examine_environment(site.parents[2]).findings == ()


def test_an_environment_without_packages_is_complete_and_empty(site: Path) -> None:
    found = examine_environment(site.parents[2])
    assert found.findings == ()
    assert found.examined.complete
    assert found.examined.packages == {}


def test_a_path_that_no_system_opens_is_no_line_of_a_record() -> None:
    """What is asked of each folder above it would take a time that grows as its square."""
    longest = "a/" * 2047 + "bc"
    assert [*rows(f"{longest}.py,sha256=x,1\n{longest},,\n{'a/' * 50_000}b,,\n")] == [
        (longest.rpartition("/")[0], "bc", "", "")
    ]
