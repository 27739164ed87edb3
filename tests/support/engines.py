"""Both engines, with caches of their own, for tests that run them."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from envlock.choices import EngineName
from envlock.engine import ENGINES, Answer, Problem, Solution
from envlock.model import IndexSettings
from envlock.progress import Silent
from support.scenarios import goal
from support.simple_index import SimpleIndex, build_wheel

#: As parameters: pip-tools is installed, once a session, from the machine's own index.
ENGINE_NAMES: list[Any] = [
    pytest.param(EngineName.UV, id="uv"),
    pytest.param(EngineName.PIPTOOLS, id="pip-tools", marks=pytest.mark.network),
]


def use_own_caches(monkeypatch: pytest.MonkeyPatch, factory: pytest.TempPathFactory) -> Path:
    """Keep envlock, uv and pip out of the user's caches; one folder serves the whole session."""
    folder = factory.getbasetemp() / "caches"
    for variable, name in (
        ("ENVLOCK_CACHE_DIR", "envlock"),
        ("UV_CACHE_DIR", "uv"),
        ("XDG_CACHE_HOME", "other"),
    ):
        monkeypatch.setenv(variable, str(folder / name))
    return folder


def use_fresh_caches(monkeypatch: pytest.MonkeyPatch, factory: pytest.TempPathFactory) -> None:
    """The same without what was read of an index: another one may have the port of a former."""
    folder = use_own_caches(monkeypatch, factory)
    rmtree(folder / "uv", ignore_errors=True)
    for each in (folder / "envlock").glob("*"):
        if each.name != "helpers":
            rmtree(each, ignore_errors=True)


def small_index(folder: Path) -> Path:
    """Put demo, which needs other, and third, which needs an old one, into a folder."""
    build_wheel(folder, "demo", "1.0", requires=["other"])
    build_wheel(folder, "demo", "2.0", requires=["other>=2"])
    build_wheel(folder, "other", "1.0")
    build_wheel(folder, "other", "2.0")
    build_wheel(folder, "third", "1.0", requires=["other<2"])
    return folder


def problem(index: SimpleIndex | None, *requirements: str, **more: Any) -> Problem:
    """Return what an engine is asked on the running Python; without an index on none."""
    url = index.url if index is not None else "http://127.0.0.1:9/simple"
    known = {"constraints": (), "settings": IndexSettings(index_url=url), "target": goal(), **more}
    return Problem(requirements=requirements, **known)


def solve(engine: EngineName, asked: Problem) -> Answer:
    """Run an engine for real."""
    return ENGINES[engine]().solve(asked, Silent())


def pins(answer: Answer) -> dict[str, str]:
    """Return the versions of an answer that must be a solution."""
    assert isinstance(answer, Solution), answer
    return {package.name: str(package.version) for package in answer.packages}
