"""Requirements in pip's format, read as far as they can be understood.

Pure apart from reading the files that a file includes.
"""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct, field
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import (
    NormalizedName,
    canonicalize_name,
    is_normalized_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from envlock import standards
from envlock.errors import UsageError
from envlock.examine.gathered import Gathered
from envlock.request import find_root, parse_requirement
from envlock.request.hints import plainly
from envlock.request.options import INCLUDES, parse_options, split_line
from envlock.request.parsed import safe, shown
from envlock.request.requirements import logical_lines
from envlock.system import read_text

_ADDRESS = re.compile(
    r"(?:^|[\s@])((?:[a-z][a-z0-9+.-]*:/+|[./~\\]|[A-Za-z]:[\\/])\S+)", re.IGNORECASE
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://\S+$", re.IGNORECASE)
_NAMED = re.compile(r"^([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*@\s")
_BOUND = r"(?:[<>]=?|[=!~]={1,2})\s*[\w.*+!]+"
#: A requirement and then prose: after a bound, or in parentheses.
_BEGINNING = re.compile(
    rf"([A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?(?:\s*{_BOUND}(?:\s*,\s*{_BOUND})*(?=\s)|(?:\s+\d[\w.]*)?(?=\s*\()))"
)
_BOUNDED = re.compile(rf"[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?\s*{_BOUND}")
_LONGEST = 2000  # characters of a requirement without its hashes
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9][\w.-]*)")


class RequirementLines(Struct, kw_only=True):
    """Takes in requirement lines and what they include from inside ``root``."""

    gathered: Gathered
    root: Path | None = None
    done: set[Path] = field(default_factory=set)
    count: int = 0

    def file(self, path: Path, text: str, label: str) -> None:
        """Take in a whole file; ``label`` is how notes name it."""
        self.done.add(path.resolve())
        for number, line in logical_lines(text, as_pip=True):
            self.line(line, f"{label}:{number}", path.parent)

    def line(self, line: str, where: str, folder: Path | None = None) -> None:
        """Take in one line; ``folder`` is where its includes are looked for."""
        self.count += 1
        standards.refuse_crowd(self.gathered.origin, self.count)
        if _too_long(line):
            self.gathered.note(where, f"a line of {len(line):,} characters is not read")
            return
        requirement, rest = split_line(line)
        try:
            if requirement:
                self._requirement(requirement, where)
                return
            for option in parse_options(rest):
                if option.name in INCLUDES and folder is not None:
                    self._include(folder, option.value, where)
                elif option.name == "--editable":
                    self._place(option.value, where)
        except UsageError as error:
            self.gathered.note(where, error.message)

    def _requirement(self, text: str, where: str) -> None:
        if _ADDRESS.search(text.partition(";")[0]):
            self._place(text, where)
            return
        try:
            requirement = parse_requirement(text)
        except UsageError as error:
            meant = plainly(text)
            python = re.fullmatch(r"python\s*={1,2}\s*(3(?:\.\d{1,9}){1,2})(?:\.\*)?", text)
            if python is not None:
                self.gathered.python = standards.version(python[1])
            elif meant is None:
                self._beginning(text, where, error)
            else:
                self.gathered.note(where, f"{shown(text)} is read as {shown(meant[0])}: {meant[1]}")
                self._take(Requirement(meant[0]), where)
            return
        self._take(requirement, where)

    def _beginning(self, text: str, where: str, error: UsageError) -> None:
        """A line that goes on in prose: the name and versions it begins with, if it has any."""
        begun = _BEGINNING.match(text)
        meant = plainly(begun[1]) if begun else None
        plain = meant[0] if meant else begun[1] if begun else ""
        try:
            self._take(parse_requirement(plain), where)
        except UsageError:
            self.gathered.note(where, error.message)
        else:
            self.gathered.note(where, f"{shown(text)} is read as {shown(plain)}")

    def _take(self, requirement: Requirement, where: str) -> None:
        self.gathered.bound(
            canonicalize_name(requirement.name), requirement.specifier, where, requirement.marker
        )

    def _place(self, text: str, where: str) -> None:
        """A requirement that is a file or address: its name and version, where it tells them."""
        name, version = _told_by(text)
        if name is None:
            self.gathered.note(where, f"{shown(text)} does not tell which package it holds")
        elif version is None:
            self.gathered.bound(name, SpecifierSet(), where)
        else:
            self.gathered.pin(name, version, where)

    def _include(self, folder: Path, name: str, where: str) -> None:
        path = folder / name
        if self.root is None:
            self.root = find_root(folder / "requirements.txt")
        if not path.resolve().is_relative_to(self.root.resolve()):
            self.gathered.note(where, f"{shown(name)} is outside the project and is not read")
            return
        if path.resolve() in self.done:
            return
        try:
            text = read_text(path)
        except UsageError as error:
            self.gathered.note(where, f"{shown(name)} is not read: {error.message}")
            return
        self.file(path, text, safe(path.as_posix()))


def _told_by(text: str) -> tuple[NormalizedName | None, Version | None]:
    """The name and version that a file name, address or direct reference tells."""
    head = text.partition(" ;")[0].strip()
    named = _NAMED.match(head)
    address = _ADDRESS.search(head)
    place = (address[1] if address else head).partition("#")[0].partition("?")[0]
    filename = re.sub(r"%2[bB]", "+", place.replace("\\", "/").rstrip("/").rpartition("/")[2])
    try:
        if filename.endswith(".whl"):
            name, version, *_ = parse_wheel_filename(filename)
        else:
            name, version = parse_sdist_filename(filename)
    except ValueError:  # of packaging: a name or version that is none, or has too many digits
        egg = _EGG.search(head)
        return _name(named[1] if named else egg[1] if egg else ""), None
    return (_name(named[1]) if named else name), version


def _name(text: str) -> NormalizedName | None:
    name = canonicalize_name(text)
    return name if is_normalized_name(name) else None


def _too_long(line: str) -> bool:
    return len(line.partition(" --hash=")[0]) > _LONGEST


def looks_like_requirement(line: str) -> bool:
    """Whether a line could stand in a requirements file."""
    if _too_long(line):
        return False
    requirement, rest = split_line(line)
    if not requirement:
        try:
            return bool(parse_options(rest))
        except UsageError:
            return False
    if _NAMED.match(requirement) or _SCHEME.match(requirement):
        return True
    if standards.requirement(requirement) is None:
        return plainly(requirement) is not None or _BOUNDED.match(requirement) is not None
    return True
