"""An environment's folder is replaced whole, or is again what it was."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from envlock.environment.place import made_by_envlock
from envlock.errors import UsageError, WorkError
from envlock.progress import Silent
from support.places import fresh_environment

QUIET = Silent()


class Notes(Silent):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


def build(folder: Path, content: str, *, force: bool = False) -> None:
    with fresh_environment(folder, QUIET, force=force) as place:
        put(place.folder, content)


def put(folder: Path, content: str) -> None:
    """Put what every environment has into a folder."""
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    (folder / "bin" / "python").write_text(content)


def make(folder: Path, content: str = "") -> None:
    """Make what another tool would."""
    put(folder, content)
    (folder / "pyvenv.cfg").touch()


def content(folder: Path) -> str:
    return (folder / "bin" / "python").read_text()


def fail(folder: Path, *, keep: bool = False, progress: Silent = QUIET) -> None:
    with (
        suppress(KeyboardInterrupt),
        fresh_environment(folder, progress, force=True, keep=keep) as place,
    ):
        put(place.folder, "half")
        raise KeyboardInterrupt


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "cache")


def test_a_new_environment_is_marked_as_envlocks(tmp_path: Path) -> None:
    build(tmp_path / ".venv", "new")
    assert made_by_envlock(tmp_path / ".venv")
    assert names(tmp_path) == [".venv"]


def test_what_envlock_made_is_replaced_whole(tmp_path: Path) -> None:
    build(tmp_path / ".venv", "old")
    (tmp_path / ".venv" / "lib").mkdir()
    build(tmp_path / ".venv", "new")
    assert names(tmp_path / ".venv") == ["bin", "envlock.json"]
    assert content(tmp_path / ".venv") == "new"
    assert names(tmp_path) == [".venv"]


def test_the_environment_of_another_tool_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / ".venv"
    make(folder)
    with pytest.raises(UsageError) as caught:
        build(folder, "new")
    assert caught.value.message == (
        f"{folder} is an environment that envlock did not make; it is left as it is"
    )
    assert caught.value.remedies == (
        "--env OTHER",
        f"--force  # deletes {folder}: 2 files",
    )
    assert names(folder) == ["bin", "pyvenv.cfg"]


def test_a_folder_with_other_files_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "thesis.tex").touch()
    with pytest.raises(UsageError) as caught:
        build(folder, "new")
    assert caught.value.message == (
        f"{folder} is a folder with 1 file that no environment has: thesis.tex; it is left as it is"
    )
    assert names(folder) == ["thesis.tex"]


def test_a_file_in_the_place_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".venv").write_text("mine")
    with pytest.raises(UsageError) as caught:
        build(tmp_path / ".venv", "new")
    assert caught.value.message == f"{tmp_path / '.venv'} is a file, not a folder"
    assert (tmp_path / ".venv").read_text() == "mine"


def test_force_replaces_the_environment_of_another_tool(tmp_path: Path) -> None:
    make(tmp_path / ".venv")
    build(tmp_path / ".venv", "new", force=True)
    assert names(tmp_path / ".venv") == ["bin", "envlock.json"]
    assert names(tmp_path) == [".venv"]


@pytest.mark.parametrize("owner", ["envlock", "another tool"])
def test_a_failure_brings_the_old_environment_back(tmp_path: Path, owner: str) -> None:
    folder = tmp_path / ".venv"
    if owner == "envlock":
        build(folder, "old")
    else:
        make(folder, "old")
    before = names(folder)
    fail(folder)
    assert names(folder) == before
    assert content(folder) == "old"
    assert names(tmp_path) == [".venv"]


def test_a_failure_leaves_nothing_where_nothing_was(tmp_path: Path) -> None:
    fail(tmp_path / "new" / "deep" / ".venv")
    assert names(tmp_path) == []


def test_a_failure_leaves_an_empty_folder_empty(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    fail(tmp_path / ".venv")
    assert names(tmp_path / ".venv") == []


def test_a_failed_environment_is_kept_beside_when_asked(tmp_path: Path) -> None:
    build(tmp_path / ".venv", "old")
    for _ in range(2):
        notes = Notes()
        fail(tmp_path / ".venv", keep=True, progress=notes)
        assert notes.told == [f"the failed environment is kept in {tmp_path / '.venv.failed'}"]
        assert content(tmp_path / ".venv.failed") == "half"
        assert content(tmp_path / ".venv") == "old"
        assert names(tmp_path) == [".venv", ".venv.failed"]


def test_a_marker_that_a_kill_left_half_written_is_no_content(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".envlock.json.x1y2").touch()
    build(tmp_path / ".venv", "new")
    assert content(tmp_path / ".venv") == "new"


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / ".venv"
    try:
        link.symlink_to(tmp_path / "real", target_is_directory=True)
    except OSError:
        pytest.skip("links need a privilege here")
    build(link, "new")
    build(link, "newer")
    assert link.is_symlink()
    assert content(tmp_path / "real") == "newer"


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="root may write anywhere")
def test_a_read_only_place_is_told_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "sealed").mkdir(mode=0o500)
    with pytest.raises(WorkError) as caught:
        build(tmp_path / "sealed" / ".venv", "new")
    assert caught.value.message == (
        f"cannot make the folder {tmp_path / 'sealed' / '.venv'}: Permission denied"
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", "envlock", "3"])
def test_another_file_of_that_name_is_no_mark(tmp_path: Path, text: str) -> None:
    (tmp_path / "envlock.json").write_text(text)
    assert not made_by_envlock(tmp_path)
