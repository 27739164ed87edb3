"""Examine an environment by its files: what is installed, and what is wrong with it.

None of its code runs: no interpreter is started, no ``.pth`` line and no
``sitecustomize`` is obeyed. `envlock.environment.faults` lists what is found.

Requirements in metadata are held against what is installed, as `pip check` does.
"""

from __future__ import annotations

import os
import platform as platform_module
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.environment.built import built_for_numpy1
from envlock.environment.commands import Commands, remedy
from envlock.environment.faults import fault, file_findings, fitting, several, twice_recorded
from envlock.environment.files import FileState, examine_files
from envlock.environment.held import holds_pins
from envlock.environment.inspect import find_environment, site_folders
from envlock.environment.layout import CondaRecord, Layout, conda_packages, files_of, read_layout
from envlock.environment.needs import needs_of
from envlock.environment.owners import conda_and_pip, of_conda, two_hdf5, user_site
from envlock.environment.records import Distribution, Site, read_site
from envlock.environment.shell import Addition, additions
from envlock.findings import PYTHONPATH_LEAK, Examined, Finding, Kind, unmet
from envlock.model import Platform, Severity
from envlock.rules.frameworks import families, frameworks
from envlock.versions import admits

_Visible = Mapping[NormalizedName, Distribution]
#: Words that tell builds of one import package apart: tensorflow-cpu, opencv-python-headless.
_BUILDS = frozenset(
    ("aws", "binary", "contrib", "cpu", "directml", "gpu", "headless", "intel", "macos", "nightly")
)
_Packages = Mapping[NormalizedName, Distribution]
_ORDER = tuple(Severity)


class Broken(Struct, frozen=True, kw_only=True):
    """A requirement that is not met: by whom it is declared, and what there is instead.

    ``there`` is the package in a version that does not fit, ``stand_in``
    another build of it in one that does.
    """

    by: Distribution
    requirement: Requirement
    there: Distribution | None = None
    stand_in: Distribution | None = None


def broken_requirements(
    visible: _Visible, markers: Mapping[str, str]
) -> tuple[tuple[Broken, ...], tuple[str, ...]]:
    """Return the requirements that are not met, and notes on those that cannot be read."""
    needs, notes = needs_of(visible, markers)
    found: list[Broken] = []
    for need in needs:
        name = canonicalize_name(need.requirement.name)
        there = visible.get(name)
        if there is None:
            other = _stand_in(name, need.requirement, visible)
            found.append(Broken(by=need.by, requirement=need.requirement, stand_in=other))
        elif not _fits(need.requirement, there):
            found.append(Broken(by=need.by, requirement=need.requirement, there=there))
    return tuple(found), notes


def _stand_in(name: str, requirement: Requirement, visible: _Visible) -> Distribution | None:
    package = _without_build(name)
    return next(
        (
            each
            for each in visible.values()
            if _without_build(each.name) == package and _fits(requirement, each)
        ),
        None,
    )


def _without_build(name: str) -> str:
    return "-".join(word for word in name.split("-") if word not in _BUILDS)


def _fits(requirement: Requirement, there: Distribution) -> bool:
    return admits(requirement.specifier, there.version)


def declared_finding(broken: Broken, commands: Commands, *, by_conda: bool) -> Finding:
    """Word a requirement that is not met.

    What conda builds is often declared for pip alone, so a missing package
    says little ``by_conda``.
    """
    requirement, there = broken.requirement, broken.there
    name = canonicalize_name(requirement.name)
    instead = "" if broken.stand_in is None else f"; {broken.stand_in} stands in for it"
    version = None if there is None else there.version
    found = unmet(broken.by.name, broken.by.version, requirement, version, instead)
    cure = remedy(commands.install(f"{requirement.name}{requirement.specifier}"))
    if there is not None:
        return replace(found, remedies=(cure,))
    harmless = by_conda or broken.stand_in is not None or name in families().not_imported
    severity = Severity.DECLARED if harmless else Severity.BREAKS
    return replace(found, remedies=(cure,), severity=severity, confidence=0.6)


