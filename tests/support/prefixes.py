"""Environments as files only: prefixes of every layout, with wheels unpacked into them."""

from __future__ import annotations

import json
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from support.distributions import build_wheel


def make_venv(folder: Path, *, system: bool = False, home: Path | None = None) -> Path:
    """Make the files of a virtual environment of Python 3.11, and return its site-packages."""
    site = make_prefix(folder)
    (folder / "pyvenv.cfg").write_text(
        f"home = {home or folder.parent / 'none'}\n"
        f"include-system-site-packages = {str(system).lower()}\n"
        "version_info = 3.11.7\n",
        encoding="utf-8",
    )
    return site


def make_prefix(folder: Path) -> Path:
    """Make the files of a plain Python 3.11, and return its site-packages."""
    return _make(folder, "bin/python", "lib/python3.11/site-packages")


def make_conda_prefix(folder: Path, *, windows: bool = False) -> Path:
    """Make the files of a conda prefix with Python 3.11.9, and return its site-packages."""
    windows_site = ("python.exe", "Lib/site-packages")
    site = _make(folder, *windows_site) if windows else make_prefix(folder)
    add_conda_record(folder, "python", "3.11.9")
    return site


def add_conda_record(prefix: Path, name: str, version: str, files: Iterable[str] = ()) -> None:
    """Write what conda keeps of a package that it installed."""
    record = prefix / "conda-meta" / f"{name}-{version}-h1234567_0.json"
    record.parent.mkdir(exist_ok=True)
    record.write_text(json.dumps({"name": name, "version": version, "files": [*files]}))


def put(
    site: Path,
    name: str,
    version: str,
    *,
    files: Mapping[str, str | bytes] | None = None,
    requires: Iterable[str] = (),
    installer: str = "pip",
) -> Path:
    """Unpack a small wheel as installers do, and return its metadata folder."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = build_wheel(Path(folder), name, version, files=files, requires=requires)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
            info = next(each for each in archive.namelist() if each.endswith("/METADATA"))
    if installer:
        (site / info).with_name("INSTALLER").write_text(f"{installer}\n", encoding="utf-8")
    return (site / info).parent


def _make(folder: Path, program: str, site: str) -> Path:
    (folder / program).parent.mkdir(parents=True, exist_ok=True)
    (folder / program).touch()
    (folder / site).mkdir(parents=True)
    return folder / site


#: The uv of envlock as it is told: by the Python beside it.
UV = f"{sys.executable} -m uv"
