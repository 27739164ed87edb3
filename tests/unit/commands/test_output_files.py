"""Which files a lock is written to."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.choices import Format
from envlock.cli.options import LockFileOptions, RequestOptions
from envlock.commands.lock.job import output_files
from envlock.errors import UsageError

CONDA = (
    Format.CONDA_LOCK,
    Format.PIXI,
    Format.EXPLICIT,
    Format.ENVIRONMENT,
    Format.REQUIREMENTS,
)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def names(
    *formats: Format, places: tuple[str, ...], output: str | None = None, read: str = "input.in"
) -> list[str]:
    files = LockFileOptions(format=formats, output=Path(output) if output else None)
    request = RequestOptions(requirement_file=(Path(read),))
    found = output_files(request, files, places, usual=Format.CONDA_LOCK, of_conda=True)
    return list(map(str, found))


def test_files_are_named_after_their_platforms_where_there_are_several() -> None:
    assert names(*CONDA, places=("linux-64", "osx-arm64")) == [
        "conda-lock.yml",
        "pixi.lock",
        "conda-linux-64.lock",
        "conda-osx-arm64.lock",
        "environment.linux-64.yml",
        "environment.osx-arm64.yml",
        "requirements.linux-64.txt",
        "requirements.osx-arm64.txt",
    ]


def test_a_lock_for_one_platform_has_plain_names() -> None:
    assert names(*CONDA, places=("linux-64",)) == [
        "conda-lock.yml",
        "pixi.lock",
        "conda-linux-64.lock",
        "environment.yml",
        "requirements.txt",
    ]


@pytest.mark.parametrize(
    ("kind", "read", "beside"),
    [
        (Format.ENVIRONMENT, "environment.yml", "environment.lock.yml"),
        (Format.REQUIREMENTS, "requirements.txt", "requirements.lock"),
    ],
)
def test_an_output_that_is_the_input_goes_beside_it(kind: Format, read: str, beside: str) -> None:
    assert names(kind, places=("linux-64",), read=read) == [beside]


def test_one_name_for_two_platforms_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        names(places=("linux-64", "osx-arm64"), output="conda.lock")
    assert caught.value.message == (
        "-o conda.lock names one file, and there is one for each platform"
    )


def test_the_input_is_not_written_over() -> None:
    with pytest.raises(UsageError) as caught:
        names(places=("linux-64",), output="x.yml", read="x.yml")
    assert caught.value.message == "x.yml is an input; the lock would overwrite it"
    assert caught.value.remedies == ("-o environment.lock.yml",)


def test_a_format_that_does_not_hold_what_is_locked_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        names(Format.PYLOCK, places=("linux-64",))
    assert caught.value.message == "conda packages have no place in the format pylock"
    plain = LockFileOptions(format=(Format.PIXI,))
    with pytest.raises(UsageError) as caught:
        output_files(RequestOptions(), plain, [""])
    assert caught.value.message == "--format pixi holds conda packages, and this request has none"
