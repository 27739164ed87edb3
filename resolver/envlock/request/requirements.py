"""Requirements and constraints files in pip's format → `ParsedFile`.

Pure apart from reading. Source of the format: pip's documentation,
"Requirements File Format", and its ``_internal/req/req_file.py``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field
from packaging.requirements import Requirement

from envlock import standards
from envlock.errors import UsageError
from envlock.model import Requested
from envlock.request.options import (
    IGNORED,
    INCLUDES,
    INDEX,
    Option,
    parse_options,
    split_line,
)
from envlock.request.parsed import Faults, ParsedFile, safe, shown
from envlock.request.places import folder_fault
from envlock.request.syntax import parse_requirement
from envlock.system import read_text
from envlock.system.looking import exists

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_LINE_END = re.compile(r"\r\n|\r|\n")
_ROOT_MARKS = ("pyproject.toml", ".git")


def find_root(path: Path) -> Path:
    """Return the folder whose files ``path`` may include.

    That is the nearest one upward with a pyproject.toml or .git, or else the
    file's own.
    """
    folder = path.absolute().parent
    for parent in (folder, *folder.parents):
        if any(exists(parent / mark) for mark in _ROOT_MARKS):
            return parent
    return folder


def parse_requirements(
    path: Path, root: Path | None = None, *, constraint: bool = False
) -> ParsedFile:
    """Read a requirements file and what it includes from inside ``root``.

    ``root`` is `find_root` of the file unless given. With ``constraint``, and
    in a file included by ``-c``, everything is a constraint. Nothing is
    expanded, fetched or evaluated; markers are kept for `applicable`.

    Raises:
        UsageError: a file cannot be read; or lines are malformed or ask for
            what a lock cannot hold, told all at once with file:line.
    """
    text = read_text(path)
    reader = RequirementsReader(root=_real(root or find_root(path)))
    reader.read(path, text, constraint=constraint)
    reader.faults.finish()
    return ParsedFile(
        requirements=tuple(reader.requirements),
        constraints=tuple(reader.constraints),
        notes=tuple(reader.notes.values()),
    )


def logical_lines(text: str, *, as_pip: bool = False) -> Iterator[tuple[int, str]]:
    """Yield the number and text of each line that says something.

    Lines that end in a backslash are joined, under the number of the first;
    comments and blank lines are left out. A comment ends a joined line.
    ``as_pip`` ends lines at form feeds and the like too, as pip does; uv takes
    them for a part of the line, where they are refused.
    """
    lines = text.splitlines() if as_pip else _LINE_END.split(text)
    start, joined = 0, ""
    for number, line in enumerate((*lines, ""), 1):
        start = start if joined else number
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            joined += f"{line[:-1]} "
            continue
        whole = _COMMENT.sub("", f"{joined}{' ' if comment else ''}{line}").strip(" \t")
        joined = ""
        if whole:
            yield start, whole


class RequirementsReader(Struct, kw_only=True):
    """Reads a file and its includes; ``notes`` has one for each file and option.

    Options that choose an index are faults, unless ``indexes`` is a list: then
    they are gathered there.
    """

    root: Path
    indexes: list[str] | None = None
    faults: Faults = field(default_factory=Faults)
    requirements: list[Requested] = field(default_factory=list)
    constraints: list[Requested] = field(default_factory=list)
    notes: dict[tuple[str, str], str] = field(default_factory=dict)
    done: set[tuple[Path, bool]] = field(default_factory=set)

    def read(
        self, path: Path, text: str, *, constraint: bool, chain: tuple[Path, ...] = ()
    ) -> None:
        """Take in one file; ``chain`` holds the files that led here."""
        resolved = _real(path)
        if (resolved, constraint) in self.done:
            return
        self.done.add((resolved, constraint))
        label = self.label(path)
        for count, (number, line) in enumerate(logical_lines(text), 1):
            standards.refuse_crowd(label, count)
            self.line(path, line, f"{label}:{number}", constraint=constraint, chain=chain)

    def line(
        self,
        path: Path,
        line: str,
        where: str,
        *,
        constraint: bool = False,
        chain: tuple[Path, ...] = (),
    ) -> None:
        """Take in one line without its comment; what it includes is looked for beside ``path``."""
        with self.faults.collect(where):
            requirement, rest = split_line(line)
            options = parse_options(rest)
            if requirement:
                self._requirement(requirement, options, where, constraint=constraint)
                return
            for option in options:
                self._option(option, where, path, constraint=constraint, chain=(*chain, path))

    def _requirement(
        self, text: str, options: tuple[Option, ...], where: str, *, constraint: bool
    ) -> None:
        for option in options:
            if option.name in INDEX:
                self._index(option)
                continue
            if option.name not in IGNORED:
                raise UsageError(
                    f"{shown(text)} carries the option {shown(str(option))}:"
                    " a requirement passes none to pip",
                    f"remove {shown(str(option))}",
                )
            self._note(option.name, where)
        requirement = parse_requirement(text)
        if not constraint:
            self.requirements.append(Requested(requirement=requirement, origin=where))
            return
        if requirement.extras:
            self._note("extras", where)
        self.constraints.append(Requested(requirement=_bare(requirement), origin=where))

    def _option(
        self, option: Option, where: str, path: Path, *, constraint: bool, chain: tuple[Path, ...]
    ) -> None:
        if option.name in INDEX:
            self._index(option)
        elif option.name in IGNORED:
            self._note(option.name, where)
        elif option.name in INCLUDES:
            constraint = constraint or option.name == "--constraint"
            self._include(path.parent, option.value, constraint=constraint, chain=chain)
        elif option.name == "--editable":
            raise _editable_fault(option.value)
        else:
            raise UsageError(
                f"{shown(str(option))}: envlock passes no option on to a build", "remove it"
            )

    def _include(
        self, folder: Path, name: str, *, constraint: bool, chain: tuple[Path, ...]
    ) -> None:
        if re.match(r"[a-z][a-z0-9+.-]+:", name, re.IGNORECASE):
            raise UsageError(
                f"{shown(name)} is an address: files are included from inside the project only",
                "download it into the project and include that file",
            )
        if "${" in name or not name.isprintable():
            raise UsageError(
                f"{shown(name)} is not the plain name of a file:"
                " envlock puts no environment variable in the place of ${…}",
                "write the name of the file out",
            )
        path = folder / name
        if not _real(path).is_relative_to(self.root):
            raise UsageError(
                f"{shown(name)} is outside the project {self.root}: it is not included",
                f"copy it into {self.root} and include that file",
            )
        if _real(path) in map(_real, chain):
            names = " -> ".join(self.label(each) for each in (*chain, path))
            raise UsageError(f"an include cycle: {names}", "remove this line")
        try:
            text = read_text(path)
        except UsageError as error:
            raise UsageError(
                f"{shown(name)} cannot be included: {error.message}",
                *(error.remedies or ("put the file there or remove this line",)),
            ) from None
        self.read(path, text, constraint=constraint, chain=chain)

    def _index(self, option: Option) -> None:
        if self.indexes is None:
            raise UsageError(
                f"{shown(str(option))}: a requirements file does not choose where packages come"
                " from",
                f"remove it there and pass it on the command line: {safe(str(option))}",
            )
        self.indexes.append(str(option))

    def _note(self, what: str, where: str) -> None:
        file = where.rpartition(":")[0]
        if what == "extras":
            text = f"{where}: extras are ignored: a constraint only bounds versions"
        else:
            text = f"{where}: {what} is ignored: {IGNORED[what]}"
        self.notes.setdefault((file, what), text)

    def label(self, path: Path) -> str:
        """The name of a file as messages and locks show it: from the root down."""
        place = _real(path.parent) / path.name
        if place.is_relative_to(self.root):
            return place.relative_to(self.root).as_posix()
        return path.name


def _real(path: Path) -> Path:
    """The path without symbolic links; unlike `Path.resolve`, a loop of them is no error."""
    return Path(os.path.realpath(path))


def _bare(requirement: Requirement) -> Requirement:
    bare = Requirement(str(requirement))
    bare.extras = set()
    return bare


def _editable_fault(value: str) -> UsageError:
    if "://" in value:
        return UsageError(
            f"-e {shown(value)} is an editable install: no hash can pin what it will hold",
            "name a release of the package instead",
        )
    return folder_fault(value, f"-e {shown(value)} is an editable install")
