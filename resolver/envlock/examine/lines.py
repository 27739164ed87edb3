"""Lines of requirements, specs of conda and declarations → `Gathered`, a fault as a note."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from envlock import standards
from envlock.errors import UsageError
from envlock.examine.gathered import Gathered, only_minor
from envlock.formats.conda_spec import parse_conda_spec
from envlock.formats.declarations import By, Declaration
from envlock.formats.faults import shown
from envlock.formats.hints import plainly
from envlock.formats.pep508 import is_place, parse_requirement, release_at
from envlock.formats.requirements import INDEX, Line, RequirementsReader
from envlock.rules.frameworks import framework

_BOUND = r"(?:[<>]=?|[=!~]={1,2})\s*[\w.*+!]+"
#: A requirement and then prose: after a bound, or in parentheses.
_BEGINNING = re.compile(
    rf"([A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?(?:\s*{_BOUND}(?:\s*,\s*{_BOUND})*(?=\s)|(?:\s+\d[\w.]*)?(?=\s*\()))"
)
_PYTHON = re.compile(r"python\s*={1,2}\s*(3(?:\.\d{1,9}){1,2})(?:\.\*)?")


class RequirementLines(Struct, kw_only=True):
    """Takes in lines of requirements; a fault is a note, and what can be salvaged counts."""

    gathered: Gathered
    reader: RequirementsReader = field(default_factory=lambda: RequirementsReader(as_pip=True))

    def file(self, path: Path, text: str) -> Iterator[None]:
        """Take in a whole file, and yield after each line."""
        for line in self.reader.file(path, text):
            self.take(line)
            yield

    def line(self, path: Path, text: str, where: str) -> None:
        """Take in one line; what it includes is looked for beside ``path``."""
        for line in self.reader.line(path, text, where):
            self.take(line)

    def take(self, line: Line) -> None:
        """Take in what was read."""
        if line.requirement is not None:
            self.gathered.asked(line.requirement, line.where, only_bound=line.constraint)
        elif line.text and line.fault is not None:
            self.salvage(line.text, line.where, line.fault)
            return
        for option in line.options:
            if option.name == "--editable":
                self._place(option.value, line.where)
            elif option.name in INDEX:  # its value may hold credentials
                self.gathered.note(
                    line.where,
                    f"{option.name} is not followed here: what is judged comes from where pip is"
                    " configured to look",
                )
        if line.fault is not None:
            self.gathered.note(line.where, line.fault.message)

    def salvage(self, text: str, where: str, fault: UsageError) -> None:
        """Take in what a text that is no requirement tells all the same, else note its fault."""
        if len(text) > standards.LONGEST:
            self.gathered.note(where, fault.message)
            return
        if is_place(text):
            self._place(text, where)
            return
        python = _PYTHON.fullmatch(text)
        meant = plainly(text)
        if python is not None:
            self.gathered.python = standards.version(python[1])
        elif meant is not None:
            self.gathered.note(where, f"{shown(text)} is read as {shown(meant[0])}: {meant[1]}")
            self.gathered.asked(Requirement(meant[0]), where)
        else:
            self._beginning(text, where, fault)

    def _beginning(self, text: str, where: str, fault: UsageError) -> None:
        """A line that goes on in prose: the name and versions it begins with, if it has any."""
        begun = _BEGINNING.match(text)
        meant = plainly(begun[1]) if begun else None
        plain = meant[0] if meant else begun[1] if begun else ""
        try:
            self.gathered.asked(parse_requirement(plain), where)
        except UsageError:
            self.gathered.note(where, fault.message)
        else:
            self.gathered.note(where, f"{shown(text)} is read as {shown(plain)}")

    def _place(self, text: str, where: str) -> None:
        """A requirement that is a file or address: its name and version, where it tells them."""
        name, version = release_at(text)
        if name is None:
            self.gathered.note(where, f"{shown(text)} does not tell which package it holds")
        elif version is None:
            self.gathered.bound(name, SpecifierSet(), where)
        else:
            self.gathered.asked(Requirement(f"{name}=={version}"), where)


def take_spec(gathered: Gathered, text: str, where: str) -> set[NormalizedName]:
    """Take in one spec of conda; return the package that it brings, unless that is Python."""
    try:
        spec = parse_conda_spec(text)
    except UsageError as error:
        gathered.note(where, error.message)
        return set()
    if spec.name == "python":
        gathered.python = spec.version or only_minor(spec.specifier) or gathered.python
        return set()
    if spec.version is not None:
        gathered.pin(spec.name, spec.version, where)
    else:
        gathered.bound(spec.name, spec.specifier, where)
    return {spec.name}


def settle_manager(gathered: Gathered, by_conda: Collection[str]) -> None:
    """Say who brings the framework: pip, conda, or None where both bring some of it.

    What pip brings beside what conda does is not all that is asked for.
    """
    named = framework().decisive & gathered.mentions.keys()
    of_conda = named & set(by_conda)
    if not named:
        gathered.manager = "conda" if by_conda else "pip"
    else:
        gathered.manager = "conda" if of_conda == named else None if of_conda else "pip"
    if by_conda:
        gathered.requests.clear()


def take(
    path: Path, declared: Iterable[Declaration], gathered: Gathered, *, follows: bool = True
) -> None:
    """Take in what a file declares.

    What belongs to an extra or a group counts for packages that nothing else
    names, and for the Python: others are alternatives, of which nobody said
    which is meant. Of several groups the first that names a package counts.
    """
    lines = RequirementLines(gathered=gathered)
    lines.reader.follows = follows
    taker = _Taker(path, gathered, lines)
    optional: list[Declaration] = []
    for each in declared:
        if each.optional:
            optional.append(each)
        else:
            taker.take(each)
    told, count = set(gathered.mentions), len(gathered.requests)
    named = {*told, *({"python"} if taker.tells_python else ())}
    group: dict[str, str] = {}
    for each in optional:
        name = _name_in(each)
        if name is None or (
            name not in named and group.setdefault(name, each.optional) == each.optional
        ):
            taker.take(each)
    if told:  # an installer takes none of these unless it is told to
        del gathered.requests[count:]
    taker.finish()


def _name_in(each: Declaration) -> str | None:
    """The package that a declaration names, or Python; None where its words do not tell."""
    if each.by is By.PYTHON:
        return "python"
    if each.by is not By.CONDA:
        found = standards.requirement(each.text)
        return None if found is None else canonicalize_name(found.name)
    try:
        return parse_conda_spec(each.text).name
    except UsageError:
        return None


class _Taker:
    """Takes in declarations, each in the words that it is written in."""

    def __init__(self, path: Path, gathered: Gathered, lines: RequirementLines) -> None:
        self._path = path
        self._gathered = gathered
        self._lines = lines
        self.tells_python = False
        self._conda: set[str] = set()
        self._there = False

    def take(self, each: Declaration) -> None:
        """Take in one."""
        if each.fault is not None:
            self._gathered.note(each.where, each.fault.message)
        if not each.text:
            return
        if each.by is By.PYTHON:
            self.tells_python = True
            self._python(each)
        elif each.by is By.CONDA:
            self._conda |= take_spec(self._gathered, each.text, each.where)
        else:
            self._there |= each.by is By.BASE
            self._lines.line(self._path, each.text, each.where)

    def _python(self, each: Declaration) -> None:
        admitted = standards.specifiers(each.text)
        if admitted is None:
            self._gathered.note(each.where, f"{each.text} is not a range of Pythons")
            return
        exactly = next((s.version for s in admitted if s.operator == "=="), "")
        said = None if exactly.endswith(".*") else standards.version(exactly)
        self._gathered.python = said or only_minor(admitted) or self._gathered.python

    def finish(self) -> None:
        """Say who brings the framework, and whether an installer decides the rest."""
        settle_manager(self._gathered, self._conda)
        if self._there:  # what a base has is not an installer's to choose
            self._gathered.requests.clear()
