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
from envlock.progress import Progress
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
#: The variables of the environment that is active, the nearest first.
_ACTIVE = ("VIRTUAL_ENV", "CONDA_PREFIX")
SCRIPT = Path(__file__).parent / "scripts" / "compile_packages.py"


def meant(usual: Path, progress: Progress) -> Path:
    """Return which environment is meant where none is named: the ``usual`` one, then the active.

    What is active (``VIRTUAL_ENV``, then ``CONDA_PREFIX``) and is not meant, or
    not there, is told.

    Raises:
        UsageError: there is none.
    """
    found, active = current(usual), _active()
    for name, place in active.items():
        if not is_folder(place):
            progress.note(f"{name} names {place}, which is not there")
    if found is None:
        raise UsageError(
            f"there is no {usual} here, and no environment is active ({', '.join(_ACTIVE)})",
            "envlock create",
        )
    # A conda is active for many people all day, so only the other variable is meant by somebody.
    other = active.get(_ACTIVE[0], found)
    if is_folder(other) and os.path.realpath(other) != os.path.realpath(found):
        progress.note(f"{found} is meant, and not {other}, which is active: name that if it is")
    return found


def current(usual: Path) -> Path | None:
    """Return the ``usual`` environment where it is there, else the active one, None without."""
    if is_folder(current_folder() / usual):
        return usual
    return next((place for place in _active().values() if is_folder(place)), None)


def _active() -> dict[str, Path]:
    return {name: Path(said) for name in _ACTIVE if (said := os.environ.get(name))}


def find_environment(path: Path) -> Path:
    """Return the Python of a virtual environment, conda prefix, or of ``path`` itself.

    Raises:
        InterpreterMissing: it is a virtual environment whose Python was removed.
        UsageError: there is none, or what is there is no environment.
    """
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
        inside = path / ".venv"
        raise UsageError(
            f"{path}: a folder without a Python, so not an environment",
            f"name {inside}, which is one"
            if python_in(inside)
            else f"envlock create --env {shlex.quote(inside.as_posix())}",
        )
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


def place_of(path: Path) -> Path | None:
    """Return the folder that `find_environment` will look into, if there is one."""
    try:
        place = prefix_of(path) if path.is_file() else path
        return place.absolute() if place.is_dir() else None
    except (OSError, ValueError):  # what is wrong with it is told by who looks into it
        return None


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
