"""Which environment is meant, and what its metadata files say is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from envlock.environment.inspect import find_environment, installed, meant, prefix_of
from envlock.errors import UsageError
from envlock.progress import Silent

USUAL = Path(".venv")


def make_environment(folder: Path) -> Path:
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    return python


def put(site: Path, folder: str, file: str, text: str) -> None:
    (site / folder).mkdir(parents=True)
    (site / folder / file).write_text(text, encoding="utf-8")


class Notes(Silent):
    """What is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notes:
    monkeypatch.chdir(tmp_path)
    return Notes()


def test_the_environment_here_comes_before_the_active_one_which_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notes: Notes
) -> None:
    for name in ("one", "two", ".venv"):
        make_environment(tmp_path / name)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "one"))
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path / "two"))
    assert meant(USUAL, notes) == USUAL
    assert notes.told == [
        f".venv is meant, and not {tmp_path / 'one'}, which is active: name that if it is"
    ]
    assert meant(tmp_path / "two", Silent()) == tmp_path / "two"


def test_nothing_is_told_of_the_active_environment_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notes: Notes
) -> None:
    make_environment(tmp_path / ".venv")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / ".venv"))
    assert meant(USUAL, notes) == USUAL
    assert notes.told == []


def test_without_one_here_the_active_virtual_environment_comes_before_that_of_conda(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notes: Notes
) -> None:
    for name in ("one", "two"):
        make_environment(tmp_path / name)
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path / "two"))
    assert meant(USUAL, notes) == tmp_path / "two"
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "one"))
    assert meant(USUAL, notes) == tmp_path / "one"
    assert notes.told == []


def test_a_stale_variable_is_told_and_hides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notes: Notes
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "gone"))
    with pytest.raises(UsageError, match=r"there is no \.venv here"):
        meant(USUAL, notes)
    make_environment(tmp_path / "two")
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path / "two"))
    assert meant(USUAL, notes) == tmp_path / "two"
    make_environment(tmp_path / ".venv")
    assert meant(USUAL, notes) == USUAL
    assert notes.told == [f"VIRTUAL_ENV names {tmp_path / 'gone'}, which is not there"] * 3


def test_no_environment_at_all_says_what_to_type(notes: Notes) -> None:
    with pytest.raises(UsageError) as caught:
        meant(USUAL, notes)
    assert caught.value.message == (
        "there is no .venv here, and no environment is active (VIRTUAL_ENV, CONDA_PREFIX)"
    )
    assert caught.value.remedies == ("envlock create",)


def test_a_python_program_stands_for_its_environment(tmp_path: Path) -> None:
    python = make_environment(tmp_path)
    assert find_environment(python) == python
    assert prefix_of(python) == tmp_path


@pytest.mark.parametrize("program", ["Scripts/python.exe", "python.exe"])
def test_the_layouts_of_windows_are_known(tmp_path: Path, program: str) -> None:
    (tmp_path / program).parent.mkdir(exist_ok=True)
    (tmp_path / program).touch()
    assert find_environment(tmp_path) == tmp_path / program
    assert prefix_of(tmp_path / program) == tmp_path


def test_a_missing_environment_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_environment(tmp_path / "none")
    assert caught.value.message == f"{tmp_path / 'none'}: no such environment"
    assert caught.value.remedies == (f"envlock create --env {tmp_path / 'none'}",)


def test_a_folder_without_python_is_no_environment(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_environment(tmp_path)
    assert caught.value.message == f"{tmp_path}: a folder without a Python, so not an environment"
    assert caught.value.remedies == (f"envlock create --env {tmp_path / '.venv'}",)


def test_the_environment_in_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch(mode=0o755)
    with pytest.raises(UsageError) as caught:
        find_environment(tmp_path)
    assert caught.value.remedies == (f"name {tmp_path / '.venv'}, which is one",)


@pytest.mark.parametrize(
    "site",
    [
        "lib/python3.11/site-packages",
        "lib64/python3.6/site-packages",
        "lib/python3/dist-packages",
        "Lib/site-packages",
    ],
)
def test_wheels_and_eggs_are_read_in_every_layout(tmp_path: Path, site: str) -> None:
    folder = tmp_path / site
    put(folder, "h5py-3.11.0.dist-info", "METADATA", "Name: h5py\nVersion: 3.11.0\n\nName: no\n")
    put(folder, "gast-0.2.2-py3.7.egg-info", "PKG-INFO", "Name: gast\nVersion: 0.2.2\n")
    (folder / "Foo.Bar-1.egg-info").write_text("Metadata-Version: 1.0\nName: Foo.Bar\nVersion: 1\n")
    assert installed(tmp_path) == {
        "h5py": Version("3.11.0"),
        "gast": Version("0.2.2"),
        "foo-bar": Version("1"),
    }


def test_what_has_no_proper_version_is_left_out(tmp_path: Path) -> None:
    site = tmp_path / "lib/python3.11/site-packages"
    put(site, "pytz-2004d.dist-info", "METADATA", "Name: pytz\nVersion: 2004 d?\n")
    put(site, "half-1.dist-info", "METADATA", "Metadata-Version: 2.1\n")
    assert installed(tmp_path) == {}


def test_metadata_that_is_not_utf_8_is_read_all_the_same(tmp_path: Path) -> None:
    site = tmp_path / "lib/python3.11/site-packages/old-1.0.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_bytes(b"Author: J\xf6rg\nName: old\nVersion: 1.0\n")
    assert installed(tmp_path) == {"old": Version("1.0")}


def test_a_folder_without_packages_has_none(tmp_path: Path) -> None:
    assert installed(tmp_path) == {}
