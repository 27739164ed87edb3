"""Files given to ``-r`` and ``-c`` → `ParsedFile`: what a lock can hold, or every fault."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidName, NormalizedName, canonicalize_name

from envlock import standards
from envlock.errors import UsageError
from envlock.formats.declarations import DECLARED, By, Declaration, declarations
from envlock.formats.faults import Faults, shown
from envlock.formats.lockfile import STRONG_HASH
from envlock.formats.pyproject import Entry, Project
from envlock.formats.registry import ROWS, Can, FileFormat, can, meant
from envlock.formats.requirements import (
    IGNORED,
    INCLUDES,
    INDEX,
    KINDS,
    Line,
    Option,
    RequirementsReader,
    find_root,
    real_path,
)
from envlock.formats.wishes import parse_wish
from envlock.index.secrets import learn_url
from envlock.model import Requested, Selection, SelectionKind
from envlock.request.words import parse_words
from envlock.system import read_text


class FileOption(Struct, frozen=True, kw_only=True):
    """An option for pip that stands in a file; ``base`` is the folder that its paths are from."""

    option: Option
    where: str
    base: Path


class ParsedFile(Struct, frozen=True, kw_only=True):
    """What one file asks for, includes followed.

    ``requires_python`` is a project's own; ``notes`` are sentences on what
    was read and left out, each with its place. ``optional`` is what its extras
    and groups ask for beside that, each by itself. ``options`` say where
    packages come from, and which files of them are taken.
    """

    requirements: tuple[Requested, ...]
    optional: Mapping[Selection, tuple[Requested, ...]] = field(default_factory=dict)
    constraints: tuple[Requested, ...] = ()
    requires_python: SpecifierSet | None = None
    notes: tuple[str, ...] = ()
    options: tuple[FileOption, ...] = ()


class Apart(Struct, frozen=True, kw_only=True):
    """Which extras and groups of a project are taken each by itself: all but some, or none."""

    extras: bool = False
    groups: bool = False
    but_extras: tuple[str, ...] = ()
    but_groups: tuple[str, ...] = ()


def parse_requirements(
    path: Path, text: str, root: Path | None = None, *, constraint: bool = False
) -> ParsedFile:
    """Read a requirements file's text and what it includes from inside ``root``.

    ``root`` is `find_root` of the file unless given. With ``constraint``, and
    in a file included by ``-c``, everything is a constraint. Nothing is
    expanded, fetched or evaluated; markers are kept for `applicable`.

    Raises:
        UsageError: an included file cannot be read; or lines are malformed or ask for
            what a lock cannot hold, told all at once with file:line.
    """
    asked = RequestLines(root=root or find_root(path))
    asked.take(asked.reader.file(path, text, constraint=constraint))
    asked.faults.finish()
    return ParsedFile(
        requirements=tuple(asked.requirements),
        constraints=tuple(asked.constraints),
        notes=tuple(asked.notes.values()),
        options=tuple(asked.options),
    )


class RequestLines:
    """Sorts lines into what is asked for; ``notes`` has one for each file and option.

    Places are from ``base``, the current folder unless given.
    """

    def __init__(self, *, root: Path, base: Path | None = None) -> None:
        self.root = real_path(root)
        self._base = base or Path()
        self.reader = RequirementsReader(root=self.root, label=self.label, parse=self._wish)
        self.options: list[FileOption] = []
        self.faults = Faults()
        self.requirements: list[Requested] = []
        self.constraints: list[Requested] = []
        self.notes: dict[tuple[str, str], str] = {}

    def _wish(self, text: str, *, editable: bool = False) -> Requirement:
        return parse_wish(text, editable=editable, base=self._base)

    def take(self, lines: Iterable[Line]) -> None:
        """Take in lines, until there are more faults than anybody reads."""
        for line in lines:
            with self.faults.collect(line.where):
                self._line(line)
            if self.faults.enough:
                return

    def _line(self, line: Line) -> None:
        for option in line.options:
            self._option(option, line)
        if line.fault is not None:
            raise line.fault
        if line.requirement is None:
            return
        if not line.constraint:
            self.requirements.append(Requested(requirement=line.requirement, origin=line.where))
            return
        if line.requirement.extras:
            self._note("extras", line.where)
        bare = _bare(line.requirement)
        self.constraints.append(Requested(requirement=bare, origin=line.where))

    def _option(self, option: Option, line: Line) -> None:
        if option.name in INDEX | KINDS and line.text:
            learn_url(option.value)
            self._note(option.name, line.where)
        elif option.name in INDEX | KINDS:
            learn_url(option.value)
            base = self.root / line.where.rpartition(":")[0]
            self.options.append(FileOption(option=option, where=line.where, base=base.parent))
        elif option.name == "--hash" and not STRONG_HASH.fullmatch(option.value.lower()):
            raise UsageError(
                f"{shown(str(option))}: this is no sha256, sha384 or sha512 hash",
                "remove it: the lock gets the hashes of what it pins",
            )
        elif option.name in IGNORED:
            self._note(option.name, line.where)
        elif line.text:
            raise UsageError(
                f"{shown(line.text)} carries the option {shown(str(option))}:"
                " a requirement passes none to pip",
                f"remove {shown(str(option))}",
            )
        elif option.name == "--editable":
            wish = self._wish(option.value, editable=True)
            self.requirements.append(Requested(requirement=wish, origin=line.where))
        elif option.name not in INCLUDES:
            raise UsageError(
                f"{shown(str(option))}: envlock passes no option on to a build", "remove it"
            )

    def _note(self, what: str, where: str) -> None:
        file = where.rpartition(":")[0]
        if what == "extras":
            text = f"{where}: extras are ignored: a constraint only bounds versions"
        else:
            alone = "behind a requirement it is, as by pip: write it on a line of its own"
            text = f"{where}: {what} is ignored: {IGNORED.get(what, alone)}"
        self.notes.setdefault((file, what), text)

    def label(self, path: Path) -> str:
        """The name of a file as messages and locks show it: from the root down."""
        place = real_path(path.parent) / path.name
        if place.is_relative_to(self.root):
            return place.relative_to(self.root).as_posix()
        return path.name


def _bare(requirement: Requirement) -> Requirement:
    bare = Requirement(str(requirement))
    bare.extras = set()
    return bare


def parse_project(
    path: Path,
    text: str,
    extras: Collection[str] = (),
    groups: Collection[str] = (),
    apart: Apart = Apart(),  # noqa: B008  (frozen)
) -> ParsedFile:
    """Read a project's dependencies, with those of the extras and groups named.

    An extra that a project asks of itself (``name[extra]``) is replaced by
    what that extra holds. With groups, ``[project]`` may be missing. Those
    that are ``apart`` are `ParsedFile.optional`.

    Raises:
        UsageError: the file is not TOML, an extra or group is not there, or
            entries are malformed; told all at once.
    """
    project = Project(path, text, parse_wish)
    found = [
        *_asked(project, path, project.dependencies(optional=bool(groups) or apart.groups)),
        *(each for name in extras for each in _asked(project, path, project.of_extra(name))),
        *(each for name in groups for each in _asked(project, path, project.of_group(name))),
    ]
    optional = dict(_apart(project, path, apart))
    python = project.requires_python()
    project.faults.finish()
    return ParsedFile(requirements=tuple(found), optional=optional, requires_python=python)


def _apart(
    project: Project, path: Path, apart: Apart
) -> Iterator[tuple[Selection, tuple[Requested, ...]]]:
    """The extras and groups that are wanted each by itself, and what each asks for."""
    kinds: list[tuple[SelectionKind, bool, tuple[str, ...], Callable[[str], Iterator[Entry]]]] = [
        (SelectionKind.EXTRA, apart.extras, apart.but_extras, project.of_extra),
        (SelectionKind.GROUP, apart.groups, apart.but_groups, project.of_group),
    ]
    for kind, wanted, but, entries in kinds:
        for name in but:
            tuple(entries(name))  # tells one that is not there
        left_out = set(map(canonicalize_name, but))
        there = project.extras if kind is SelectionKind.EXTRA else project.groups
        for name in there if wanted else ():
            if canonicalize_name(name) not in left_out:
                with project.faults.collect(str(path)):
                    selection = Selection(kind=kind, name=_name(kind, name))
                    yield selection, tuple(_asked(project, path, entries(name)))


def _name(kind: SelectionKind, name: str) -> NormalizedName:
    """The name of an extra or group as markers have it, which are written with it."""
    try:
        return canonicalize_name(name, validate=True)
    except InvalidName:
        raise UsageError(
            f"{shown(name)} is no name for a {kind} that is to be chosen from a lock",
            "write it with letters, digits, hyphens and underscores",
            f"leave it out: --no-{kind} {shlex.quote(name)}",
        ) from None


def _asked(project: Project, path: Path, entries: Iterable[Entry]) -> Iterator[Requested]:
    for entry in entries:
        if entry.fault is not None:
            project.faults.keep(entry.where, entry.fault)
        elif entry.requirement is not None:
            origin = f"{path.name} [{entry.key}]"
            yield Requested(requirement=entry.requirement, origin=origin)


def _parse_declared(
    path: Path, declared: Iterable[Declaration], root: Path | None, chosen: Collection[str]
) -> ParsedFile:
    """Read what a project's older files ask for; ``chosen`` are extras and categories.

    Raises:
        UsageError: some of it cannot be in a lock, or only running the file
            would tell it; all at once.
    """
    asked = RequestLines(root=root or find_root(path))
    python = SpecifierSet()
    for each in declared:
        if each.optional and each.optional not in chosen:
            continue
        if each.fault is not None:
            asked.faults.keep(each.where, each.fault)
        elif each.by is By.PYTHON:
            python &= standards.specifiers(each.text) or SpecifierSet()
        else:
            asked.take(asked.reader.line(path, each.text, each.where))
    asked.faults.finish()
    return ParsedFile(
        requirements=tuple(asked.requirements),
        constraints=tuple(asked.constraints),
        requires_python=python if str(python) else None,
        notes=tuple(asked.notes.values()),
    )


def read_request_file(
    path: Path,
    root: Path | None = None,
    extras: Collection[str] = (),
    groups: Collection[str] = (),
    apart: Apart = Apart(),  # noqa: B008  (frozen)
) -> ParsedFile:
    """Read a file given to ``-r``.

    ``root`` bounds the includes of a requirements file; ``extras``, ``groups``
    and what is ``apart`` are a project's.

    Raises:
        UsageError: it is of no kind that is understood, or as the reader of
            its kind says.
    """
    text = read_text(path)
    found = meant(path, text)
    if found is FileFormat.PYPROJECT:
        return parse_project(path, text, extras, groups, apart)
    if found is not None and found in DECLARED and can(found, Can.ASK):
        declared = declarations(found, path, text)
        return _parse_declared(path, declared, root, {*extras, *groups})
    _refuse_others(
        path,
        found,
        "requirements files (*.txt, *.in), pyproject.toml, Pipfile, setup.cfg and setup.py",
    )
    return parse_requirements(path, text, root)


def bounds_of(words: Collection[str], origin: str) -> ParsedFile:
    """Return constraints that stand in a setting, not in a file.

    Raises:
        UsageError: one is no requirement.
    """
    found = parse_words(words, origin) if words else ()
    bare = (replace(each, requirement=_bare(each.requirement)) for each in found)
    return ParsedFile(requirements=(), constraints=tuple(bare))


def read_constraints_file(path: Path, root: Path | None = None) -> ParsedFile:
    """Read a file given to ``-c``: everything in it, and in what it includes, is a constraint.

    Raises:
        UsageError: it is of another kind, or as `parse_requirements` says.
    """
    text = read_text(path)
    _refuse_others(path, meant(path, text), "constraints files (*.txt, *.in)")
    return parse_requirements(path, text, root, constraint=True)


def _refuse_others(path: Path, found: FileFormat | None, understood: str) -> None:
    if can(found, Can.BOUND):
        return
    known = found not in {None, FileFormat.REQUIREMENTS, FileFormat.LOG}
    is_other = f"it is {ROWS[found].what}, and " if found and known else ""
    raise UsageError(
        f"{shown(str(path))} is not understood here: {is_other}envlock reads {understood}",
        "write what you need from it into requirements.in: -r requirements.in",
    )
