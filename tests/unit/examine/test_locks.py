"""Locks of other tools and projects, only to look into."""

from pathlib import Path

import pytest
from packaging.version import Version

from envlock.errors import UsageError
from envlock.examine.files import examine_path
from envlock.examine.gathered import Given
from envlock.findings import Examined
from envlock.model import Platform

UV = """\
version = 1
requires-python = ">=3.9, <3.12"

[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
    { name = "numpy", version = "1.26.4", marker = "python_full_version < '3.10'" },
    { name = "numpy", version = "2.2.6", marker = "python_full_version >= '3.10'" },
    { name = "tensorflow" },
]
[package.dev-dependencies]
dev = [{ name = "pytest" }]

[[package]]
name = "numpy"
version = "1.26.4"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "numpy"
version = "2.2.6"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "pytest"
version = "8.0.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "tensorflow"
version = "2.15.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [
    { name = "tensorflow-intel", marker = "sys_platform == 'win32'" },
    { name = "tensorflow-macos", marker = "sys_platform == 'darwin'" },
]

[[package]]
name = "tensorflow-intel"
version = "2.15.0"

[[package]]
name = "tensorflow-macos"
version = "2.15.0"
"""
POETRY = """\
[[package]]
name = "tensorflow"
version = "2.15.0"
optional = false
python-versions = ">=3.9"

[package.dependencies]
h5py = ">=2.9.0"
tensorflow-intel = {version = "2.15.0", markers = "platform_system == \\"Windows\\""}

[[package]]
name = "tensorflow-intel"
version = "2.15.0"
optional = false

[[package]]
name = "h5py"
version = "3.10.0"
optional = false

[[package]]
name = "sphinx"
version = "7.0"
optional = true

[metadata]
lock-version = "2.0"
python-versions = "~3.10"
"""
PYLOCK = """\
lock-version = "1.0"
requires-python = "==3.11.*"
created-by = "pip"

[[packages]]
name = "H5py"
version = "3.14.0"

[[packages]]
name = "pywin32"
version = "306"
marker = "sys_platform == 'win32'"

[[packages]]
name = "app"
[packages.directory]
path = "."
"""


def examine(tmp_path: Path, name: str, text: str, given: Given | None = None) -> Examined:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return examine_path(tmp_path / name, given)


def pins(examined: Examined) -> dict[str, str]:
    return {name: str(version) for name, version in examined.packages.items()}


def test_a_uv_lock_is_read_for_the_first_place_it_is_for(tmp_path: Path) -> None:
    found = examine(tmp_path, "uv.lock", UV)
    assert pins(found) == {"numpy": "1.26.4", "pytest": "8.0.0", "tensorflow": "2.15.0"}
    assert (found.complete, found.python, found.manager) == (True, None, "pip")


def test_a_uv_lock_is_read_for_the_place_that_is_given(tmp_path: Path) -> None:
    given = Given(python=Version("3.11"), platform=Platform(system="windows", machine="x86_64"))
    assert pins(examine(tmp_path, "uv.lock", UV, given)) == {
        "numpy": "2.2.6",
        "pytest": "8.0.0",
        "tensorflow": "2.15.0",
        "tensorflow-intel": "2.15.0",
    }


def test_a_poetry_lock_is_read_without_extras_and_other_systems(tmp_path: Path) -> None:
    found = examine(tmp_path, "poetry.lock", POETRY)
    assert pins(found) == {"tensorflow": "2.15.0", "h5py": "3.10.0"}


def test_a_pylock_is_read_without_the_project_itself(tmp_path: Path) -> None:
    found = examine(tmp_path, "pylock.gpu.toml", PYLOCK)
    assert pins(found) == {"h5py": "3.14.0"}
    assert found.python == Version("3.11")


LOCK_FAULTS = [
    ("uv.lock", "version = 1\n", "uv.lock: no lock: it has no list of packages"),
    ("pylock.toml", "packages = 3\n", "pylock.toml: no lock: it has no list of packages"),
    ("poetry.lock", "[[package]]\nversion = '1'\n", "poetry.lock: package 1: it has no name"),
    ("uv.lock", "version = \n", "uv.lock:1: not TOML: invalid value (column 11)"),
]


@pytest.mark.parametrize(("name", "text", "message"), LOCK_FAULTS)
def test_what_is_no_lock_is_refused_in_words(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        examine(tmp_path, name, text)
    assert caught.value.message.replace(f"{tmp_path.as_posix()}/", "") == message


PROJECT = """\
[project]
name = "app"
requires-python = "==3.10.*"
dependencies = [
    "tensorflow==2.10.1",
    "numpy=1.23",
]
optional-dependencies = { dev = ["pytest"] }
"""


def test_a_project_is_read_with_notes_on_its_lines(tmp_path: Path) -> None:
    found = examine(tmp_path, "pyproject.toml", PROJECT)
    assert pins(found) == {"tensorflow": "2.10.1"}
    assert {n: str(s) for n, s in found.loose.items()} == {
        "numpy": "==1.23.*",
        "pytest": "",
    }
    assert "pytest" not in {each.requirement.name for each in found.asked}
    assert found.python == Version("3.10")
    assert [note.replace(f"{tmp_path.as_posix()}/", "") for note in found.notes] == [
        (
            'pyproject.toml:6: "numpy=1.23" is read as "numpy==1.23.*": '
            'pip writes "==" for conda\'s "="'
        )
    ]


POETRY_PROJECT = """\
[tool.poetry.dependencies]
python = "~3.8"
tensorflow = "2.4.1"
numpy = "^1.19"
h5py = {version = "~2.10", optional = false}
keras = {version = "*", markers = "sys_platform == 'win32'"}
gast = {version = ">=0.3,<0.5", optional = true}
scipy = "1 | 2"
six = "one"
foo = {git = "https://example.org/foo.git"}
"""


def test_poetrys_own_words_are_understood(tmp_path: Path) -> None:
    given = Given(platform=Platform(system="linux", machine="x86_64"))
    found = examine(tmp_path, "pyproject.toml", POETRY_PROJECT, given)
    assert found.python == Version("3.8")
    assert pins(found) == {"tensorflow": "2.4.1"}
    assert {n: str(s) for n, s in found.loose.items()} == {
        "numpy": "<2,>=1.19",
        "h5py": "==2.10.*",
        "scipy": "",
        "foo": "",
    }
    assert [note.replace(f"{tmp_path.as_posix()}/", "") for note in found.notes] == [
        'pyproject.toml:9: six: "one" is not a range of versions'
    ]


def test_a_project_without_dependencies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        examine(tmp_path, "pyproject.toml", "[build-system]\nrequires = []\n")
    assert caught.value.message.endswith(
        "pyproject.toml: neither [project] nor [tool.poetry] is in it, so it asks for no packages"
    )
