"""Scripts and notebooks → `Examined`: the names that their code uses, each with its place."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

from envlock.code.reading import read_script, without_magics
from envlock.code.uses import uses
from envlock.errors import UsageError
from envlock.examine.gathered import Given
from envlock.findings import Examined, Kind, Use
from envlock.formats.notebook import Notebook


def examine_script(path: Path, text: str, given: Given) -> Examined:
    """Examine a script.

    Raises:
        UsageError: it is no Python, of any release.
    """
    script = read_script(text)
    if script is None:
        raise UsageError(f"{path} is no Python that envlock can read")
    notes = [f"{path}:{line}: not understood, and left out" for line in script.aside]
    return Examined(
        kind=Kind.CODE,
        origin=str(path),
        python=given.python,
        platform=given.platform,
        uses=uses(script, str(path)),
        notes=tuple(notes),
    )


def used_in_cells(path: Path, notebook: Notebook) -> tuple[Use, ...]:
    """Return what the cells of a notebook use: what one imports, those after it know."""
    texts = [without_magics(cell) for cell in notebook.code()]
    script = read_script("\n".join(texts))
    if script is None:
        return ()
    starts = [0, *accumulate(text.count("\n") + 1 for text in texts)]
    return tuple(_in_cell(each, path, starts) for each in uses(script, str(path)))


def _in_cell(use: Use, path: Path, starts: list[int]) -> Use:
    cell = max((n for n, start in enumerate(starts) if start < use.line), default=0)
    return Use(
        dotted=use.dotted,
        where=f"{path}:cell {cell + 1}",
        line=use.line - starts[cell],
        column=use.column,
        source=use.source,
    )
