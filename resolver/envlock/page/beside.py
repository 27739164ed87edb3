"""What stands beside the framework in requirement files, as a table of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from envlock.evidence.values import CellEvidence, CompanionSet, ProvedSet
from envlock.outcomes import Crashed, Failed, Skipped
from envlock.page.templates import asset, filled
from envlock.versions import minor_of

_LONGEST = 300  # characters of a reason


def section(cells: Sequence[CellEvidence]) -> str:
    """Return the part of the page about companions, or "" where none was run."""
    table = _table(cells)
    every = [reason(name, proved) for each in cells for name, proved in sets_of(each)]
    good = sum(not each for each in every)
    values = {"table": table, "good": str(good), "all": str(len(every))}
    return filled(asset("companions.html"), values) if table else ""


def _table(cells: Sequence[CellEvidence]) -> str:
    """Companions by releases."""
    names = list(dict.fromkeys(name for each in cells for name, _ in sets_of(each)))
    if not names:
        return ""
    head = "".join(
        f'<th scope="col">{escape(minor_of(each.cell.version))}'
        f"<small>{escape(each.cell.python)}</small></th>"
        for each in cells
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        f"{''.join(_data(name, dict(sets_of(each))) for each in cells)}</tr>\n"
        for name in names
    )
    return (
        '<table class="narrow" aria-label="Companions by TensorFlow releases">\n'
        f'<thead><tr><th scope="col" class="corner">beside TensorFlow<small>Python</small></th>'
        f"{head}</tr></thead>\n<tbody>\n{rows}</tbody></table>"
    )


def sets_of(evidence: CellEvidence) -> Iterator[tuple[str, ProvedSet]]:
    """Yield the companions that were run in a cell, each with its set."""
    for each in evidence.sets:
        beside = CompanionSet.named(each.name)
        if beside is not None:
            yield beside.package, each


def _data(name: str, sets: dict[str, ProvedSet]) -> str:
    proved = sets.get(name)
    if proved is None:
        return '<td class="void"></td>'
    found = next((v for n, v in proved.pins.items() if n == name), "")
    why = reason(name, proved)
    sign = "✓" if not why else "✗" if proved.outcomes else "∅"
    kind = "full" if not why else "fail" if proved.outcomes else "none"
    title = f"{name} {found}: {why or 'is imported'}"[:_LONGEST]
    return f'<td><span class="tile {kind}" title="{escape(title)}">{sign} {found}</span></td>'


def reason(name: str, proved: ProvedSet) -> str:
    """Say why a companion cannot be used, or "" where it can."""
    if proved.problem:
        return proved.problem.splitlines()[0]
    outcome = next(iter(proved.outcomes), None)
    match outcome:
        case Failed(error=error, detail=detail):
            return f"{error}: {detail}"
        case Crashed(detail=detail):
            return f"ends Python: {detail}"
        case Skipped(detail=detail):
            return f"has nothing to import: {detail}"
        case None:
            return f"{name} was not tried"
        case _:
            return ""
