"""A lock says which release it fell back to, what holds a newer one, and what would free it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.distributions import build_wheel
from support.program import Done, Program
from support.simple_index import SimpleIndex

OLD, NEW, FRAMEWORK = "2022-12-03", "2024-02-01", "2026-03-06"


class Shelf:
    """The index of a test with days: TensorFlow 2.21 of 2026, what is added, each of its day."""

    def __init__(self, folder: Path) -> None:
        self.index = SimpleIndex(folder, max_age=0)
        self.index.upload_times = {}
        self.add("tensorflow", "2.15.1", NEW)
        self.add("tensorflow", "2.21.0", FRAMEWORK)

    def add(
        self, name: str, version: str, day: str, *requires: str, tag: str = "py3-none-any"
    ) -> None:
        file = build_wheel(self.index.folder, name, version, requires=requires, tag=tag)
        self.index.upload_times = {**self.index.upload_times, file.name: f"{day}T12:00:00Z"}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    folder = tmp_path / "shelf"
    folder.mkdir()
    return Shelf(folder)


def locked(envlock: Program, shelf: Shelf, *words: str) -> Done:
    with shelf.index as index:
        done = envlock("lock", "tensorflow==2.21.0", *words, "-i", index.url, "--json")
    assert done.code == 0, done.err
    return done


def behind(done: Done) -> list[dict[str, Any]]:
    (part,) = done.data["parts"]
    found: list[dict[str, Any]] = part["behind"]
    return found


def test_a_rule_that_refuses_what_the_newer_release_needs_is_told_with_the_framework_that_frees(
    envlock: Program, shelf: Shelf
) -> None:
    shelf.add("tf-agents", "0.15.0", OLD, "tensorflow-probability")
    shelf.add("tf-agents", "0.19.0", NEW, "tensorflow-probability~=0.23.0")
    for version in ("0.23.0", "0.25.0"):
        shelf.add("tensorflow-probability", version, NEW)
    shelf.add("tf-keras", "2.21.0", FRAMEWORK)
    shelf.add("setuptools", "81.0.0", NEW)
    done = locked(envlock, shelf, "tf-agents")
    why = "0.19.0 needs tensorflow-probability~=0.23.0, which rule tfp-tf-floor refuses here"
    assert behind(done) == [
        {
            "name": "tf-agents",
            "version": "0.15.0",
            "uploaded": OLD,
            "newest": "0.19.0",
            "newest_uploaded": NEW,
            "holding": [{"why": why, "frees": "tensorflow==2.15.1"}],
        }
    ]
    note = f"tf-agents is 0.15.0 of {OLD}, not 0.19.0 of {NEW}: {why} (tensorflow==2.15.1 frees it)"
    assert note in done.data["notes"]
    assert f"# note: {note}" in (envlock.here / "requirements.txt").read_text()


def test_a_release_for_another_python_is_told_with_that_python(
    envlock: Program, shelf: Shelf
) -> None:
    shelf.add("acme", "1.0", OLD)
    shelf.add("acme", "2.0", NEW, tag="cp39-cp39-manylinux2014_x86_64")
    (found,) = behind(locked(envlock, shelf, "acme"))
    (held,) = found["holding"]
    assert (found["newest"], held["frees"]) == ("2.0", "--python 3.9")
    assert held["why"].startswith("2.0 has no file for Python 3.")


def test_what_another_package_needs_is_told(envlock: Program, shelf: Shelf) -> None:
    shelf.add("acme", "1.0", OLD)
    shelf.add("acme", "2.0", NEW)
    shelf.add("beta", "1.0", NEW, "acme<2")
    (found,) = behind(locked(envlock, shelf, "acme", "beta"))
    assert found["holding"] == [{"why": "beta 1.0 needs acme<2", "frees": ""}]


@pytest.mark.parametrize("words", [("acme==1.0",), ("acme<2",), ("old",), ("beta",)])
def test_nothing_is_told_of_what_was_asked_for_so_is_the_newest_or_came_along(
    envlock: Program, shelf: Shelf, words: tuple[str, ...]
) -> None:
    shelf.add("acme", "1.0", OLD)
    shelf.add("acme", "2.0", NEW)
    shelf.add("old", "1.0", OLD)
    shelf.add("beta", "1.0", NEW, "acme<2")
    done = locked(envlock, shelf, *words)
    assert behind(done) == []
    assert not any(" of 2022" in each for each in done.data["notes"])
