"""What was released, for which Pythons and platforms, and what it declares. Pure.

The data are the files in ``envlock_constraints/releases``: those of frameworks
and ``h5py.json`` come from the package index (``constraints/tools/update_releases.py``),
``cuda.json`` is kept by hand. A version that they do not know is answered with
None: an index may be newer than they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from msgspec import Struct
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.model import Platform, Target
from envlock.rules.frameworks import framework, framework_of


class Release(Struct, frozen=True, kw_only=True):
    """One final release.

    ``yanked`` is the reason, or "". ``wheels`` maps distribution, platform (as
    `Platform` prints it) and oldest system (``glibc 2.17``, ``musl 1.2``,
    ``macos 11.0``, ``windows``) to CPython minors: ``3.9``, free-threaded
    ``3.14t``. ``needs`` holds what a distribution's wheels for a platform
    declare, as PEP 508 lines, without extras and lines that hold for none.
    """

    version: Version
    date: date
    yanked: str
    requires_python: SpecifierSet
    wheels: Mapping[str, Mapping[str, Mapping[str, list[str]]]]
    needs: Mapping[tuple[str, str], tuple[str, ...]]


class FrameworkRelease(Release, frozen=True, kw_only=True):
    """One release of a framework; ``extras`` has the lines that each adds on Linux x86_64."""

    extras: Mapping[str, list[str]]


class H5pyRelease(Release, frozen=True, kw_only=True):
    """One release of h5py; ``hdf5`` is the series in its Linux x86_64 wheels."""

    hdf5: str


class WheelRange(Struct, frozen=True, kw_only=True):
    """The releases of a distribution with a wheel for one Python, oldest first, none yanked.

    ``pythons`` are all that the platform has wheels for. Printed, it is a sentence.
    """

    distribution: str
    minor: str
    platform: Platform
    versions: tuple[Version, ...]
    pythons: tuple[str, ...]

    def __str__(self) -> str:
        system = f"{self.platform} with {self.platform.libc}".removesuffix(" with ")
        if not self.pythons:
            return f"{self.distribution} has no wheel for {system}"
        place = f"CPython {self.minor} on {system}"
        if self.versions:
            span = f"from {self.versions[0]} to {self.versions[-1]}"
            return f"{self.distribution} has wheels for {place} {span}"
        older = minor_key(self.minor) < minor_key(self.pythons[0])
        bound = f"start at {self.pythons[0]}" if older else f"end at {self.pythons[-1]}"
        return f"{self.distribution} has no wheel for {place}: its wheels there {bound}"


class CudaRow(Struct, frozen=True, kw_only=True):
    """The CUDA and cuDNN that the Linux build of a release was tested with, and who says so."""

    cuda: str
    cudnn: str
    source: str


class AndCuda(Struct, frozen=True, kw_only=True):
    """What the extra for CUDA adds on Linux x86_64, for a major version of CUDA.

    ``refusal`` says why PyPI cannot serve all of it, or is "".
    """

    requirements: tuple[Requirement, ...]
    cuda: str
    refusal: str

    @property
    def installable(self) -> bool:
        """Whether PyPI has all of it."""
        return not self.refusal


def framework_releases(name: str = "") -> tuple[FrameworkRelease, ...]:
    """Return every final release on record of a framework, "": the usual one; newest last."""
    return _releases_of(name or framework().name)


@cache
def _releases_of(name: str) -> tuple[FrameworkRelease, ...]:
    return tuple(
        FrameworkRelease(**_common(version, entry), extras=entry.get("extras", {}))
        for version, entry in _read(f"{name}.json").items()
    )


@cache
def h5py_releases() -> tuple[H5pyRelease, ...]:
    """Return every final h5py release from 2.7.0 on, newest last."""
    return tuple(
        H5pyRelease(**_common(version, entry), hdf5=entry["hdf5"])
        for version, entry in _read("h5py.json").items()
    )


def release(version: Version) -> FrameworkRelease | None:
    """Return the framework's release of this version."""
    return _by_version().get(version)


@cache
def _by_version() -> Mapping[Version, FrameworkRelease]:
    return {item.version: item for item in framework_releases()}


def distributions(version: Version, platform: Platform, minor: str) -> tuple[str, ...] | None:
    """Return the distributions of a framework's release with a wheel for this Python."""
    found = release(version)
    if found is None:
        return None
    return tuple(name for name in found.wheels if minor in _pythons(found, name, platform))


def pythons_for(
    version: Version, platform: Platform, distribution: str = ""
) -> tuple[str, ...] | None:
    """Return the CPython minors that a release has wheels for, oldest first."""
    distribution = distribution or framework().name
    found = _find(version, distribution)
    return None if found is None else _pythons(found, distribution, platform)


def contents(version: Version, platform: Platform, distribution: str) -> str:
    """Return the distribution that holds a release's code on a platform: mostly itself.

    Another one where its wheels there are empty and only pull that one in.
    """
    found = _find(version, distribution)
    return distribution if found is None else _contents(found, distribution, str(platform))


