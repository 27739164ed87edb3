"""Commands are told as they work where they are told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from envlock.system import typed

SCRIPT = Path(sys.executable).with_name("envlock")


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    typed.own_program.cache_clear()
    yield
    typed.own_program.cache_clear()


def test_where_its_name_is_not_on_path_envlock_is_told_by_its_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert typed.as_typed("envlock lock") == f"{SCRIPT} lock"
    assert typed.as_typed("git add . && envlock lock") == f"git add . && {SCRIPT} lock"
    (tmp_path / "envlock").symlink_to(SCRIPT)
    typed.own_program.cache_clear()
    assert typed.as_typed("envlock lock") == "envlock lock"
    assert typed.as_typed("in envlock.txt, remove it") == "in envlock.txt, remove it"


def test_another_envlock_on_path_is_not_taken_for_this_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "envlock"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert typed.as_typed("envlock lock") == f"{SCRIPT} lock"


def test_without_a_script_its_python_starts_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "a b" / "python"))
    assert typed.own_program() == f"'{tmp_path}/a b/python' -m envlock"


@pytest.mark.parametrize("pip", [True, False])
def test_what_an_extra_names_is_installed_beside_envlock(
    monkeypatch: pytest.MonkeyPatch, *, pip: bool
) -> None:
    finder = SimpleNamespace(find_spec=lambda _: pip or None)
    monkeypatch.setattr("envlock.system.typed.PathFinder", finder)
    installer = "pip install" if pip else f"uv pip install --python {sys.executable}"
    assert typed.beside_envlock("conda") == (
        f"{sys.executable} -m {installer} 'py-rattler==0.28.*'"
    )


def test_its_uv_starts() -> None:
    done = subprocess.run([*typed.own_uv(), "--version"], capture_output=True, check=True)
    assert done.stdout.startswith(b"uv ")
