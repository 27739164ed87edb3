"""Examine an environment by its files: what is installed, and what is wrong with it.

None of its code runs: no interpreter is started, no ``.pth`` line and no
``sitecustomize`` is obeyed. `envlock.environment.faults` lists what is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name

from envlock.environment.commands import Commands
from envlock.environment.conda import CondaPackage, conda_packages, files_of
from envlock.environment.declared import broken_requirements, declared_finding, markers_of
from envlock.environment.faults import several
from envlock.environment.file_findings import file_findings, fitting, twice_recorded
from envlock.environment.files import FileState, examine_files
from envlock.environment.inspect import find_environment, site_folders
from envlock.environment.layout import Layout, read_layout
from envlock.environment.owners import conda_and_pip, of_conda, two_hdf5, user_site
from envlock.environment.records import Distribution, Site, read_site
from envlock.findings import Examined, Finding, Kind
from envlock.model import Severity
from envlock.rules.frameworks import frameworks

_Packages = Mapping[NormalizedName, Distribution]

_ORDER = tuple(Severity)


class Examination(Struct, frozen=True, kw_only=True):
    """What is known of an environment, and what is wrong with the state of its files.

    ``findings`` are in the order of their severity. ``own`` are the packages
    in its own folders, where ``examined`` has those of the user's too.
    """

    examined: Examined
    findings: tuple[Finding, ...]
    own: Mapping[NormalizedName, Distribution]


def examine_environment(path: Path | None) -> Examination:
    """Examine a virtual environment, conda prefix or interpreter; None: the active one.

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
    commands = Commands(
        python=layout.python, pip=canonicalize_name("pip") in packages, prefix=layout.prefix
    )
    markers = markers_of(layout.version, layout.platform)
    broken, unjudged = broken_requirements(packages, markers)
    by_conda = frozenset[Distribution]().union(*(each.by_conda for each in own))
    findings = [
        *(found for each in own for found in _folder_findings(each, conda, commands)),
        *_user_site(places, layout, commands),
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
            notes=(*_notes(places, layout), *unjudged),
        ),
        findings=tuple(sorted(findings, key=lambda each: _ORDER.index(each.severity))),
        own=_merged(own),
    )


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


def _folder(path: Path, layout: Layout, conda: Mapping[NormalizedName, CondaPackage]) -> _Folder:
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
    conda: Mapping[NormalizedName, CondaPackage],
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
    folder: _Folder, conda: Mapping[NormalizedName, CondaPackage], commands: Commands
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