def wheels_for(minor: str, platform: Platform, distribution: str = "") -> WheelRange:
    """Return the releases with a wheel for this Python on this platform."""
    distribution = distribution or framework().name
    offered = [
        (item.version, _pythons(item, distribution, platform))
        for item in _table(distribution)
        if not item.yanked
    ]
    return WheelRange(
        distribution=distribution,
        minor=minor,
        platform=platform,
        versions=tuple(version for version, minors in offered if minor in minors),
        pythons=tuple(sorted({each for _, minors in offered for each in minors}, key=minor_key)),
    )


def newest_for(minor: str, platform: Platform, distribution: str = "") -> Version | None:
    """Return the newest release with a wheel for this Python, yanked ones aside."""
    return max(wheels_for(minor, platform, distribution).versions, default=None)


def declared(
    version: Version, package: str, target: Target, distribution: str = ""
) -> SpecifierSet | None:
    """Return the range of ``package`` (normalised) that a release declares for a target.

    None: as `declarations` has it not.
    """
    return declarations(version, target, distribution, only=package).get(canonicalize_name(package))


def declarations(
    version: Version, target: Target, distribution: str = "", *, only: str = ""
) -> dict[NormalizedName, SpecifierSet]:
    """Return the ranges that a release declares for a target, of all packages or ``only`` one.

    An empty shell of a wheel is read through to what it pulls in. Nothing: conda installs
    it; or the release or its wheel for the target is not known.
    """
    distribution = distribution or framework().name
    found = _find(version, distribution)
    if found is None or target.manager == "conda":
        return {}
    platform = str(target.platform)
    environment = dict(target.markers)
    lines = found.needs.get((_contents(found, distribution, platform), platform), ())
    named = (line for line in lines if line.startswith(only))
    ranges: dict[NormalizedName, SpecifierSet] = {}
    for each in standards.applicable(named, environment):
        name = canonicalize_name(each.name)
        if not only or each.name == only:
            ranges[name] = ranges[name] & each.specifier if name in ranges else each.specifier
    return ranges


def cuda_row(version: Version) -> CudaRow | None:
    """Return the CUDA and cuDNN that a framework's release was tested with on Linux."""
    table = _read("cuda.json")
    rows = (row for row in table["rows"] if _speaks_of(row, version))
    found = (CudaRow(cuda=r["cuda"], cudnn=r["cudnn"], source=table["source"]) for r in rows)
    return next(found, None)


def and_cuda(version: Version, minor: str | None = None) -> AndCuda | None:
    """Return what the extra for CUDA of a framework's release brings, where it has one.

    Without ``minor`` a refusal is one that holds for every Python.
    """
    found = release(version)
    extra = framework().cuda_extra
    if found is None or extra not in found.extras:
        return None
    refusals = (
        row["why"]
        for row in _read("cuda.json")["refused"]
        if _speaks_of(row, version)
        and (not row["python"] or (minor is not None and minor in SpecifierSet(row["python"])))
    )
    lines = found.extras[extra]
    major = re.search(r"-cu(\d+)\b", " ".join(lines))
    return AndCuda(
        requirements=tuple(map(Requirement, lines)),
        cuda=major[1] if major else "",
        refusal=next(refusals, ""),
    )


def _speaks_of(row: Mapping[str, str], version: Version) -> bool:
    """Whether a row, which names a framework and releases of it, is of this release."""
    name = framework().name
    return name in row and version in SpecifierSet(row[name])


def minor_key(minor: str) -> tuple[Version, str]:
    """Return what a CPython minor sorts by, ``3.14t`` after ``3.14``."""
    return Version(minor.rstrip("t")), minor


@cache
def _read(name: str) -> Any:  # noqa: ANN401  (JSON)
    return json.loads(files("envlock_constraints").joinpath("releases", name).read_bytes())


def _common(version: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version": Version(version),
        "date": date.fromisoformat(entry["date"]),
        "yanked": entry.get("yanked", ""),
        "requires_python": SpecifierSet(entry["requires_python"]),
        "wheels": entry["wheels"],
        "needs": {
            (name, platform): tuple(group["needs"])
            for group in entry["requires"]
            for name, platforms in group["of"].items()
            for platform in platforms
        },
    }


def _table(distribution: str) -> tuple[Release, ...]:
    if distribution == "h5py":
        return h5py_releases()
    own = framework_of(distribution)
    return framework_releases(own.name if own else "")


def _find(version: Version, distribution: str) -> Release | None:
    return next((item for item in _table(distribution) if item.version == version), None)


def _pythons(found: Release, distribution: str, platform: Platform) -> tuple[str, ...]:
    key = str(platform)
    minors = [
        {each for floor, own in floors.items() if _fits(floor, platform) for each in own}
        for name in {distribution, _contents(found, distribution, key)}
        for floors in [found.wheels.get(name, {}).get(key, {})]
    ]
    return tuple(sorted(set.intersection(*minors), key=minor_key))


def _contents(found: Release, distribution: str, platform: str) -> str:
    """Return the distribution with the code: what an empty shell pulls in, or itself."""
    names = (line.partition("==")[0] for line in found.needs.get((distribution, platform), ()))
    return next((name for name in names if name in found.wheels), distribution)


def _fits(floor: str, platform: Platform) -> bool:
    """Whether the system takes such wheels; one that is not known counts as a new one."""
    library, _, oldest = floor.partition(" ")
    usual = "glibc" if platform.system == "linux" else library
    own, _, number = (platform.libc or usual).partition(" ")
    return library == own and (not number or Version(number) >= Version(oldest))
