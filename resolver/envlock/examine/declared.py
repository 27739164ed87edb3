"""Files that say in their own words what is wanted → `Examined`: images, build files, notebooks."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from envlock.examine.code import used_in_cells
from envlock.examine.gathered import Gathered, Given
from envlock.examine.lines import take
from envlock.examine.logs import examine_text
from envlock.findings import Examined, Kind
from envlock.formats.declarations import declarations
from envlock.formats.notebook import read_notebook
from envlock.formats.registry import FileFormat


def examine_declared(path: Path, text: str, given: Given, found: FileFormat) -> Examined:
    """Examine a file of a format whose reader yields declarations; a lock names all there is.

    Raises:
        UsageError: it is not what its format says; with the line where that is known.
    """
    complete = found is FileFormat.PIPFILE_LOCK
    gathered = Gathered(origin=str(path), given=given, complete=complete)
    take(path, declarations(found, path, text), gathered)
    if complete:
        gathered.requests.clear()
    return gathered.examined(Kind.FILE)


def examine_notebook(path: Path, text: str, given: Given) -> Examined:
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
