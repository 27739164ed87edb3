from datetime import UTC, datetime

import pytest
from packaging.version import Version

from envlock.errors import IndexFailure
from envlock.index.filenames import admitted, project_of, releases, version_of
from envlock.model import DistributionFile


def file(
    filename: str, *, base: str = "https://host/files", uploaded: datetime | None = None
) -> DistributionFile:
    return DistributionFile(
        filename=filename, url=f"{base}/{filename}", hashes={}, upload_time=uploaded
    )


@pytest.mark.parametrize(
    ("filename", "project", "version"),
    [
        ("h5py-3.16.0-cp311-cp311-win_amd64.whl", "h5py", "3.16.0"),
        ("Opt_Einsum-3.4.0-py3-none-any.whl", "opt-einsum", "3.4.0"),
        ("demo-1.0-2build-py3-none-any.whl", "demo", "1.0"),
        ("torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl", "torch", "2.13.0+cpu"),
        ("opencv-python-headless-4.5.1.48.tar.gz", "opencv-python-headless", "4.5.1.48"),
        ("numpy-1.9.0rc1.zip", "numpy", "1.9rc1"),
        ("demo-2004b-dev.tar.bz2", "demo-2004b", None),
        ("demo-not.a.version.tar.gz", "demo", None),
        ("numpy-1.0.1.dev3460.win32-py2.4.exe", None, None),
        ("demo-1.0-py3.11.egg", None, None),
        ("demo.whl", None, None),
        ("README.html", None, None),
    ],
)
def test_project_and_version_are_read_from_the_file_name(
    filename: str, project: str | None, version: str | None
) -> None:
    assert project_of(filename) == project
    assert version_of(file(filename)) == (None if version is None else Version(version))


def test_files_are_grouped_by_version_newest_first() -> None:
    wheel, sdist = file("demo-1.9-py3-none-any.whl"), file("demo-1.9.0.tar.gz")
    newest, nameless = file("demo-1.10.tar.gz"), file("demo-x.tar.gz")
    grouped = releases([wheel, nameless, newest, sdist])
    assert list(grouped.items()) == [
        (Version("1.10"), (newest,)),
        (Version("1.9"), (wheel, sdist)),
    ]


NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
OLD = file("demo-1.0.tar.gz", uploaded=datetime(2024, 5, 1, 12, tzinfo=UTC))
NEW = file("demo-1.1.tar.gz", uploaded=datetime(2024, 5, 1, 12, 0, 1, tzinfo=UTC))
UNDATED = file("demo-1.2.tar.gz", base="https://u:p@host/files")
LOCAL = file("demo-1.3.tar.gz", base="file:///opt/wheels")


def test_without_a_date_every_file_is_admitted() -> None:
    assert admitted([OLD, NEW, UNDATED, LOCAL], None) == (OLD, NEW, UNDATED, LOCAL)


def test_a_date_admits_what_was_there_and_local_files() -> None:
    assert admitted([OLD, NEW, UNDATED, LOCAL], NOON) == (OLD, LOCAL)


def test_a_date_that_admits_nothing_is_no_error_where_uploads_are_dated() -> None:
    assert admitted([NEW], NOON) == ()
    assert admitted([], NOON) == ()


def test_a_date_cannot_be_held_where_no_upload_is_dated() -> None:
    with pytest.raises(IndexFailure) as caught:
        admitted([UNDATED], NOON)
    assert caught.value.message == (
        "https://****@host/files/demo-1.2.tar.gz has no upload time, so it cannot be told whether"
        " it was there on 2024-05-01T12:00:00+00:00: its index does not give upload times (PEP 700)"
    )
