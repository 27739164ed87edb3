"""What a shell adds, worked out from variables and folders."""

import os
import sys
from pathlib import Path

import pytest

from envlock.environment.layout import read_layout
from envlock.environment.shell import Addition, additions, without
from support.distributions import build_wheel
from support.unpacked import unpacked

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Give the Python of an environment with numpy 1.26.4 and a home without packages."""
    prefix = tmp_path / "env"
    site = prefix / "lib" / f"python{MINOR}" / "site-packages"
    site.mkdir(parents=True)
    (prefix / "bin").mkdir()
    (prefix / "bin" / "python").symlink_to(sys.executable)
    (prefix / "conda-meta").mkdir()
    wheel = build_wheel(
        tmp_path, "numpy", "1.26.4", files={"numpy/__init__.py": "", "numpy/core.py": ""}
    )
    unpacked(wheel, site)
    return prefix / "bin" / "python"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in [n for n in os.environ if n.startswith(("PYTHON", "LD_LIB", "KERAS", "TF_"))]:
        monkeypatch.delenv(name)
    return tmp_path / "home"


def added(python: Path, **variables: str) -> tuple[Addition, ...]:
    return additions(read_layout(python), variables)


def test_nothing_is_added_by_a_plain_shell(python: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "helpers.py").touch()
    assert added(python, PATH="/bin", PYTHONPATH=str(tmp_path / "mine")) == ()


def test_a_package_that_hides_another_version(python: Path, tmp_path: Path) -> None:
    place = unpacked(build_wheel(tmp_path / "w", "numpy", "2.3.0"), tmp_path / "modpy")
    (found,) = added(python, PYTHONPATH=f"/nonexistent{os.pathsep}{place}")
    assert found.does == f"numpy 2.3.0 of {place} hides 1.26.4"
    assert found.away == "unset PYTHONPATH"


def test_a_package_without_metadata_and_a_module_of_pythons_own(
    python: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    (place / "numpy").mkdir(parents=True)
    (place / "numpy" / "__init__.py").touch()
    (place / "queue.py").touch()
    (place / "sitecustomize.py").touch()
    (found,) = added(python, PYTHONPATH=str(place))
    assert found.does == (
        f"queue of {place} stands for Python's own; numpy of {place} hides the environment's;"
        f" sitecustomize.py of {place} runs at each start"
    )


def test_the_user_site_unless_it_is_turned_off(python: Path, tmp_path: Path, home: Path) -> None:
    site = home / ".local" / "lib" / f"python{MINOR}" / "site-packages"
    site.mkdir(parents=True)
    unpacked(build_wheel(tmp_path / "w", "numpy", "2.3.0"), site)
    (site / "usercustomize.py").touch()
    (found,) = added(python)
    assert str(found) == f"the user site {site}"
    assert found.does == (
        f"numpy 2.3.0 of {site} hides 1.26.4; usercustomize.py of {site} runs at each start"
    )
    assert found.away == "export PYTHONNOUSERSITE=1"
    assert added(python, PYTHONNOUSERSITE="1") == ()


def test_what_chooses_keras_and_libraries(python: Path, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    assert added(python, LD_LIBRARY_PATH=str(tmp_path / "lib")) == ()
    (tmp_path / "lib" / "libhdf5.so.103").touch()
    assert added(python, KERAS_BACKEND="torch", TF_USE_LEGACY_KERAS="1") == ()  # nothing asks them
    unpacked(build_wheel(tmp_path, "keras", "3.0.0"), read_layout(python).own[0])
    found = added(
        python, LD_LIBRARY_PATH=str(tmp_path / "lib"), KERAS_BACKEND="torch", PYTHONHOME="/opt"
    )
    assert [each.variable for each in found] == ["PYTHONHOME", "KERAS_BACKEND", "LD_LIBRARY_PATH"]


def test_a_shell_that_adds_nothing() -> None:
    said = {"PATH": "/bin", "PYTHONPATH": "/x", "KERAS_BACKEND": "jax", "LD_LIBRARY_PATH": "/l"}
    assert without(said) == {"PATH": "/bin", "LD_LIBRARY_PATH": "/l"}
