"""A realistic lock of conda packages for two platforms: real records, and a pip part from PyPI."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from packaging.requirements import Requirement

from envlock.model import (
    CondaPackage,
    CondaSpec,
    Lock,
    Part,
    Recorded,
    Requested,
    RuleId,
)
from support.locks import REALISTIC

CHANNEL = "https://conda.anaconda.org/conda-forge/"
RULE = RuleId("tf-lt-216-numpy2")

_LINUX = (
    "h5py-3.12.1-nompi_py311hb639ac4_102.conda",
    "hdf5-1.14.3-nompi_hdf9ad27_105.conda",
    "numpy-1.26.4-py311h64a7726_0.conda",
    "python-3.11.15-hd63d673_0_cpython.conda",
    "tensorflow-2.15.0-cpu_py311hd3d7757_2.conda",
    "wrapt-1.14.1-py311hd4cff14_1.tar.bz2",
)
_MACOS = (
    "h5py-3.12.1-nompi_py311h0fa3d65_102.conda",
    "hdf5-1.14.3-nompi_ha698983_109.conda",
    "numpy-1.26.4-py311h7125741_0.conda",
    "python-3.11.15-h8561d8f_0_cpython.conda",
)
_NOARCH = (
    "cached-property-1.5.2-hd8ed1ab_1.tar.bz2",
    "keras-2.15.0-pyhd8ed1ab_0.conda",
    "pip-25.3-pyh8b19718_0.conda",
    "tzdata-2026c-h151e31d_0.conda",
)
_VIA = {
    "cached-property": ("h5py",),
    "h5py": ("environment.yml:6", "tensorflow"),
    "hdf5": ("h5py",),
    "keras": ("tensorflow",),
    "numpy": ("h5py", "tensorflow"),
    "pip": ("environment.yml:7",),
    "python": ("environment.yml:4",),
    "tensorflow": ("environment.yml:5",),
    "tzdata": ("python",),
    "wrapt": ("tensorflow",),
}


@cache
def _records() -> dict[str, dict[str, Any]]:
    data = (Path(__file__).parent / "conda-forge.json.xz").read_bytes()
    found: dict[str, dict[str, Any]] = {}
    for subdir, repodata in json.loads(lzma.decompress(data)).items():
        found[subdir] = {**repodata["packages"], **repodata["packages.conda"]}
    return found


def record(subdir: str, filename: str) -> CondaPackage:
    """Return a real record of conda-forge as a pin."""
    said = _records()[subdir][filename]
    name = said["name"]
    return CondaPackage(
        name=name,
        version=said["version"],
        build=said["build"],
        build_number=said["build_number"],
        subdir=subdir,
        channel=CHANNEL,
        url=f"{CHANNEL}{subdir}/{filename}",
        md5=said["md5"],
        sha256=said["sha256"],
        size=said.get("size"),
        timestamp=said.get("timestamp"),
        depends=tuple(said["depends"]),
        constrains=tuple(said.get("constrains", ())),
        license=said.get("license"),
        license_family=said.get("license_family"),
        noarch=said.get("noarch", ""),
        via=_VIA[name],
        because=(RULE,) if name == "numpy" else (),
    )


def _platform(subdir: str, filenames: tuple[str, ...], platform: str) -> Part:
    packages = [record(subdir, each) for each in filenames]
    packages += [record("noarch", each) for each in _NOARCH]
    return Part(
        subdir=subdir,
        python="3.11",
        platform=platform,
        conda=tuple(sorted(packages, key=lambda each: each.name)),
        virtual=("__glibc >=2.17,<3.0.a0",) if subdir == "linux-64" else ("__osx >=11.0",),
        pypi=tuple(
            replace(each, via=("environment.yml:9",), because=())
            for each in REALISTIC.part.pypi
            if each.name == "six"
        ),
    )


def _asked(name: str, version: str, line: int) -> CondaSpec:
    return CondaSpec(name=name, version=version, origin=f"environment.yml:{line}")


REALISTIC_CONDA = Lock(
    parts=(
        _platform("linux-64", _LINUX, "linux-x86_64"),
        _platform("osx-arm64", _MACOS, "macos-arm64"),
    ),
    name="deep",
    channels=("conda-forge",),
    nodefaults=True,
    requested=(
        _asked("python", "=3.11", 4),
        replace(_asked("tensorflow", "=2.15", 5), channel="conda-forge", only=("linux-64",)),
        _asked("h5py", ">=3.9", 6),
        _asked("pip", "", 7),
    ),
    variables={"TF_USE_LEGACY_KERAS": "1"},
    command=(
        "envlock lock -r environment.yml --manager conda --platform linux-64 --platform osx-arm64"
    ),
    request_digest="sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    asked=Recorded(
        requirements=(Requested(requirement=Requirement("six"), origin="environment.yml:9"),),
        options={"channels": ("conda-forge",)},
    ),
    notes=("tensorflow 2.15 is the CPU build",),
    reasons={RULE: "tensorflow before 2.16 was built against NumPy 1"},
)
