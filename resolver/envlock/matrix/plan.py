"""Which cells are run: from flags or a YAML plan, over the releases that are on record. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.choices import Accelerator
from envlock.documents import Malformed, yaml_values
from envlock.errors import UsageError
from envlock.evidence.values import Cell, CellEvidence, Variation
from envlock.model import Platform
from envlock.releases import (
    distributions,
    framework_releases,
    h5py_releases,
    minor_key,
    pythons_for,
)
from envlock.rules.frameworks import framework
from envlock.rules.tables import pythons, table
from envlock.versions import minor_of

_MINOR = re.compile(r"3\.\d{1,3}", re.ASCII)


class MatrixPlan(Struct, frozen=True, kw_only=True):
    """What is run.

    ``releases`` and ``pythons`` choose cells (no pythons: all); only the last
    patch of a minor counts unless ``patches``. ``vary`` are packages of which
    every minor release is tried, ``vary_newest`` only on the newest Python of
    a release. ``baseline`` also runs what a plain resolve gives, ``legacy``
    Keras 2 beside the releases that come with Keras 3. ``companions`` runs what
    ``beside.yaml`` names in the cells that it names, and no other.
    """

    releases: SpecifierSet = field(default_factory=SpecifierSet)
    pythons: tuple[str, ...] = ()
    vary: tuple[NormalizedName, ...] = ()
    vary_newest: bool = False
    baseline: bool = False
    legacy: bool = False
    companions: bool = False
    patches: bool = False
    accelerator: Accelerator = Accelerator.CPU


class CellPlan(Struct, frozen=True, kw_only=True):
    """One cell, and the packages that are varied in it."""

    cell: Cell
    vary: tuple[NormalizedName, ...] = ()
    baseline: bool = False
    legacy: bool = False
    companions: tuple[NormalizedName, ...] = ()


def cells(plan: MatrixPlan, platform: Platform, here: Iterable[str]) -> tuple[CellPlan, ...]:
    """Return the cells of a plan on this platform, newest release first.

    ``here`` are the CPython minors of this machine; cells of others are not run.
    """
    wanted = set(here) if not plan.pythons else set(here) & set(plan.pythons)
    if plan.companions:
        return tuple(_beside(plan, platform, wanted))
    found: list[CellPlan] = []
    for version in _versions(plan):
        minors = [m for m in pythons_for(version, platform) or () if m in wanted]
        for minor in sorted(minors, key=minor_key, reverse=True):
            newest = minor == max(minors, key=minor_key)
            found.append(
                CellPlan(
                    cell=Cell(
                        distribution=_distribution(version, minor, platform, plan.accelerator),
                        version=version,
                        python=minor,
                        platform=str(platform),
                    ),
                    vary=plan.vary if newest or not plan.vary_newest else (),
                    baseline=plan.baseline,
                    legacy=plan.legacy and with_keras_3(version),
                )
            )
    return tuple(found)


def _beside(plan: MatrixPlan, platform: Platform, here: Collection[str]) -> Iterator[CellPlan]:
    """The cells of ``beside.yaml``, of the last patch of each of its releases.

    Of the plain distribution, which is what most companions declare.
    """
    said = table("beside.yaml")[framework().name]
    for version in _versions(replace(plan, patches=False)):
        minor = said["releases"].get(minor_of(version))
        if minor in here:
            cell = Cell(
                distribution=framework().name,
                version=version,
                python=minor,
                platform=str(platform),
            )
            names = tuple(map(canonicalize_name, said["companions"]))
            yield CellPlan(cell=cell, companions=names)


def with_keras_3(version: Version) -> bool:
    """Whether a release of the framework comes with Keras 3."""
    keras = framework().keras
    return keras is not None and version >= keras.third_from


def _versions(plan: MatrixPlan) -> list[Version]:
    """The releases of a plan, newest first, without yanked ones."""
    newest: dict[tuple[int, int], Version] = {}
    versions = sorted(
        (each.version for each in framework_releases() if not each.yanked), reverse=True
    )
    for version in versions:
        newest.setdefault((version.major, version.minor), version)
    kept = versions if plan.patches else list(newest.values())
    return [version for version in kept if plan.releases.contains(version, prereleases=True)]


def _distribution(
    version: Version, minor: str, platform: Platform, accelerator: Accelerator
) -> NormalizedName:
    offered = distributions(version, platform, minor) or ()
    cpu = framework().cpu
    return cpu if accelerator is Accelerator.CPU and cpu in offered and cpu else framework().name


_KEYS = frozenset(MatrixPlan.__struct_fields__)


def read_plan(name: str, text: str) -> MatrixPlan:
    """Read a plan: a YAML mapping with the fields of `MatrixPlan`, ``-`` for ``_``.

    Raises:
        UsageError: keys are unknown or values make no sense.
    """
    try:
        documents = yaml_values(text)
    except Malformed as error:
        raise error.named(name, "YAML") from None
    document = documents[0] if len(documents) == 1 else None
    if not isinstance(document, Mapping):
        raise UsageError(f"{name}: not a plan: a mapping is wanted", 'releases: ">=2.10"')
    values: dict[str, Any] = {}
    for key, value in document.items():
        field = str(key).replace("-", "_")
        if field not in _KEYS:
            known = ", ".join(sorted(each.replace("_", "-") for each in _KEYS))
            raise UsageError(f"{name}: there is no {key!r} in a plan; there are {known}")
        try:
            values[field] = _value(field, value)
        except (ValueError, TypeError) as error:
            raise UsageError(f"{name}: {key}: {error}") from None
    return MatrixPlan(**values)


def _value(field: str, value: object) -> object:
    match field:
        case "releases":
            return specifier(str(value))
        case "pythons":
            return minors(map(str, _items(value)))
        case "vary":
            return tuple(canonicalize_name(str(each)) for each in _items(value))
        case "accelerator":
            return Accelerator(str(value))
        case _:
            pass
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def specifier(text: str) -> SpecifierSet:
    """Return the releases that a text names: a specifier, or one version.

    Raises:
        ValueError: it is neither.
    """
    version = standards.version(text)
    found = standards.specifiers(text if version is None else f"=={version}")
    if found is None:
        raise ValueError(f"{text!r} is neither a version nor a specifier such as >=2.4")
    return found


def minors(texts: Iterable[str]) -> tuple[str, ...]:
    """Return CPython minors, from texts such as ``3.8,3.9``.

    Raises:
        ValueError: one is not ``3.N``.
    """
    found = [each.strip() for text in texts for each in text.split(",")]
    for each in found:
        if not _MINOR.fullmatch(each):
            raise ValueError(f"{each!r} is not a Python such as 3.10")
    return tuple(dict.fromkeys(found))


#: The oldest Python that the probes run on, and hence the oldest that is asked for.
_H5PY = canonicalize_name("h5py")


def missing_cells(known: Sequence[CellEvidence]) -> tuple[Cell, ...]:
    """Return the cells on record, on the platforms that evidence is of, that have none.

    That is the last patch of every minor, on every CPython from 3.6 on that
    has a wheel.
    """
    have = {(each.cell.version, each.cell.python, each.cell.platform) for each in known}
    return tuple(
        plan.cell
        for platform in _platforms(known)
        for plan in cells(MatrixPlan(), platform, _pythons(platform))
        if (plan.cell.version, plan.cell.python, plan.cell.platform) not in have
    )


def missing_series(known: Sequence[CellEvidence]) -> dict[Cell, tuple[str, ...]]:
    """Return the h5py minors with a wheel that were not tried, of each cell where some were."""
    found: dict[Cell, tuple[str, ...]] = {}
    for evidence in known:
        tried = set(_tried(evidence))
        series = h5py_series(evidence)
        if tried and (left := tuple(each for each in series if each not in tried)):
            found[evidence.cell] = left
    return found


def h5py_series(evidence: CellEvidence) -> tuple[str, ...]:
    """Return the h5py minors on record with a wheel for a cell, oldest first."""
    cell = evidence.cell
    platform = _platform(evidence)
    versions = (
        each.version
        for each in h5py_releases()
        if not each.yanked and cell.python in (pythons_for(each.version, platform, "h5py") or ())
    )
    found = set(map(minor_of, versions))
    return tuple(sorted(found, key=Version))


def other_probes(known: Iterable[CellEvidence], probe: str) -> dict[Cell, tuple[str, ...]]:
    """Return the sets that were run with other probes than these, of each cell that has some."""
    found = {
        each.cell: tuple(s.name for s in each.sets if s.circumstances.probe != probe)
        for each in known
    }
    return {cell: names for cell, names in found.items() if names}


def _tried(evidence: CellEvidence) -> Iterator[str]:
    for each in evidence.sets:
        variation = Variation.named(each.name)
        if variation is not None and variation.package == _H5PY:
            yield variation.series


def _platform(evidence: CellEvidence) -> Platform:
    system, _, machine = evidence.cell.platform.partition("-")
    libc = next((each.circumstances.libc for each in evidence.sets), "")
    return Platform(system=system, machine=machine, libc=libc)


def _platforms(known: Sequence[CellEvidence]) -> tuple[Platform, ...]:
    """Return each platform once, with the newest C library that was run on."""
    libraries: dict[str, list[Platform]] = defaultdict(list)
    for each in known:
        libraries[each.cell.platform].append(_platform(each))
    return tuple(max(each, key=_library) for each in libraries.values())


def _library(platform: Platform) -> Version:
    return Version(platform.libc.rpartition(" ")[2] or "0")


def _pythons(platform: Platform) -> tuple[str, ...]:
    found = {
        minor
        for each in framework_releases()
        for minor in pythons_for(each.version, platform) or ()
    }
    oldest = minor_key(pythons().oldest)
    return tuple(each for each in found if minor_key(each) >= oldest and not each.endswith("t"))
