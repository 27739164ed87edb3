"""``*.ipynb``: what its cells printed, what they install, and its kernel's Python. Pure.

Source: nbformat 3 and 4. Cells are read, never run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from envlock.documents import read_json, shaped
from envlock.errors import UsageError
from envlock.formats.declarations import By, Declaration
from envlock.formats.shell import installs

_Text = str | list[str]
#: What stands before a command of a shell in a cell; ``%%bash`` makes the whole cell one.
_MAGIC = ("!", "%")
_SHELLS = ("%%bash", "%%sh", "%%shell", "%%script bash", "%%system")


class _Output(Struct):
    """What one cell printed or raised."""

    text: _Text = ""
    traceback: _Text = ""


class _Cell(Struct):
    cell_type: str = ""
    source: _Text = ""
    outputs: list[_Output] = []


class _Language(Struct, frozen=True):
    version: str = ""


class _Metadata(Struct, frozen=True):
    language_info: _Language = _Language()


class Notebook(Struct):
    """The cells of a notebook, and what it was run with."""

    cells: list[_Cell]
    metadata: _Metadata = _Metadata()

    def outputs(self) -> Iterator[str]:
        """Yield the printed output and tracebacks."""
        for cell in self.cells:
            for output in cell.outputs:
                yield from map(_whole, (output.text, output.traceback))

    def code(self) -> Iterator[str]:
        """Yield the text of each cell; of one that is no code, nothing."""
        for cell in self.cells:
            yield _whole(cell.source) if cell.cell_type == "code" else ""

    def declarations(self, path: Path) -> Iterator[Declaration]:
        """Yield what its cells install, and the Python that it was run with."""
        version = self.metadata.language_info.version
        if version.startswith("3."):
            yield Declaration(where=str(path), text=f"=={version}", by=By.PYTHON)
        for number, cell in enumerate(self.cells, 1):
            if cell.cell_type == "code":
                for command in _commands(_whole(cell.source)):
                    yield from installs(command, f"{path}:cell {number}")


def read_notebook(name: str, text: str) -> Notebook:
    """Return the notebook in a text; ``name`` is for errors.

    Raises:
        UsageError: it is none, with the line.
    """
    document = read_json(name, text)
    if not isinstance(document, dict) or "cells" not in document:
        raise UsageError(f"{name}: not a Jupyter notebook: it has no cells")
    return shaped(f"{name}: not a Jupyter notebook", document, Notebook)


def _commands(source: str) -> Iterator[str]:
    lines = source.splitlines()
    first = next((line.strip() for line in lines if line.strip()), "")
    everything = first.startswith(_SHELLS)
    joined = source.replace("\\\n", " ").splitlines()
    for line in joined:
        command = line.strip()
        if command.startswith(_MAGIC):
            yield command.lstrip("!%").strip()
        elif everything or command.startswith(("pip install", "conda install")):
            yield command


def _whole(value: _Text) -> str:
    return value if isinstance(value, str) else "".join(value)
