"""Look into an environment without running anything of it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.environment.records import read_site
from envlock.errors import UsageError
from envlock.system import beside, remove_tree, scratch
from envlock.system.looking import current_folder, exists, is_file, is_folder, named
from envlock.targets.interpreters import python_in, refuse_gone
from envlock.versions import minor_of

#: Below a prefix, in the order of the search; the last three are Debian's.
_SITE_PACKAGES = (
    "lib/python{minor}/site-packages",
    "lib64/python{minor}/site-packages",
    "Lib/site-packages",
    "local/lib/python{minor}/dist-packages",
    "lib/python3/dist-packages",
    "lib/python{minor}/dist-packages",
)
SCRIPT = Path(__file__).parent / "scripts" / "compile_packages.py"


def find_environment(path: Path | None) -> Path:
    """Return the Python of a virtual environment, conda prefix, or of ``path`` itself.

    None takes the active environment (``VIRTUAL_ENV``, then ``CONDA_PREFIX``),
    else ``.venv`` of the current folder.

    Raises:
        InterpreterMissing: it is a virtual environment whose Python was removed.
        UsageError: there is none, or what is there is no environment.
    """
    if path is None:
        path = _current()
        if path is None:
            raise UsageError(
                "no environment is active (VIRTUAL_ENV, CONDA_PREFIX) and there is no .venv here",
                "envlock create",
            )
    path = named(path)
    if is_file(path):
        return path.absolute()
    if not exists(path):
        refuse_gone(path.parent.parent)
        raise UsageError(
            f"{path}: no such environment", f"envlock create --env {shlex.quote(str(path))}"
        )
    if (python := python_in(path)) is None:
        for name in ("bin", "Scripts"):
            named(path / name)
        refuse_gone(path)
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
    for folder in site_folders(prefix):
        for distribution in read_site(folder).distributions:
            found.setdefault(distribution.name, distribution.version)
    return found


def site_folders(prefix: Path, python: Version | None = None) -> tuple[Path, ...]:
    """Return the site-packages folders under a prefix, of one Python or of any, each once."""
    minor = "3*" if python is None else minor_of(python)
    found: dict[Path, Path] = {}
    for pattern in _SITE_PACKAGES:
        for site in sorted(prefix.glob(pattern.format(minor=minor))):
            if site.is_dir():
                found.setdefault(site.resolve(), site)  # lib64 is often a link to lib
    return tuple(found.values())


def place_of(path: Path | None) -> Path | None:
    """Return the folder that `find_environment` will look into, if there is one."""
    try:
        place = _current() if path is None else path
        if place is not None and place.is_file():
            place = prefix_of(place)
        return place.absolute() if place is not None and place.is_dir() else None
    except (OSError, ValueError):  # what is wrong with it is told by who looks into it
        return None


def _current() -> Path | None:
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if active := os.environ.get(variable):
            return Path(active)
    return Path(".venv") if is_folder(current_folder() / ".venv") else None


@contextmanager
def compiling(python: Path) -> Iterator[None]:
    """Compile the packages of an environment while the block runs.

    Installers leave it to the first import, which takes twice the time for
    that. What is not done at the end of the block stays undone; no module is
    left half-written, and nothing of the environment is run.
    """
    if (os.cpu_count() or 1) == 1:
        yield
        return
    sites = site_folders(prefix_of(python))
    with scratch() as go, beside([python, "-I", "-S", SCRIPT, go, *sites]):
        try:
            yield
        finally:
            remove_tree(go)