def markers_of(python: Version | None, platform: Platform) -> dict[str, str]:
    """Return the PEP 508 environment of a CPython; of what is not known, envlock's own."""
    system, sys_platform, os_name = {
        "linux": ("Linux", "linux", "posix"),
        "macos": ("Darwin", "darwin", "posix"),
        "windows": ("Windows", "win32", "nt"),
    }.get(platform.system, ("", sys.platform, "posix"))
    machine = platform.machine
    if system == "Windows":
        machine = {"x86_64": "AMD64", "arm64": "ARM64", "i686": "x86"}.get(machine, machine)
    full = str(python or ".".join(map(str, sys.version_info[:3])))
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": os_name,
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": platform_module.release(),
        "platform_system": system,
        "platform_version": platform_module.version(),
        "python_full_version": full,
        "python_version": ".".join(full.split(".")[:2]),
        "sys_platform": sys_platform,
    }


class Examination(Struct, frozen=True, kw_only=True):
    """What is known of an environment, and what is wrong with the state of its files.

    ``findings`` are in the order of their severity. ``own`` are the packages
    in its own folders, where ``examined`` has those of the user's too.
    """

    examined: Examined
    findings: tuple[Finding, ...]
    own: Mapping[NormalizedName, Distribution]


def examine_environment(path: Path) -> Examination:
    """Examine a virtual environment, conda prefix or interpreter.

    The packages are those that its Python would import, so one of the user
    site stands for the one it hides. What cannot be read is told in the notes.

    Raises:
        UsageError: there is no such environment.
    """
    layout = read_layout(find_environment(path))
    conda = conda_packages(layout.prefix) if layout.conda else {}
    own = tuple(_folder(site, layout, conda) for site in layout.own)
    read = {each.site.path: each for each in own}
    places = [read[site] if site in read else _Folder(site=read_site(site)) for site in layout.path]
    packages = _merged(places)
    commands = _commands(layout, packages)
    shell = additions(layout, os.environ)
    broken, unjudged = broken_requirements(packages, markers_of(layout.version, layout.platform))
    by_conda = frozenset[Distribution]().union(*(each.by_conda for each in own))
    findings = [
        *(found for each in own for found in _folder_findings(each, conda, commands)),
        *_user_site(places, layout, commands),
        *_hiding(shell),
        *two_hdf5(packages.get(canonicalize_name("h5py")), layout, commands),
        *(declared_finding(each, commands, by_conda=each.by in by_conda) for each in broken),
    ]
    return Examination(
        examined=Examined(
            kind=Kind.ENVIRONMENT,
            origin=str(layout.prefix),
            packages={name: packages[name].version for name in sorted(packages)},
            complete=True,
            python=layout.version,
            platform=layout.platform,
            manager=_manager(own, layout),
            variables=layout.variables,
            built=built_for_numpy1(packages),
            notes=(*_notes(places, layout), *unjudged, *_shell_notes(shell)),
        ),
        findings=tuple(sorted(findings, key=lambda each: _ORDER.index(each.severity))),
        own=_merged(own),
    )


def _commands(layout: Layout, packages: _Packages) -> Commands:
    """The environment's own pip, unless it keeps to pins: then what moves them is for uv."""
    pip = canonicalize_name("pip") in packages and not holds_pins(layout.prefix)
    return Commands(python=layout.python, pip=pip, prefix=layout.prefix)


class _Folder(Struct, frozen=True, kw_only=True):
    """A site-packages folder; ``state`` is empty where the files are not the environment's own."""

    site: Site
    state: FileState = field(default_factory=FileState)
    by_conda: frozenset[Distribution] = frozenset()

    def packages(self) -> _Packages:
        """What can be imported; of two records of one distribution, the one that fits."""
        found = {each.name: each for each in self.site.distributions}
        for twin in twice_recorded(self.site.distributions):
            found[twin[0].name] = fitting(twin, self.state)
        return found


