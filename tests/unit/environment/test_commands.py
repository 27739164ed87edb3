"""The commands that are told are for whoever owns the package."""

import os
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from envlock.environment.commands import Commands
from support.prefixes import UV

PYTHON = Path("/env/bin/python")


@pytest.fixture(autouse=True)
def unconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


def test_what_conda_installed_is_changed_by_conda_and_the_rest_by_pip() -> None:
    owned = frozenset(map(canonicalize_name, ("numpy", "setuptools")))
    commands = Commands(python=PYTHON, pip=True, prefix=Path("/env"), by_conda=owned)
    assert commands.install("setuptools<82") == "conda install --prefix /env 'setuptools<82'"
    assert commands.install("h5py>=3") == "/env/bin/python -m pip install 'h5py>=3'"
    assert commands.install("numpy==1.26.4", "h5py>=3") == (
        "conda install --prefix /env numpy==1.26.4 && /env/bin/python -m pip install 'h5py>=3'"
    )


def test_without_conda_everything_is_pips_or_uvs() -> None:
    commands = Commands(python=PYTHON, pip=False, prefix=Path("/env"))
    assert commands.install("numpy<2") == f"{UV} pip install --python /env/bin/python 'numpy<2'"


def test_uv_is_told_where_pip_is_configured_to_look_without_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:geheim@pypi.example:8080/own/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://more.example/simple")
    commands = Commands(python=PYTHON, pip=False, prefix=Path("/env"))
    assert commands.install("numpy<2") == (
        f"{UV} pip install --python /env/bin/python --index https://more.example/simple"
        " --default-index http://pypi.example:8080/own/simple 'numpy<2'"
    )
    own = Commands(python=PYTHON, pip=True, prefix=Path("/env"))  # pip knows it itself
    assert own.install("numpy<2") == "/env/bin/python -m pip install 'numpy<2'"


def test_what_a_rule_writes_for_any_environment_is_typed_for_this_one() -> None:
    words = "python -m pip install --force-reinstall --only-binary h5py h5py"
    own = Commands(python=PYTHON, pip=True, prefix=Path("/env"))
    assert own.here(words) == f"/env/bin/{words}"
    bare = Commands(python=PYTHON, pip=False, prefix=Path("/env"))
    assert bare.here(words) == (
        f"{UV} pip install --python /env/bin/python --reinstall --only-binary h5py h5py"
    )
    assert bare.here("export A=1") == "export A=1"
