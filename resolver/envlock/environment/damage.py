"""Which files of an environment's packages are not as they were installed.

Presence and the sizes of code at once, as `envlock.environment.files` compares
them; the hash of every file that RECORD has one of where it is to be thorough.
Of what conda installed only its own list of files counts: builds leave files
of RECORD out, and conda rewrites paths inside of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.environment.files import examine_files, is_as_recorded
from envlock.environment.inspect import site_folders
from envlock.environment.layout import conda_packages, files_of
from envlock.environment.owners import of_conda
from envlock.environment.records import Distribution, read_site, recorded
from envlock.system.looking import is_file


class Damage(Struct, frozen=True, kw_only=True):
    """What is wrong with the files of one package; paths are from its folder of packages.

    ``changed`` ones are as likely changed in the cache of the installer, which
    links files from there.
    """

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __str__(self) -> str:
        paths = (*self.missing, *self.changed)
        verb = "missing" if not self.changed else "changed" if not self.missing else "not its own"
        more = len(paths) - 1
        return f"{paths[0]}{f' and {more} more are' if more else ' is'} {verb}"


def damages(
    prefix: Path, python: Version | None, *, thorough: bool = False
) -> Mapping[NormalizedName, Damage]:
    """Return what is wrong with the packages of an environment, by their names."""
    conda = conda_packages(prefix)
    found: dict[NormalizedName, Damage] = {}
    for name, package in conda.items():
        if missing := tuple(path for path in files_of(package) if _is_gone(prefix, path)):
            found[name] = Damage(missing=missing)
    for folder in site_folders(prefix, python):
        site = read_site(folder)
        theirs = of_conda(site.distributions, conda) if conda else frozenset[Distribution]()
        state = examine_files(site, python, theirs)
        for each in site.distributions:
            if each in theirs or each.editable:
                continue
            changed = dict.fromkeys(state.changed.get(each, ()))
            if thorough:
                changed |= dict.fromkeys(_other_bytes(each))
            missing = tuple(state.missing.get(each, ()))
            if each.info.suffix == ".dist-info" and not is_file(each.info / "RECORD"):
                missing = (f"{each.info.name}/RECORD",)
            if missing or changed:
                found[each.name] = Damage(missing=missing, changed=tuple(changed))
    return found


def _is_gone(prefix: Path, path: str) -> bool:
    """Whether a file of conda's is not there; bytecode is nobody's loss."""
    return not (path.endswith(".pyc") or os.path.lexists(prefix / path))


def _other_bytes(distribution: Distribution) -> Iterator[str]:
    """The files that are there and do not have their hash; scripts are written anew anywhere."""
    rows = recorded(distribution)
    for folder, name, digest, _ in () if isinstance(rows, str) else rows:
        path = f"{folder}/{name}".lstrip("/")
        own = digest and ".." not in folder.split("/")
        if own and is_as_recorded(distribution.site / path, digest) is False:
            yield path
