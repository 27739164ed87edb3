from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.errors import EnvlockError
from envlock.formats.pylock import render
from envlock.model import DistributionFile, Lock, LockedPackage
from support.locks import REALISTIC, locked, with_packages

DIGEST = "ab" * 32


def file(
    filename: str, *, url: str = "https://host/demo", algorithm: str = "sha256"
) -> DistributionFile:
    return DistributionFile(filename=filename, url=url, hashes={algorithm: DIGEST})


def lock_of(*files: DistributionFile, platform: str = "linux-x86_64") -> Lock:
    package = LockedPackage(
        name=canonicalize_name("demo"),
        version=Version("1.0"),
        hashes=(f"sha256:{DIGEST}", f"sha512:{DIGEST}"),
        files=files,
    )
    part = replace(REALISTIC.part, pypi=(package,), platform=platform)
    return replace(REALISTIC, parts=(part,))


def document(lock: Lock) -> dict[str, Any]:
    return tomllib.loads(render(lock)[0])


def test_only_files_that_an_installer_reads_are_listed() -> None:
    lock = lock_of(
        file("demo-1.0-py3-none-any.whl"),
        file("demo-1.0-cp310-cp310-win_amd64.whl"),
        file("demo-1.0.zip"),
        file("demo-1.0.tar.gz"),
        file("demo-1.0.tar.bz2"),
        file("demo-1.0-py2.7.egg"),
        file("demo-1.0.win32.exe"),
        file("demo-1.0-bad.whl"),
        file("demo-1.1-py3-none-any.whl"),
        file("other-1.0-py3-none-any.whl"),
        file("demo-1.0-py2-none-any.whl", algorithm="md5"),
    )
    (package,) = document(lock)["packages"]
    assert [wheel["name"] for wheel in package["wheels"]] == [
        "demo-1.0-cp310-cp310-win_amd64.whl",
        "demo-1.0-py3-none-any.whl",
    ]
    assert package["sdist"]["name"] == "demo-1.0.tar.gz"


def test_a_file_shows_the_hashes_that_are_locked_and_no_others() -> None:
    both = replace(
        file("demo-1.0-py3-none-any.whl"),
        hashes={"sha512": DIGEST, "sha256": DIGEST, "sha384": DIGEST, "md5": "1"},
    )
    (package,) = document(lock_of(both))["packages"]
    assert package["wheels"][0]["hashes"] == {"sha256": DIGEST, "sha512": DIGEST}


@pytest.mark.parametrize(
    ("platform", "marker"),
    [
        ("linux-x86_64", 'platform_system == "Linux" and platform_machine == "x86_64"'),
        ("linux-aarch64", 'platform_system == "Linux" and platform_machine == "aarch64"'),
        ("macos-arm64", 'platform_system == "Darwin" and platform_machine == "arm64"'),
        ("windows-x86_64", 'platform_system == "Windows" and platform_machine == "AMD64"'),
        ("windows-arm64", 'platform_system == "Windows" and platform_machine == "ARM64"'),
    ],
)
def test_the_lock_is_for_its_platform_alone(platform: str, marker: str) -> None:
    lock = lock_of(file("demo-1.0.tar.gz"), platform=platform)
    assert document(lock)["environments"] == [marker]


def test_a_platform_without_a_marker_is_not_enforced() -> None:
    assert "environments" not in document(lock_of(file("demo-1.0.tar.gz"), platform="bsd-x86"))


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///opt/wheels/a%20b/demo-1.0.tar.gz", "/opt/wheels/a b/demo-1.0.tar.gz"),
        ("file://localhost/opt/demo-1.0.tar.gz", "/opt/demo-1.0.tar.gz"),
        ("file:///C:/wheels/demo-1.0.tar.gz", "C:/wheels/demo-1.0.tar.gz"),
        ("file://server/share/demo-1.0.tar.gz", "//server/share/demo-1.0.tar.gz"),
    ],
)
def test_a_local_file_is_a_path(url: str, path: str) -> None:
    (package,) = document(lock_of(file("demo-1.0.tar.gz", url=url)))["packages"]
    assert package["sdist"] == {
        "name": "demo-1.0.tar.gz",
        "path": path,
        "hashes": {"sha256": DIGEST},
    }


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://host/f/demo-1.0.tar.gz#sha256=00", "https://host/f/demo-1.0.tar.gz"),
        ("https://u:p@host:8080/f/demo-1.0.tar.gz", "https://host:8080/f/demo-1.0.tar.gz"),
        ("https://token@host/f/demo-1.0.tar.gz?v=2", "https://host/f/demo-1.0.tar.gz?v=2"),
        ("https://host/f/demo-1.0.tar.gz?v=2&token=s3cret", "https://host/f/demo-1.0.tar.gz?v=2"),
    ],
)
def test_a_file_address_holds_neither_credentials_nor_fragment(url: str, written: str) -> None:
    (package,) = document(lock_of(file("demo-1.0.tar.gz", url=url)))["packages"]
    assert package["sdist"]["url"] == written


def test_upload_times_are_written_in_utc() -> None:
    east = datetime(2022, 5, 24, 12, 0, tzinfo=timezone(timedelta(hours=3)))
    sdist = replace(file("demo-1.0.tar.gz"), upload_time=east)
    (package,) = document(lock_of(sdist))["packages"]
    assert package["sdist"]["upload-time"] == datetime(2022, 5, 24, 9, 0, tzinfo=UTC)
    assert "2022-05-24 09:00:00+00:00" in render(lock_of(sdist))[0]


def test_packages_without_known_files_are_all_named() -> None:
    bare = [locked("numpy", "1.0", (), via=()), locked("absl-py", "2.1", (), via=())]
    lock = with_packages(REALISTIC, [*REALISTIC.part.pypi, *bare])
    with pytest.raises(EnvlockError) as raised:
        render(lock)
    assert raised.value.message == (
        "pylock.toml names the files of every package, and no wheel or sdist with a hash is known "
        "for absl-py 2.1, numpy 1.0"
    )
    assert raised.value.remedies == ("write another format: --format requirements",)


def test_a_lock_of_nothing_is_valid() -> None:
    assert document(with_packages(REALISTIC, []))["packages"] == []
