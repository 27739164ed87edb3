from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from envlock.choices import Format
from envlock.formats.lock_rows import for_platform
from envlock.formats.registry import format_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("requirements.txt", Format.REQUIREMENTS),
        ("locks/gpu.txt", Format.REQUIREMENTS),
        ("Requirements.TXT", Format.REQUIREMENTS),
        ("pylock.toml", Format.PYLOCK),
        ("locks/pylock.gpu.toml", Format.PYLOCK),
        ("environment.yml", Format.ENVIRONMENT),
        ("environment.yaml", Format.ENVIRONMENT),
        ("pylock.a.b.toml", None),
        ("pylock..toml", None),
        ("Pylock.toml", Format.PYLOCK),
        ("mypylock.toml", None),
        ("pyproject.toml", None),
        ("requirements.in", None),
        ("conda-linux-64.lock", Format.EXPLICIT),
        ("conda.lock", Format.EXPLICIT),
        ("poetry.lock", None),
        ("conda-lock.yml", Format.CONDA_LOCK),
        ("gpu.conda-lock.yml", Format.CONDA_LOCK),
        ("pixi.lock", Format.PIXI),
        (".txt", None),
        ("requirements.txt/", Format.REQUIREMENTS),
    ],
)
def test_a_file_name_tells_the_format(name: str, kind: Format | None) -> None:
    assert format_of(PurePosixPath(name)) is kind


def test_a_line_in_a_file_tells_more_than_its_name() -> None:
    text = "# made by conda\n@EXPLICIT\nhttps://host/noarch/a-1-0.conda\n"
    assert format_of(PurePosixPath("spec-file.txt"), text) is Format.EXPLICIT
    assert format_of(PurePosixPath("spec-file.txt"), "a==1  # @EXPLICIT\n") is Format.REQUIREMENTS


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("requirements.txt", "requirements.linux-x86_64.txt"),
        ("requirements.lock", "requirements.linux-x86_64.lock"),
        ("pylock.toml", "pylock.linux-x86_64.toml"),
        ("pylock.prod.toml", "pylock.prod-linux-x86_64.toml"),
        ("envs/environment.yml", "envs/environment.linux-x86_64.yml"),
    ],
)
def test_a_lock_for_a_platform_is_named_after_it_and_known_again(name: str, named: str) -> None:
    path = for_platform(PurePosixPath(name), "linux-x86_64")
    assert str(path) == named
    assert format_of(path) is format_of(PurePosixPath(name))
