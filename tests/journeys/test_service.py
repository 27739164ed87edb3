"""A day with a service: pyproject.toml, locks for three platforms, a review, CI."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml

from support.framework import its_python
from support.simple_index import SimpleIndex, build_wheel
from support.terminal import Terminal

ROOT = Path(__file__).parents[2]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
PLATFORMS = ("linux-x86_64", "macos-arm64", "windows-x86_64")
PROJECT = """\
[project]
name = "scorer"
version = "1.0"
requires-python = ">=3.10"
dependencies = ["tensorflow==2.15.1", "fastapi<0.110"]

[tool.envlock]
python = "3.11"
engine = "uv"
platform = ["linux-x86_64", "macos-arm64", "windows-x86_64"]
format = ["requirements", "pylock"]
"""
GIT = "git -c user.name=a -c user.email=a@b.example -c commit.gpgsign=false"


@pytest.fixture
def service(terminal: Terminal, index: SimpleIndex) -> Terminal:
    """The service, locked for all its platforms and committed."""
    for version, starlette in (("0.109.2", "<0.37"), ("0.165.0", ">=1")):
        build_wheel(index.folder, "fastapi", version, requires=[f"starlette{starlette}"])
    for version in ("0.36.3", "1.10.0"):
        build_wheel(index.folder, "starlette", version)
    (terminal.program.here / "pyproject.toml").write_text(PROJECT)
    said = terminal.types("envlock lock")
    assert "request from pyproject.toml" in said
    assert all(f"requirements.{each}.txt" in said for each in PLATFORMS)
    terminal.types(
        f"git init --quiet && git add --all && {GIT} commit --quiet -m all && git tag start"
    )
    assert "the lock is current" in terminal.types("envlock lock --check")
    return terminal


def rewrite(terminal: Terminal, name: str, old: str, new: str) -> None:
    path = terminal.program.here / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_bound_is_lifted_the_package_upgraded_and_the_change_reviewed(service: Terminal) -> None:
    rewrite(service, "pyproject.toml", "fastapi<0.110", "fastapi")
    said = service.types("envlock lock --check", code=1)
    assert "fastapi<0.110" in said
    assert "h5py was" not in said
    service.types("envlock lock -P fastapi")
    said = service.types("envlock diff HEAD", code=1)
    assert re.search(r"fastapi \[linux-x86_64\] +0\.109\.2 → 0\.165\.0", said)
    assert re.search(r"starlette \[windows-x86_64\] +0\.36\.3 → 1\.10\.0", said)
    assert "numpy" not in said
    assert "the lock is current" in service.types("envlock lock --check")
    service.types("envlock lock -P nosuch", code=2)


def test_what_a_stale_lock_says_to_type_brings_it_up_to_date(service: Terminal) -> None:
    rewrite(service, "pyproject.toml", "2.15.1", '2.15.1", "h5py<3.11')
    assert "h5py<3.11" in service.types("envlock lock --check", code=1)
    service.follows()
    assert "the lock is current" in service.types("envlock lock --check")


@pytest.mark.parametrize(
    ("old", "new"),
    [("fastapi==0.109.2", "fastapi==0.109.1"), (r"hash=sha256:\w{4}", "hash=sha256:0000")],
    ids=["a pin", "a hash"],
)
def test_a_lock_that_was_edited_is_found_and_made_again(
    service: Terminal, old: str, new: str
) -> None:
    lock = service.program.here / "requirements.linux-x86_64.txt"
    good = lock.read_text()
    lock.write_text(re.sub(old, new, good, count=1))
    assert "is not what envlock wrote here" in service.types("envlock lock --check", code=1)
    service.follows()
    assert lock.read_text() == good


def test_a_merge_that_left_its_markers_says_the_way_out(service: Terminal) -> None:
    for branch, bound in (("mate", "fastapi"), ("main", "fastapi<0.111")):
        service.types(f"git checkout --quiet -B {branch} start")
        rewrite(service, "pyproject.toml", "fastapi<0.110", bound)
        service.types("envlock lock -P fastapi")
        service.types(f"{GIT} commit --quiet -am {branch}")
    service.types(f"{GIT} merge --quiet mate", code=1)
    service.types("git checkout --quiet --theirs pyproject.toml")
    assert "a merge left both versions here" in service.types("envlock lock --check", code=2)
    service.follows()
    assert "the lock is current" in service.types("envlock lock --check")


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_needs_no_words_in_a_project(service: Terminal, hook: dict[str, str]) -> None:
    service.types(hook["entry"])
    assert service.types("git status --short") == ""


def test_the_action_without_words_checks_the_project(service: Terminal) -> None:
    work = [step for step in ACTION["runs"]["steps"] if "run" in step][-1]
    args = ACTION["inputs"]["args"]["default"]
    assert "the lock is current" in service.types(f"envlock {args}")
    assert "ARGS" in work["env"]


def test_a_mate_makes_the_same_environment(service: Terminal) -> None:
    service.types("envlock sync requirements.linux-x86_64.txt")
    service.follows()
    assert "the lock is current" in service.types("envlock lock --check -q")


@pytest.mark.e2e
@pytest.mark.network
@pytest.mark.nightly
@pytest.mark.skipif(sys.platform != "linux", reason="the lock of Linux is built")
def test_a_real_service_is_locked_for_three_platforms_and_built_on_one(real: Terminal) -> None:
    its_python()
    text = f'{PROJECT}accelerator = "cpu"\n'
    (real.program.here / "pyproject.toml").write_text(text)
    real.types("envlock lock")
    assert "the lock is current" in real.types("envlock lock --check")
    real.types("envlock sync requirements.linux-x86_64.txt")
    assert "verified" in real.follows()
    assert "is equal to" in real.types("envlock sync requirements.linux-x86_64.txt --check")
    rewrite(real, "pyproject.toml", "fastapi<0.110", "fastapi")
    assert "fastapi" in real.types("envlock lock --check", code=1)
    said = real.types("envlock lock -P fastapi")
    assert "written" in said
