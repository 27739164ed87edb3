"""What the engines' programs are told: arguments without secrets, files, and old Pythons' needs."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.engine import Problem, piptools, uv
from envlock.engine.interface import collect, lay_out
from envlock.engine.piptools import NEWEST, PINS
from envlock.model import IndexSettings
from support.rules import TARGET

SECRETIVE = IndexSettings(
    index_url="https://user:hunter2@one.example/simple",
    extra_index_urls=("https://token-hunter2@two.example/simple",),
    find_links=("https://user:hunter2@three.example/links",),
    proxy="http://user:hunter2@proxy.example",
)


def problem(**more: Any) -> Problem:
    known: dict[str, Any] = {"target": TARGET, "settings": SECRETIVE, **more}
    return Problem(requirements=("demo[fast]",), constraints=("other<2",), **known)


@pytest.mark.parametrize(
    "options", [uv.arguments, lambda problem: piptools.arguments(problem, Path("scratch"))]
)
def test_no_argument_holds_a_credential(options: Any) -> None:
    words = options(problem(wheels_only=("h5py",), exclude_newer=datetime(2026, 1, 1, tzinfo=UTC)))
    assert not [word for word in map(str, words) if "hunter2" in word or "example" in word]


def test_uv_resolves_for_the_interpreter_and_without_an_index_when_told() -> None:
    asked = problem(target=replace(TARGET, interpreter=Path("/opt/python")), wheels_only=("h5py",))
    words = list(map(str, uv.arguments(asked)))
    assert words[-4:] == ["--python", str(Path("/opt/python")), "--only-binary", "h5py"]
    assert "--no-index" not in words
    nowhere = list(map(str, uv.arguments(problem())))
    assert nowhere[-6:] == [
        *("--python", sys.executable),
        *("--python-version", "3.11.7"),
        *("--python-platform", "x86_64-manylinux_2_36"),
    ]
    assert "--no-index" in uv.arguments(problem(settings=replace(SECRETIVE, no_index=True)))


@pytest.mark.parametrize(("python", "backtracks"), [("3.6.15", False), ("3.7.16", True)])
def test_pip_tools_backtracks_where_it_can(
    tmp_path: Path, *, python: str, backtracks: bool
) -> None:
    options = piptools.arguments(problem(target=replace(TARGET, python=Version(python))), tmp_path)
    assert ("--resolver=backtracking" in options) is backtracks


def test_pip_tools_keeps_nothing_where_nothing_is_to_be_kept(tmp_path: Path) -> None:
    settings = replace(SECRETIVE, no_cache=True)
    assert f"--cache-dir={tmp_path / 'cache'}" in piptools.arguments(
        problem(settings=settings), tmp_path
    )
    assert f"--cache-dir={tmp_path / 'cache'}" not in piptools.arguments(problem(), tmp_path)


@pytest.mark.parametrize("pins", [*PINS.values(), NEWEST])
def test_a_helper_is_pinned_with_its_pip(pins: tuple[str, ...]) -> None:
    assert all("==" in pin for pin in pins)
    assert {pin.partition("==")[0] for pin in pins} >= {"pip", "pip-tools"}


def test_a_problem_is_laid_out_with_its_preferences_as_the_answer(tmp_path: Path) -> None:
    preferences = {canonicalize_name(n): Version(v) for n, v in {"z": "2", "a": "1.0"}.items()}
    files = lay_out(problem(preferences=preferences), tmp_path)
    assert files.requirements.read_text() == "-c constraints.txt\ndemo[fast]\n"
    assert files.constraints.read_text() == "other<2\n"
    assert files.answer.read_text() == "a==1.0\nz==2\n"


def test_an_answer_is_collected_with_packages_and_not_files_as_who_asked(tmp_path: Path) -> None:
    files = lay_out(problem(), tmp_path)
    files.answer.write_text(
        "demo==1.0\n    # via -r requirements.in\n"
        "other==1.9\n    # via\n    #   -c constraints.txt\n    #   demo\n"
    )
    assert [(p.name, str(p.version), p.via) for p in collect(files).packages] == [
        ("demo", "1.0", ()),
        ("other", "1.9", ("demo",)),
    ]
