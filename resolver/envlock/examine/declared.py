"""Files that say in their own words what is wanted → `Examined`: images, build files, notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from envlock import standards
from envlock.examine.code import used_in_cells
from envlock.examine.gathered import Gathered, Given, only_minor
from envlock.examine.lines import RequirementLines, take_spec
from envlock.examine.logs import examine_text
from envlock.findings import Examined, Kind
from envlock.formats.declarations import By, Declaration
from envlock.formats.declared import DECLARED, declarations
from envlock.formats.notebook import read_notebook
from envlock.formats.registry import FileFormat
from envlock.rules.frameworks import framework


def take(
    path: Path, declared: Iterable[Declaration], gathered: Gathered, *, follows: bool = True
) -> None:
    """Take in what a file declares.

    What belongs to an extra or a group counts for packages that nothing else
    names: others are alternatives, of which nobody said which is meant.
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
    named, count = set(gathered.mentions), len(gathered.requests)
    for each in optional:
        name = standards.requirement(each.text)
        if name is None or canonicalize_name(name.name) not in named:
            taker.take(each)
    if named:  # an installer takes none of these unless it is told to
        del gathered.requests[count:]
    taker.finish()


class _Taker:
    """Takes in declarations, each in the words that it is written in."""

    def __init__(self, path: Path, gathered: Gathered, lines: RequirementLines) -> None:
        self._path = path
        self._gathered = gathered
        self._lines = lines
        self._conda: set[str] = set()
        self._there = False

    def take(self, each: Declaration) -> None:
        """Take in one."""
        if each.fault is not None:
            self._gathered.note(each.where, each.fault.message)
        if not each.text:
            return
        if each.by is By.PYTHON:
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
        named = framework().decisive & self._gathered.mentions.keys()
        by_conda = named & self._conda
        pip = not (self._conda if not named else by_conda == named)
        self._gathered.manager = None if by_conda and by_conda != named else "pip"
        if not pip:
            self._gathered.manager = "conda"
        if self._conda or self._there:  # what is there already is not an installer's to choose
            self._gathered.requests.clear()


def _examine(found: FileFormat) -> Callable[[Path, str, Given], Examined]:
    """Return the reader of a format; a lock names all that is there."""
    complete = found is FileFormat.PIPFILE_LOCK

    def examine(path: Path, text: str, given: Given) -> Examined:
        gathered = Gathered(origin=str(path), given=given, complete=complete)
        take(path, declarations(found, path, text), gathered)
        if complete:
            gathered.requests.clear()
        return gathered.examined(Kind.FILE)

    return examine


def _examine_notebook(path: Path, text: str, given: Given) -> Examined:
    """Examine what a notebook printed, beside what its cells install.

    Raises:
        UsageError: it is no notebook, with the line.
    """
    notebook = read_notebook(str(path), text)
    printed = examine_text("\n".join(notebook.outputs()), given, origin=str(path))
    gathered = Gathered(origin=str(path), given=given)
    take(path, notebook.declarations(path), gathered)
    wanted = gathered.examined(Kind.FILE)
    packages = {**printed.packages, **wanted.packages}
    return replace(
        wanted if wanted.packages or wanted.loose else printed,
        packages=packages,
        loose={
            name: asked
            for name, asked in {**printed.loose, **wanted.loose}.items()
            if name not in packages
        },
        python=printed.python or wanted.python,
        platform=printed.platform,
        text=printed.text,
        notes=(*printed.notes, *wanted.notes),
        uses=used_in_cells(path, notebook),
    )


#: Who examines a file that declares what it wants in its own words.
READERS: Mapping[FileFormat | None, Callable[[Path, str, Given], Examined]] = {
    FileFormat.NOTEBOOK: _examine_notebook,
    **{found: _examine(found) for found in DECLARED},
}
