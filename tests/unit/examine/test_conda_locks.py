"""Locks of conda-lock and pixi, only to look into."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.errors import UsageError
from envlock.examine.files import examine_path
from envlock.examine.gathered import Given
from envlock.model import Platform

TENSORFLOW, H5PY = map(canonicalize_name, ("tensorflow", "h5py"))
GOLDEN = Path(__file__).parents[2] / "golden" / "conda"
BOTH = pytest.mark.parametrize("name", ["conda-lock.yml", "pixi.lock"])
OF_CONDA_LOCK = """\
version: 1
metadata:
  content_hash:
    win-64: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  channels:
  - url: conda-forge
    used_env_vars: []
  platforms:
  - win-64
  sources:
  - environment.yml
package:
- name: python
  version: 3.10.14
  manager: conda
  platform: win-64
  dependencies: {}
  url: https://conda.anaconda.org/conda-forge/win-64/python-3.10.14-h4de0772_0_cpython.conda
  hash:
    md5: 4a00e84f29d1eb418d84970598c444e1
    sha256: 332f97d9927b65857d6d2d4d50d66dce9b37da81edb67833ae6b88ad52acbd0c
  category: main
  optional: false
- name: tensorflow
  version: 2.10.1
  manager: pip
  platform: win-64
  dependencies: {}
  url: https://files.pythonhosted.org/packages/aa/bb/tensorflow-2.10.1-cp310-cp310-win_amd64.whl
  hash:
    sha256: 332f97d9927b65857d6d2d4d50d66dce9b37da81edb67833ae6b88ad52acbd0c
  category: main
  optional: false
"""


@BOTH
def test_the_part_for_linux_is_examined_where_nobody_names_another(name: str) -> None:
    found = examine_path(GOLDEN / name)
    assert found.python == Version("3.11.15")
    assert found.platform == Platform(system="linux", machine="x86_64")
    assert found.packages[TENSORFLOW] == Version("2.15.0")
    assert found.packages[H5PY] == Version("3.12.1")
    assert (found.manager, found.complete) == ("conda", True)
    assert found.notes == (f"{GOLDEN / name}: the part for linux-64; --platform names another",)


@BOTH
@pytest.mark.parametrize("machine", ["arm64", ""])
def test_the_part_for_a_platform_is_examined(name: str, machine: str) -> None:
    found = examine_path(GOLDEN / name, Given(platform=Platform(system="macos", machine=machine)))
    assert found.platform == Platform(system="macos", machine=machine)  # as it was given
    assert "tensorflow" not in found.packages
    assert "h5py" in found.packages
    assert found.notes == ()


@BOTH
def test_a_platform_that_a_lock_is_not_for_is_told(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        examine_path(GOLDEN / name, Given(platform=Platform(system="windows", machine="")))
    assert caught.value.message == (
        f"{GOLDEN / name}: is not for windows; it is for linux-64, osx-arm64"
    )
    assert caught.value.remedies == ("--platform linux-x86_64", "--platform macos-arm64")


def test_the_part_of_pip_counts_and_says_who_brought_the_framework(tmp_path: Path) -> None:
    path = tmp_path / "win.conda-lock.yml"
    path.write_text(OF_CONDA_LOCK)
    found = examine_path(path)
    assert (found.packages, found.manager) == ({"tensorflow": Version("2.10.1")}, "pip")
    assert (found.python, found.notes) == (Version("3.10.14"), ())
    assert found.platform == Platform(system="windows", machine="x86_64")


def test_what_is_no_lock_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "conda-lock.yml"
    path.write_text("version: 1\npackage: 7\n")
    with pytest.raises(UsageError, match=r"conda-lock\.yml"):
        examine_path(path)
