"""Locks of other tools as far as a look needs them: names, versions, who needs whom.

Nothing can be installed of what is made here: it has no hashes and no files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath

from packaging.utils import NormalizedName

from envlock import standards
from envlock.examine.files import reached
from envlock.formats.conda_locks import ListedPackage, listing
from envlock.formats.conda_spec import pypi_name
from envlock.formats.registry import FileFormat, detect
from envlock.formats.toml_locks import read_packages
from envlock.model import CondaPackage, Lock, LockedPackage, Part
from envlock.targets.description import Interpreter
from envlock.targets.platforms import KNOWN


def listed_lock(name: str, text: str, here: Interpreter) -> Lock | None:
    """Return what a lock lists, None where it is of no tool whose locks are only looked into.

    Of one that is for several systems and Pythons, it is what ``here`` would get.

    Raises:
        UsageError: it is such a lock, and damaged.
    """
    found = detect(PurePath(name), text)
    reader = _READERS.get(found) if found else None
    if reader is None:
        return None
    return Lock(parts=tuple(reader(name, text, here)))


def _of_conda(name: str, text: str, _here: Interpreter) -> Iterator[Part]:
    for subdir, packages in listing(name, text).packages.items():
        pythons = (each.version for each in packages if each.name == "python" and not each.pip)
        yield Part(
            python=".".join(next(pythons, "").split(".")[:2]),
            platform=next((str(each.platform) for each in KNOWN if each.conda == subdir), ""),
            subdir=subdir,
            conda=tuple(_conda(each, subdir) for each in packages if not each.pip),
            pypi=tuple(each for one in packages if one.pip for each in _released(one)),
        )


def _conda(package: ListedPackage, subdir: str) -> CondaPackage:
    return CondaPackage(
        name=package.name,
        version=package.version,
        build="",
        build_number=0,
        subdir=subdir,
        channel="",
        url="",
    )


def _released(package: ListedPackage) -> Iterator[LockedPackage]:
    version = standards.version(package.version)
    if version is not None:
        yield LockedPackage(name=pypi_name(package.name), version=version)


def _of_toml(name: str, text: str, here: Interpreter) -> Iterator[Part]:

    _, every = read_packages(name, text)
    packages = reached(every, {**here.markers, "extra": ""})
    via: dict[NormalizedName, list[str]] = {}
    for package in packages:
        for need, _, _ in package.needs:
            via.setdefault(need, []).append(package.name)
    yield Part(
        python=".".join(str(here.version).split(".")[:2]),
        platform=str(here.platform),
        pypi=tuple(
            LockedPackage(name=each.name, version=version, via=tuple(via.get(each.name, ())))
            for each in sorted(packages, key=lambda each: each.name)
            if (version := standards.version(each.version)) is not None
        ),
    )


_READERS: Mapping[FileFormat, Callable[[str, str, Interpreter], Iterator[Part]]] = {
    FileFormat.CONDA_LOCK: _of_conda,
    FileFormat.PIXI: _of_conda,
    FileFormat.PDM_LOCK: _of_toml,
    FileFormat.POETRY_LOCK: _of_toml,
    FileFormat.UV_LOCK: _of_toml,
}