def _folder(path: Path, layout: Layout, conda: Mapping[NormalizedName, CondaRecord]) -> _Folder:
    site = read_site(path)
    by_conda = of_conda(site.distributions, conda) if layout.conda else frozenset()
    state = examine_files(site, layout.version, by_conda)
    if by_conda & state.missing.keys():
        place = f"{path.relative_to(layout.prefix).as_posix()}/"
        state = replace(state, missing=dict(_missing(state, by_conda, conda, place)))
    return _Folder(site=site, state=state, by_conda=by_conda)


def _missing(
    state: FileState,
    by_conda: frozenset[Distribution],
    conda: Mapping[NormalizedName, CondaRecord],
    place: str,
) -> Iterator[tuple[Distribution, Sequence[str]]]:
    """Of what conda installed, only what it lists itself: builds leave files of RECORD out."""
    for owner, paths in state.missing.items():
        if owner not in by_conda:
            yield owner, paths
        elif owner.name in conda:
            listed = files_of(conda[owner.name])
            if told := [path for path in paths if place + path in listed]:
                yield owner, told


def _merged(places: Iterable[_Folder]) -> _Packages:
    """Return what is imported when folders are searched in this order."""
    found: dict[NormalizedName, Distribution] = {}
    for place in places:
        for name, each in place.packages().items():
            found.setdefault(name, each)
    return found


def _folder_findings(
    folder: _Folder, conda: Mapping[NormalizedName, CondaRecord], commands: Commands
) -> Iterator[Finding]:
    yield from file_findings(folder.site, folder.state, commands, folder.by_conda)
    others = {each.name: each for each in folder.site.distributions if each not in folder.by_conda}
    yield from conda_and_pip(others.values(), conda, commands)


def _user_site(places: Sequence[_Folder], layout: Layout, commands: Commands) -> Iterator[Finding]:
    if layout.user is not None:
        at = layout.path.index(layout.user)
        before = _merged(places[:at])
        mine = {n: each for n, each in places[at].packages().items() if n not in before}
        yield from user_site(mine, _merged(places[at + 1 :]), layout, commands)


def _hiding(shell: Iterable[Addition]) -> Iterator[Finding]:
    for added in shell:
        if added.hidden and added.variable:
            yield fault(
                PYTHONPATH_LEAK,
                f"{added} is set in this shell: {added.does}; what else is in the environment was"
                " not chosen for that.",
                {each.name: each.version for each in added.hidden},
                remedy(added.away),
                severity=Severity.BREAKS,
                confidence=0.8,
                evidence=map(str, added.hidden),
            )


def _shell_notes(shell: Iterable[Addition]) -> Iterator[str]:
    for each in shell:
        if not each.hidden:
            yield f"{each} {'is set' if each.variable else 'counts'} in this shell: {each.does}"


def _manager(own: Iterable[_Folder], layout: Layout) -> str:
    """Return who installed the framework; without one, who made the environment."""
    if not layout.conda:
        return "pip"
    for folder in own:
        for each in frameworks():
            if (owner := folder.state.packages.get(each.imports[0])) is not None:
                return "conda" if owner in folder.by_conda else "pip"
    return "conda"


def _notes(places: Iterable[_Folder], layout: Layout) -> Iterator[str]:
    if layout.version is None:
        yield f"{layout.prefix}: no file tells the version of its Python"
    for place in places:
        yield from place.site.notes
        yield from (f"{place.site.path / each}: cannot be listed" for each in place.state.unlisted)
        reasons: dict[str, list[str]] = {}
        for each, reason in place.state.unrecorded.items():
            if not each.editable:
                reasons.setdefault(reason, []).append(each.name)
        for reason, names in reasons.items():
            yield f"{place.site.path}: {several(names)}: {reason}, so no file is compared"


def owned_by_conda(prefix: Path) -> frozenset[NormalizedName]:
    """The distributions that conda installed, which envlock leaves to conda."""
    there = conda_packages(prefix)
    return frozenset(
        each.name
        for site in site_folders(prefix)
        for each in of_conda(read_site(site).distributions, there)
    )
