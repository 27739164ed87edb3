"""Which Python an environment has and where that Python looks for packages.

Read from files alone. The order of the folders is that of CPython's ``site``
module: user site before site-packages, but after those of a virtual
environment that admits the system's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.environment.conda import conda_packages, variables_of
from envlock.environment.inspect import prefix_of, site_folders
from envlock.model import Platform
from envlock.system import contents
from envlock.system.looking import home, is_file, is_folder
from envlock.targets.program import built_for
from envlock.versions import minor_of

_VERSION = re.compile(r"\d{1,4}\.\d{1,9}(\.\d{1,9}((a|b|rc)\d{1,9})?)?", re.ASCII)
_HEADER = re.compile(r'^#define\s+PY_VERSION\s+"(\d[\w.]{0,99})', re.MULTILINE)
_PROGRAM = re.compile(r"python(\d+\.\d+)")
_LIBRARY = re.compile(r"python(\d)(\d+)\.dll", re.IGNORECASE)
#: Variables that change what these libraries do, or which files are found.
_SPEAKING = re.compile(
    r"TF_(CPP|ENABLE|FORCE|GPU|USE|XLA)_\w+|(CUDA|HDF5|KERAS|PROTOCOL_BUFFERS|XLA)_\w+"
    r"|PYTHON[A-Z]+|(DY)?LD_LIBRARY_PATH"
)


class Layout(Struct, frozen=True, kw_only=True):
    """An environment before its packages are looked at.

    ``own`` are its site-packages, ``user`` the user site, None where it is
    not admitted or not there, and ``path`` all that its Python searches, in
    order. ``variables`` are set here or kept by conda.
    """

    python: Path
    prefix: Path
    version: Version | None
    platform: Platform
    conda: bool
    variables: Mapping[str, str]
    own: tuple[Path, ...]
    user: Path | None
    path: tuple[Path, ...]


def read_layout(python: Path) -> Layout:
    """Return what the files around a Python program tell about its environment."""
    prefix = _prefix(python)
    config = _venv_config(prefix)
    version = _version(python, prefix, config)
    platform = built_for(python)
    variables = {
        name: value for name, value in os.environ.items() if value and _SPEAKING.fullmatch(name)
    } | dict(variables_of(prefix))
    own = site_folders(prefix, version)
    user = _user_site(python, version, platform, variables)
    if not config:
        path = own if user is None else (user, *own)
    elif config.get("include-system-site-packages", "").lower() == "true":
        home = _base(config)
        base = () if home is None else site_folders(home, version)
        path = (*own, *base) if user is None else (*own, user, *base)
    else:
        user, path = None, own
    return Layout(
        python=python,
        prefix=prefix,
        version=version,
        platform=platform,
        conda=is_folder(prefix / "conda-meta"),
        variables=variables,
        own=own,
        user=user,
        path=path,
    )


def _prefix(python: Path) -> Path:
    """Return where the program's library is, as CPython finds it: here, or behind its links."""
    near = prefix_of(python)
    far = prefix_of(python.resolve())
    if is_file(near / "pyvenv.cfg") or is_folder(near / "conda-meta") or _has_library(near):
        return near
    return far if _has_library(far) else near


def _has_library(prefix: Path) -> bool:
    found = (*prefix.glob("lib/python3*/os.py"), prefix / "Lib" / "os.py")
    return any(map(is_file, found))


def _venv_config(prefix: Path) -> dict[str, str]:
    try:
        text = contents(prefix / "pyvenv.cfg").decode(errors="replace")
    except OSError:
        return {}
    lines = (line.partition("=") for line in text.splitlines())
    return {key.strip().lower(): value.strip() for key, _, value in lines}


def _base(config: Mapping[str, str]) -> Path | None:
    """Where the Python that a virtual environment was made from is, if it is there."""
    home = Path(config.get("home", ""))
    base = home.parent if home.name in {"bin", "Scripts"} else home
    return base if os.path.isdir(base) else None  # noqa: PTH112  (Path's raises for a long name)


def _version(python: Path, prefix: Path, config: Mapping[str, str]) -> Version | None:
    """Return the version, the most exact source first; of the last, only X.Y is known."""
    for text in (config.get("version_info", ""), config.get("version", "")):
        if said := _VERSION.match(text):
            return Version(said[0])
    package = conda_packages(prefix).get(canonicalize_name("python"))
    if package is not None and _VERSION.fullmatch(package.version):
        return Version(package.version)
    base = _base(config) if config else None
    roots = (prefix,) if base is None else (prefix, base)
    minor = next(_minors(python, roots), None)
    if minor is None:
        return None
    for root in roots:
        for header in (
            *root.glob(f"include/python{minor}*/patchlevel.h"),
            root / "include/patchlevel.h",
        ):
            said = _HEADER.search(_text(header))
            if said is not None and said[1].startswith(f"{minor}."):
                return Version(said[1])
    return Version(minor)


def _minors(python: Path, roots: Iterable[Path]) -> Iterator[str]:
    if said := _PROGRAM.match(python.resolve().name):
        yield said[1]
    for root in roots:
        for library in sorted(root.glob("python3*.dll")):
            if said := _LIBRARY.fullmatch(library.name):
                yield f"{said[1]}.{said[2]}"
        for site in sorted(root.glob("lib/python3.*/site-packages")):
            if said := _PROGRAM.fullmatch(site.parent.name):
                yield said[1]


def _text(file: Path) -> str:
    try:
        return contents(file).decode(errors="replace")
    except OSError:
        return ""


def _user_site(
    python: Path, version: Version | None, platform: Platform, variables: Mapping[str, str]
) -> Path | None:
    """Return the user site that is searched, where ``site`` and ``sysconfig`` place it."""
    if version is None or variables.get("PYTHONNOUSERSITE"):
        return None
    minor = minor_of(version)
    chosen = variables.get("PYTHONUSERBASE")
    if platform.system == "windows":
        base = Path(chosen or Path(os.environ.get("APPDATA", home())) / "Python")
        site = base / f"Python{version.major}{version.minor}" / "site-packages"
    elif "Python.framework" in python.resolve().parts:
        base = Path(chosen or home() / "Library" / "Python" / minor)
        site = base / "lib" / "python" / "site-packages"
    else:
        base = Path(chosen or home() / ".local")
        site = base / "lib" / f"python{minor}" / "site-packages"
    return site if is_folder(site) else None
