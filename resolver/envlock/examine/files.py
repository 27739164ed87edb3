"""Files and texts of any kind → `Examined`, as far as they can be understood.

Of a lock for several platforms, the part for the one that is given is examined,
or else for Linux, or else the first; of one of pip, uv or Poetry, the part for
the first system and Python that it allows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import cast

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from envlock import standards
from envlock.errors import UsageError, refuse_conflict
from envlock.examine.brief import with_short_lines
from envlock.examine.gathered import Gathered, Given, folder_platform, holds, only_minor
from envlock.examine.lines import RequirementLines, settle_manager, take, take_spec
from envlock.examine.logs import examine_text
from envlock.findings import Examined, Kind
from envlock.formats.conda_locks import listing
from envlock.formats.conda_spec import is_for, pypi_name, selected
from envlock.formats.declarations import DECLARED, Declaration
from envlock.formats.environment_yml import EntryOwner, EnvironmentEntry, parse_environment_yml
from envlock.formats.faults import shown
from envlock.formats.listings import HEAD, folder_of, rows
from envlock.formats.logs import is_log
from envlock.formats.pixi_toml import of_pixi_tables
from envlock.formats.pyproject import Project
from envlock.formats.reading import read_lenient
from envlock.formats.registry import FileFormat, detect, named
from envlock.formats.toml_locks import TomlPackage, read_packages
from envlock.model import Platform
from envlock.rules.frameworks import framework
from envlock.targets.platforms import KNOWN, this_platform

Environment = Mapping[str, str]
Reader = Callable[[Path, str, Given], Examined]
_USUAL = "linux-64"
#: What pip freeze leaves out although it is there.
_UNTOLD = tuple(map(canonicalize_name, ("distribute", "pip", "setuptools", "wheel")))
_UNREAD = 100  # lines that cannot be read, above which a text is a log


def examine_lock(path: Path, text: str, given: Given) -> Examined:
    """Examine a lock of pip, uv or Poetry.

    Raises:
        UsageError: it is not TOML, or holds no list of packages.
    """
    pythons, packages = read_packages(str(path), text)
    gathered = Gathered(origin=str(path), given=given, manager="pip", complete=True)
    gathered.python = only_minor(pythons)
    for package in reached(packages, _environment_of(gathered, pythons)):
        version = standards.version(package.version)
        if version is None:
            gathered.bound(package.name, SpecifierSet(), str(path))
        else:
            gathered.pin(package.name, version, str(path))
    return gathered.examined(Kind.FILE)


def _environment_of(gathered: Gathered, pythons: SpecifierSet) -> Environment:
    environments = gathered.given.environments()
    allowed = [each for each in environments if pythons.contains(each["python_full_version"])]
    return (allowed or environments)[0]


def reached(packages: Sequence[TomlPackage], environment: Environment) -> list[TomlPackage]:
    """The packages that are installed in an environment: from those nobody needs, along edges."""
    needed = {name for package in packages for name, _, _ in package.needs}
    by_name: dict[str, list[TomlPackage]] = {}
    for package in packages:
        if not package.markers or any(_holds(text, environment) for text in package.markers):
            by_name.setdefault(package.name, []).append(package)
    waiting = [each for group in by_name.values() for each in group if each.name not in needed]
    found: dict[tuple[str, str], TomlPackage] = {}
    while waiting:
        package = waiting.pop()
        if (package.name, package.version) in found:
            continue
        found[package.name, package.version] = package
        for name, version, marker in package.needs:
            if _holds(marker, environment):
                meant = by_name.get(name, [])
                waiting.extend(each for each in meant if version in {"", each.version})
    return [each for each in packages if (each.name, each.version) in found and each.released]


def _holds(marker: str, environment: Environment) -> bool:
    condition = standards.marker(marker) if marker else None
    return condition is None or holds(condition, (environment,)) is not False


def examine_path(path: Path, given: Given | None = None) -> Examined:
    """Examine a file: requirements, listings, environment files, locks, projects or logs.

    Raises:
        UsageError: it cannot be read, or is of a kind that is known and not
            what its name says; in words, with the line.
    """
    text, part = read_lenient(path)
    if part:
        return examine_part(text, part, str(path), given)
    return examine_content(text, path, given, is_file=True)


def examine_part(text: str, part: str, origin: str, given: Given | None = None) -> Examined:
    """Examine both ends of a text that is too long to be read whole: a log, or nothing.

    Raises:
        UsageError: it is no log.
    """
    if not is_log(text[:HEAD], named=False):
        raise UsageError(
            f"{origin}: more than 10 MB, and no log: a part of a list says nothing",
            "give the part with the error in it",
        )
    found = examine_text(text, given, origin=origin)
    return replace(found, notes=(*found.notes, f"{origin}: {part}"))


def examine_content(
    text: str, origin: Path | str, given: Given | None = None, *, is_file: bool = False
) -> Examined:
    """Examine a text of any kind; one that is no file includes none.

    Raises:
        UsageError: it is of a kind that is known, and damaged; with the line.
    """
    path, given = Path(origin), given or Given()
    found = detect(path, text)
    if found in READERS:
        return READERS[found](path, text, given)
    if FileFormat.REQUIREMENTS in {found, named(path)}:
        refuse_conflict(text, path)
    text = with_short_lines(text)
    if found is FileFormat.FREEZE:
        return _examine_freeze(path, text, given)
    if found is FileFormat.LOG:
        return examine_text(text, given, origin=str(origin))
    gathered = Gathered(origin=str(origin), given=given, manager="pip")
    lines = RequirementLines(gathered=gathered)
    lines.reader.follows = is_file
    for _ in lines.file(path, text):
        if len(gathered.notes) > _UNREAD:
            return examine_text(text, given, origin=str(origin))
    return gathered.examined(Kind.FILE)


def _examine_environment_yml(path: Path, text: str, given: Given) -> Examined:
    """Examine a conda environment file; ``path`` is for notes and includes.

    Raises:
        UsageError: it is not YAML, or not an environment file; with the line.
    """
    reader = _Reader(path, text, given)
    reader.read()
    return reader.gathered.examined(Kind.FILE)


class _Reader:
    def __init__(self, path: Path, text: str, given: Given) -> None:
        self.gathered = Gathered(origin=str(path), given=given)
        self._path = path
        self._file = parse_environment_yml(str(path), text)
        self._pip = RequirementLines(gathered=self.gathered)
        self._by_conda: set[str] = set()

    def read(self) -> None:
        """Take in the whole file."""
        for entry in self._file.odd:
            self.gathered.note(self._where(entry), entry.odd)
        for key, entry in self._file.variables.items():
            self.gathered.variables[key] = entry.text
        if "prefix" in self._file.values:
            self.gathered.platform = folder_platform(self._file.values["prefix"].text)
        for entry in self._file.dependencies:
            if entry.odd:
                self.gathered.note(self._where(entry), entry.odd)
            elif not self._is_meant(entry.selector):
                text = f"{shown(entry.text)} is left out: it is for {entry.selector} only"
                self.gathered.note(self._where(entry), text)
            elif entry.by is EntryOwner.PIP:
                self._pip.line(self._path, entry.text, self._where(entry))
            else:
                self._by_conda |= take_spec(self.gathered, entry.text, self._where(entry))
        settle_manager(self.gathered, self._by_conda)

    def _is_meant(self, selector: str) -> bool:
        """An entry for one system counts where that system is meant: this one, if none is told."""
        only = selected(selector) if selector else None
        return only is None or is_for(only, self.gathered.given.platform or this_platform())

    def _where(self, entry: EnvironmentEntry) -> str:
        return f"{self._path}:{entry.line}"


def _examine_project(path: Path, text: str, given: Given) -> Examined:
    """Examine what a project asks for, in PEP 621's, Poetry's and pixi's tables.

    What extras and groups ask for counts where nothing else names the package.

    Raises:
        UsageError: it is not TOML, or has no dependencies in it.
    """
    project = Project(path, text)
    if not project.asks:
        raise UsageError(
            f"{path}: neither [project] nor [tool.poetry] is in it, so it asks for no packages"
        )
    gathered = Gathered(origin=str(path), given=given, manager="pip")
    pythons = project.requires_python()
    gathered.python = None if pythons is None else only_minor(pythons)
    lines = RequirementLines(gathered=gathered)
    for entry in project.dependencies(optional=True):
        if entry.requirement is None and entry.fault is not None:
            lines.salvage(entry.text, entry.where, entry.fault)
        elif entry.requirement is not None:
            gathered.asked(entry.requirement, entry.where)
            if entry.fault is not None:
                gathered.note(entry.where, entry.fault.message)
    for where, fault in project.faults:
        gathered.note(where, fault.message)
    optional = (
        Declaration(where=each.where, text=str(each.requirement), optional=each.key)
        for each in project.optional()
        if each.requirement is not None
    )
    take(path, (*of_pixi_tables(path, text, project.pixi), *optional), gathered)
    return gathered.examined(Kind.FILE)


def _examine_listing(path: Path, text: str, given: Given) -> Examined:
    gathered = Gathered(origin=str(path), given=given, manager="pip", complete=True)
    gathered.platform = folder_platform(folder_of(text))
    for row in rows(text):
        where = f"{path}:{row.where}" if row.where else str(path)
        if row.fault is not None:
            gathered.note(where, row.fault.message)
            continue
        _gather_row(gathered, row.name, row.version, row.channel, where)
        if row.subdir:
            gathered.platform = _of_subdir(row.subdir)
    return gathered.examined(Kind.FILE)


def _examine_explicit(path: Path, text: str, given: Given) -> Examined:
    return replace(_examine_listing(path, text, given), manager="conda")


def _gather_row(
    gathered: Gathered, name: str, version: str, channel: str | None, where: str
) -> None:
    """Keep one package; those of conda have a channel, and ``pypi`` where pip brought them."""
    by_conda = channel not in {None, "", "pypi", "<pip>"}
    own = pypi_name(name) if by_conda else canonicalize_name(name)
    if own in framework().decisive:
        gathered.manager = "conda" if by_conda else "pip"
    known = standards.version(version)
    if known is None:
        gathered.bound(own, SpecifierSet(), where)
        return
    if own == "python":
        gathered.python = known
    else:
        gathered.pin(own, known, where)


def _examine_freeze(path: Path, text: str, given: Given) -> Examined:
    gathered = Gathered(origin=str(path), given=given, manager="pip", complete=True)
    lines = RequirementLines(gathered=gathered)
    lines.reader.follows = False
    for _ in lines.file(path, text):
        pass
    for name in _UNTOLD:
        if name not in gathered.mentions:
            gathered.bound(NormalizedName(name), SpecifierSet(), gathered.origin)
    if named(path) is not FileFormat.REQUIREMENTS:  # a listing, which nobody installs from
        gathered.requests.clear()
    return gathered.examined(Kind.FILE)


def _of_subdir(subdir: str) -> Platform | None:
    return next((known.platform for known in KNOWN if known.conda == subdir), None)


def _examine_conda_lock(path: Path, text: str, given: Given) -> Examined:
    """Examine a lock of conda-lock, pixi or micromamba, of any version of its format.

    Raises:
        UsageError: it is none, has no such environment, or is not for the given platform.
    """
    found = listing(path.name, text, given.environment)
    gathered = Gathered(origin=str(path), given=given, manager="conda", complete=True)
    if not found.packages:
        return gathered.examined(Kind.FILE)
    subdir = _chosen(found.packages, path, given)
    gathered.platform = _of_subdir(subdir)
    if len(found.packages) > 1 and given.platform is None:
        gathered.note(str(path), f"the part for {subdir}; --platform names another")
    others = [each for each in found.environments if each != found.chosen]
    if others and given.environment is None:
        names = ", ".join(others)
        gathered.note(str(path), f"the environment {found.chosen}; -E names another: {names}")
    for package in found.packages[subdir]:
        channel = "pypi" if package.pip else "conda"
        _gather_row(gathered, package.name, package.version, channel, str(path))
    return gathered.examined(Kind.FILE)


def _chosen(parts: Mapping[str, object], path: Path, given: Given) -> str:
    """The subdir whose packages are meant."""
    wanted = given.platform
    if wanted is None:
        return _USUAL if _USUAL in parts else next(iter(parts))
    held = {known.platform: known.conda for known in KNOWN if known.conda in parts}
    for platform, subdir in held.items():
        if platform.system == wanted.system and wanted.machine in {"", platform.machine}:
            return subdir
    said = "-".join(filter(None, (wanted.system, wanted.machine)))
    raise UsageError(
        f"{path}: is not for {said}; it is for {', '.join(parts)}",
        *(f"--platform {platform}" for platform in held),
    )


def _later(module: str, function: str, *more: object) -> Reader:
    """A reader that is imported when such a file is read: most commands read none."""

    def read(path: Path, text: str, given: Given) -> Examined:
        own = getattr(import_module(f"envlock.examine.{module}"), function)
        return cast("Examined", own(path, text, given, *more))

    return read


#: Who examines a file of each format that is more than lines of requirements.
READERS: Mapping[FileFormat | None, Reader] = {
    FileFormat.CONDA_LOCK: _examine_conda_lock,
    FileFormat.ENVIRONMENT: _examine_environment_yml,
    FileFormat.EXPLICIT: _examine_explicit,
    FileFormat.LISTING: _examine_listing,
    FileFormat.PIXI: _examine_conda_lock,
    FileFormat.PDM_LOCK: examine_lock,
    FileFormat.POETRY_LOCK: examine_lock,
    FileFormat.PYLOCK: examine_lock,
    FileFormat.PYPROJECT: _examine_project,
    FileFormat.UV_LOCK: examine_lock,
    FileFormat.CODE: _later("code", "examine_script"),
    FileFormat.NOTEBOOK: _later("declared", "examine_notebook"),
    **{found: _later("declared", "examine_declared", found) for found in DECLARED},
}
