"""Which Python an environment has and where that Python looks for packages.

Read from files alone. The order of the folders is that of CPython's ``site``
module: user site before site-packages, but after those of a virtual
environment that admits the system's.

What conda wrote down about a prefix is in ``conda-meta``; which platform a
Python is of is told by the first bytes of its program.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.documents import Malformed, json_value
from envlock.environment.inspect import prefix_of, site_folders
from envlock.environment.settings import settings_in
from envlock.model import Platform
from envlock.system import contents
from envlock.system.looking import home, is_file, is_folder
from envlock.targets.platforms import this_platform
from envlock.versions import minor_of

#: ``e_machine`` of ELF, ``Machine`` of PE, ``cputype`` of Mach-O.
_ELF = {0x03: "i686", 0x28: "armv7l", 0x3E: "x86_64", 0xB7: "aarch64"}
_PE = {0x014C: "i686", 0x8664: "x86_64", 0xAA64: "arm64"}
_MACHO = {0x01000007: "x86_64", 0x0100000C: "arm64"}
_VERSION = re.compile(r"\d{1,4}\.\d{1,9}(\.\d{1,9}((a|b|rc)\d{1,9})?)?", re.ASCII)
_HEADER = re.compile(r'^#define\s+PY_VERSION\s+"(\d[\w.]{0,99})', re.MULTILINE)
_PROGRAM = re.compile(r"python(\d+\.\d+)")
_LIBRARY = re.compile(r"python(\d)(\d+)\.dll", re.IGNORECASE)
#: Variables that change what these libraries do, or which files are found.
_SPEAKING = re.compile(
    r"TF_(CPP|ENABLE|FORCE|GPU|USE|XLA)_\w+|(CUDA|HDF5|KERAS|PROTOCOL_BUFFERS|XLA)_\w+"
    r"|PYTHON[A-Z]+|(DY)?LD_LIBRARY_PATH"
)


def built_for(program: Path) -> Platform:
    """Return what a program was built for; this machine's platform where its file does not tell.

    The C library is this machine's.
    """
    here = _here()
    try:
        with program.open("rb") as stream:
            start = stream.read(4096)
    except OSError:
        return here
    system, machine = _read(start)
    if not machine:
        return here
    return Platform(system=system, machine=machine, libc=here.libc if system == "linux" else "")


def _read(start: bytes) -> tuple[str, str]:
    """Return system and machine, "" where the bytes do not tell them."""
    if start.startswith(b"\x7fELF"):
        return "linux", _ELF.get(_number(start, 18, 2), "")
    if start.startswith(b"\xcf\xfa\xed\xfe"):
        return "macos", _MACHO.get(_number(start, 4, 4), "")
    if start.startswith(b"MZ"):
        return "windows", _PE.get(_number(start, _number(start, 0x3C, 4) + 4, 2), "")
    return "", ""


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _here() -> Platform:
    here = this_platform()
    return replace(here, libc=_libc()) if here.system == "linux" else here


def _libc() -> str:
    try:
        said = os.confstr("CS_GNU_LIBC_VERSION")
    except (OSError, ValueError):
        said = None
    if said is not None:
        return " ".join((said.split(" ")[0], ".".join(said.split(" ")[-1].split(".")[:2])))
    return "musl" if next(Path("/lib").glob("ld-musl-*.so.1"), None) is not None else ""


class CondaRecord(Struct, frozen=True, kw_only=True):
    """A package that conda installed; ``record`` is its file in ``conda-meta``."""

    name: NormalizedName
    version: str
    record: Path


def conda_packages(prefix: Path) -> Mapping[NormalizedName, CondaRecord]:
    """Return what conda installed into a prefix, by the names of its records.

    A record is ``name-version-build.json``. Without ``conda-meta`` there are none.
    """
    try:
        files = sorted(os.listdir(prefix / "conda-meta"))  # noqa: PTH208  (names alone)
    except OSError:
        return {}
    found = {}
    for file in files:
        parts = file.removesuffix(".json").rsplit("-", 2)
        if file.endswith(".json") and len(parts) == 3:  # noqa: PLR2004  (name, version, build)
            name = canonicalize_name(parts[0])
            found[name] = CondaRecord(
                name=name, version=parts[1], record=prefix / "conda-meta" / file
            )
    return found


def records_of(prefix: Path) -> frozenset[str]:
    """Return the names of a prefix's records: ``name-version-build``."""
    try:
        files = os.listdir(prefix / "conda-meta")  # noqa: PTH208  (names alone)
    except OSError:
        return frozenset()
    return frozenset(each.removesuffix(".json") for each in files if each.endswith(".json"))


def files_of(package: CondaRecord) -> frozenset[str]:
    """Return the paths that a package put under its prefix; none when its record is broken."""
    return frozenset(_listed(package.record))


def files_under(prefix: Path) -> Iterator[str]:
    """Yield the paths that all records of a prefix name."""
    for record in sorted((prefix / "conda-meta").glob("*.json")):
        yield from _listed(record)


def _listed(record: Path) -> Iterator[str]:
    listed = _json(record).get("files")
    return map(str, listed) if isinstance(listed, list) else iter(())


def variables_of(prefix: Path) -> Mapping[str, str]:
    """Return the variables that ``conda env config vars set`` gave a prefix."""
    said = _json(prefix / "conda-meta" / "state").get("env_vars")
    return {str(name): str(value) for name, value in said.items()} if isinstance(said, dict) else {}


def _json(file: Path) -> dict[str, object]:
    try:
        data = json_value(contents(file))
    except (OSError, Malformed):
        return {}
    return data if isinstance(data, dict) else {}


class Layout(Struct, frozen=True, kw_only=True):
    """An environment before its packages are looked at.

    ``own`` are its site-packages, ``user`` the user site, None where it is
    not admitted or not there, and ``path`` all that its Python searches, in
    order. ``variables`` are set here, kept by conda, or set by the environment.
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
    own = site_folders(prefix, version)
    variables = {
        **settings_in(own),
        **{n: value for n, value in os.environ.items() if value and _SPEAKING.fullmatch(n)},
        **variables_of(prefix),
    }
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
