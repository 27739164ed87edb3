"""Packages and libraries that an environment has from two places at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from envlock.environment.commands import Commands, remedy
from envlock.environment.faults import fault, several
from envlock.environment.layout import CondaRecord, Layout, files_of
from envlock.environment.records import Distribution
from envlock.findings import Finding
from envlock.model import Remedy, RemedyKind
from envlock.system.typed import command

_H5PY = canonicalize_name("h5py")
#: A pip that renews these does what everybody does, and nothing links to them.
_TOOLS = frozenset({"pip", "setuptools", "wheel"})
#: The library alone (not _hl, _cpp); auditwheel puts eight hex digits into the name.
_HDF5 = re.compile(r"libhdf5(?:-[0-9a-f]{8})?\.(?:so\.(\d[\d.]*)|(\d+)\.dylib)|(hdf5)\.dll")
#: Its version and its file.
_Library = tuple[str, Path]
_LIBRARY_PATHS = {"linux": "LD_LIBRARY_PATH", "macos": "DYLD_LIBRARY_PATH"}


def of_conda(
    distributions: Iterable[Distribution], packages: Mapping[NormalizedName, CondaRecord]
) -> frozenset[Distribution]:
    """Return those that conda installed: conda-build writes itself into INSTALLER.

    Older packages have none; then a record of the name decides.
    """
    return frozenset(
        each
        for each in distributions
        if each.installer == "conda" or (not each.installer and each.name in packages)
    )


def conda_and_pip(
    distributions: Iterable[Distribution],
    packages: Mapping[NormalizedName, CondaRecord],
    commands: Commands,
) -> Iterator[Finding]:
    """Yield one finding for all that pip installed over what conda's records list.

    A conda package of the same name may be a C library, such as flatbuffers;
    only those that put something into site-packages count.
    """
    both = [
        (each, packages[each.name])
        for each in distributions
        if each.name in packages and each.name not in _TOOLS and _is_python(packages[each.name])
    ]
    if not both:
        return
    names = [each.name for each, _ in both]
    yield fault(
        "conda-and-pip-own",
        f"conda's records list {several(names)}, and pip has installed over that; either removes "
        "or replaces files of the other without notice.",
        [each for each, _ in both],
        remedy(commands.uninstall(*names), commands.conda_reinstall(*names)),
        confidence=0.8,
        evidence=(
            f"{each.name}: {package.version} by conda, {each.version} by {each.installer}"
            for each, package in both
        ),
    )


def _is_python(package: CondaRecord) -> bool:
    return any("site-packages/" in path for path in files_of(package))


def user_site(
    user: Mapping[NormalizedName, Distribution],
    hidden: Mapping[NormalizedName, Distribution],
    layout: Layout,
    commands: Commands,
) -> Iterator[Finding]:
    """Yield one finding for all versions of the user site that hide others."""
    pairs = [
        (user[name], hidden[name])
        for name in sorted(user.keys() & hidden.keys())
        if user[name].version != hidden[name].version
    ]
    if not pairs:
        return
    setting = "PYTHONNOUSERSITE=1"
    remedies = [Remedy(kind=RemedyKind.SETTING, text=setting)]
    if layout.conda:
        words = ("conda", "env", "config", "vars", "set", "--prefix", layout.prefix, setting)
        remedies.insert(0, remedy(command(*words)))
    elif commands.pip:
        remedies.append(remedy(commands.uninstall(*(each.name for each, _ in pairs))))
    first, other = pairs[0]
    more = f"; likewise {several([each.name for each, _ in pairs[1:]])}" if pairs[1:] else ""
    yield fault(
        "user-site-leak",
        f"{first} of {first.site} is imported in place of {other.version} of {other.site}{more}.",
        [each for each, _ in pairs],
        *remedies,
        evidence=(f"{each} hides {hides.version}" for each, hides in pairs),
    )


def two_hdf5(h5py: Distribution | None, layout: Layout, commands: Commands) -> Iterator[Finding]:
    """Yield the HDF5 libraries that may be loaded in place of the one that h5py brings.

    Told apart by the version in the file name; on Windows, which has none, by size.
    """
    if h5py is None:
        return
    own = _hdf5_in(h5py.site / "h5py.libs", h5py.site / "h5py" / ".dylibs", h5py.site / "h5py")
    of_prefix = _hdf5_in(layout.prefix / "lib", layout.prefix / "Library" / "bin")
    if layout.conda and own and of_prefix and own[0] != of_prefix[0]:
        yield _second_hdf5(
            h5py,
            own[1],
            of_prefix[1],
            remedy(
                commands.uninstall(_H5PY),
                command("conda", "install", "--prefix", layout.prefix, _H5PY),
            ),
        )
    used = own or (of_prefix if layout.conda else None)
    if used is not None:
        yield from _on_library_path(h5py, used, layout)


def _on_library_path(h5py: Distribution, used: _Library, layout: Layout) -> Iterator[Finding]:
    variable = _LIBRARY_PATHS.get(layout.platform.system, "")
    folders = [each for each in layout.variables.get(variable, "").split(os.pathsep) if each]
    wrong = {
        folder: found[1]
        for folder in folders
        if (found := _hdf5_in(Path(folder))) is not None and found[0] != used[0]
    }
    if wrong:
        rest = os.pathsep.join(each for each in folders if each not in wrong)
        way = command("export", f"{variable}={rest}") if rest else command("unset", variable)
        other = next(iter(wrong.values()))
        yield _second_hdf5(h5py, used[1], other, remedy(way), f" ({variable})")


def _second_hdf5(
    h5py: Distribution, own: Path, other: Path, cure: Remedy, how: str = ""
) -> Finding:
    return fault(
        "two-hdf5",
        f"{h5py} uses {own.name}, and {other.parent}{how} has {other.name}; a program that loads "
        "both stops, or reads wrong.",
        (h5py,),
        cure,
        confidence=0.5,
        evidence=(str(own), str(other)),
        aliases=("hdf5-header-mismatch",),
    )


def _hdf5_in(*folders: Path) -> _Library | None:
    """Return the version of the HDF5 library in one of the folders, and its file."""
    found: list[tuple[str, Path]] = []
    for folder in folders:
        try:
            names = os.listdir(folder)  # noqa: PTH208  (names alone are wanted)
        except OSError:
            continue
        for name in names:
            if said := _HDF5.fullmatch(name):
                size = str((folder / name).stat().st_size) if said[3] else ""
                found.append((said[1] or said[2] or size, folder / name))
    return max(found, key=lambda each: (len(each[0]), each), default=None)
