"""Look into an environment without running anything of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from envlock.environment.interpreters import python_in
from envlock.errors import UsageError

_SITE_PACKAGES = (
    "lib/python3*/site-packages",
    "lib64/python3*/site-packages",
    "lib/python3*/dist-packages",
    "Lib/site-packages",
)


def find_environment(path: Path | None) -> Path:
    """Return the Python of a virtual environment, conda prefix, or of ``path`` itself.

    None takes the active environment (``VIRTUAL_ENV``, then ``CONDA_PREFIX``),
    else ``.venv`` of the current folder.

    Raises:
        UsageError: there is none, or what is there is no environment.
    """
    if path is None:
        path = _current()
    if path.is_file():
        return path.absolute()
    if not path.is_dir():
        raise UsageError(f"{path}: no such environment", f"envlock create --env {path}")
    if (python := python_in(path)) is None:
        raise UsageError(f"{path}: a folder without a Python, so not an environment")
    return python.absolute()


def prefix_of(python: Path) -> Path:
    """Return the folder that a Python program's packages are under."""
    return python.parent.parent if python.parent.name in {"bin", "Scripts"} else python.parent


def installed(prefix: Path) -> dict[NormalizedName, Version]:
    """Return what is installed, by the metadata files alone.

    A distribution without a PEP 440 version is left out.
    """
    found: dict[NormalizedName, Version] = {}
    for file in _metadata_files(prefix):
        headers = _headers(file)
        try:
            version = Version(headers["version"])
            found.setdefault(canonicalize_name(headers["name"]), version)
        except (KeyError, InvalidVersion):
            continue
    return found


def _current() -> Path:
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if active := os.environ.get(variable):
            return Path(active)
    if Path(".venv").is_dir():
        return Path(".venv")
    raise UsageError(
        "no environment is active (VIRTUAL_ENV, CONDA_PREFIX) and there is no .venv here",
        "envlock verify PATH",
        "envlock create",
    )


def _metadata_files(prefix: Path) -> Iterator[Path]:
    sites = {site.resolve() for pattern in _SITE_PACKAGES for site in prefix.glob(pattern)}
    for site in sorted(sites):
        yield from sorted(site.glob("*.dist-info/METADATA"))
        yield from sorted(site.glob("*.egg-info/PKG-INFO"))
        yield from (each for each in sorted(site.glob("*.egg-info")) if each.is_file())


def _headers(file: Path) -> dict[str, str]:
    headers: dict[str, str] = {}
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if not line.strip():
                break
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
    return headers
