"""`envlock capabilities`, `envlock matrix check` and `envlock matrix report`: what was run."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from msgspec import Struct

from envlock import report
from envlock.choices import STANDARD_OUTPUT
from envlock.cli.options import JsonOption
from envlock.cli.output import say, say_json
from envlock.commands.knowledge import RulesOption
from envlock.commands.matrix import CapabilityOptions, EvidenceFolder, PageOptions
from envlock.errors import ExitCode, UsageError
from envlock.evidence import library
from envlock.evidence.judge import Judgement, Witness, judge
from envlock.evidence.values import COMPANIONS, Cell, CellEvidence
from envlock.matrix.plan import minors, missing_cells, missing_series, other_probes
from envlock.page.board import Capability, Levels, boards
from envlock.page.html import page
from envlock.page.picture import picture
from envlock.page.terminal import capability_data, capability_text
from envlock.probes import PROBES
from envlock.probes.proof import probe_digest
from envlock.rules import database
from envlock.system import make_folder, refuse_unwritable, write_texts
from envlock.words import counted

_SHOWN = 3  # sets of one kind

_WIDTH = 86  # columns of a list of rules


def run_capabilities(own: CapabilityOptions, talk: JsonOption) -> int:
    """Do `envlock capabilities`."""
    try:
        pythons = minors(own.python)
    except ValueError as error:
        raise UsageError(str(error), "--python 3.10") from None
    found = capabilities(own.evidence, pythons, own.platform)
    if talk.json:
        data = capability_data(found.cells, found.levels)
        say_json("capabilities", {"gate": list(found.levels.gate), "cells": data})
    else:
        say(capability_text(found.cells, found.missing, found.levels))
    return 0


def run_check(own: EvidenceFolder, added: RulesOption, talk: JsonOption) -> int:
    """Do `envlock matrix check`."""
    found = check(own.evidence, added.rules)
    code = ExitCode.of(problem=bool(found.wrong))
    if talk.json:
        say_json("matrix check", _data(found), exit_code=code)
    else:
        say(report.rows_text(_rows(found)))
    return code


def run_report(
    place: PageOptions, own: EvidenceFolder, added: RulesOption, talk: JsonOption
) -> int:
    """Do `envlock matrix report`."""
    if place.output == STANDARD_OUTPUT:
        raise UsageError("-o -: these are several files, and a folder is needed", "-o report")
    written = write_page(place.output, own.evidence, added.rules)
    if talk.json:
        say_json("matrix report", {"written": list(map(str, written))})
    else:
        say(report.rows_text([("written", str(path)) for path in written]))
    return 0


def _rows(found: Checked) -> list[tuple[str, str]]:
    judged = found.judgement
    sets = sum(len(each.sets) for each in found.cells)
    rows = [
        ("evidence", f"{counted(len(found.cells), 'cell')}, {counted(sets, 'set')}"),
        ("rules", f"{found.rules}, of which evidence supports {len(judged.supported)}"),
    ]
    rows += [("invalid", each) for each in found.faults]
    rows += [("contradicted", line) for line in _grouped(judged.contradictions)]
    rows += [("unexplained", str(each)) for each in judged.unexplained]
    for name, support in judged.supported.items():
        seen = [f"seen in {counted(len(support.seen), 'set')}"] if support.seen else []
        seen += [f"by comparison in {len(support.compared)}"] if support.compared else []
        rows.append(("supported", f"{name}: {', '.join(seen)}"))
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, why in judged.unsupported.items():
        reasons[why].append(name)
    for why, names in reasons.items():
        rows += [("unsupported", line) for line in _wrapped(f"{why}: {', '.join(names)}")]
    return rows + _stale(found)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _stale(found: Checked) -> list[tuple[str, str]]:
    pythons: dict[str, list[str]] = defaultdict(list)
    for cell in reversed(found.missing):
        pythons[f"{cell.distribution} {cell.version} on {cell.platform}, Python"].append(
            cell.python
        )
    rows = [("not run", f"{name} {', '.join(each)}") for name, each in reversed(pythons.items())]
    rows += [("not run", f"{cell}: h5py {', '.join(s)}") for cell, s in found.series.items()]
    if found.probes:
        sets = sum(map(len, found.probes.values()))
        where = counted(len(found.probes), "cell")
        rows.append(("old probe", f"{counted(sets, 'set')} in {where} ran with another script"))
    return rows


def _grouped(witnesses: Sequence[Witness]) -> Iterable[str]:
    """A line a rule, with its first sets."""
    rules: dict[str | None, list[Witness]] = defaultdict(list)
    for each in witnesses:
        rules[each.rule].append(each)
    for rule, found in rules.items():
        shown = "; ".join(map(str, found[:_SHOWN]))
        more = len(found) - _SHOWN
        yield f"{rule}: {shown}" + (f"; and {counted(more, 'more set')}" if more > 0 else "")


def _data(found: Checked) -> dict[str, Any]:
    judged = found.judgement
    return {
        "cells": len(found.cells),
        "invalid": list(found.faults),
        "contradicted": list(map(_witness_data, judged.contradictions)),
        "unexplained": list(map(_witness_data, judged.unexplained)),
        "supported": {
            name: {
                "seen": list(map(_witness_data, each.seen)),
                "compared": list(map(_witness_data, each.compared)),
            }
            for name, each in judged.supported.items()
        },
        "unsupported": dict(judged.unsupported),
        "not_run": {
            "cells": list(map(str, found.missing)),
            "h5py": {str(cell): list(series) for cell, series in found.series.items()},
        },
        "old_probe": {str(cell): list(names) for cell, names in found.probes.items()},
    }


def _witness_data(witness: Witness) -> dict[str, Any]:
    cell = witness.cell
    return {
        "rule": witness.rule,
        "distribution": cell.distribution,
        "version": str(cell.version),
        "python": cell.python,
        "platform": cell.platform,
        "set": witness.name,
        "what": witness.words,
    }


_PAGE, _PICTURE = "index.html", "matrix.svg"


class Capabilities(Struct, frozen=True, kw_only=True):
    """Cells, and those on record of the same platforms and Pythons that were not run."""

    cells: tuple[CellEvidence, ...]
    missing: tuple[Cell, ...]
    levels: Levels


class Checked(Struct, frozen=True, kw_only=True):
    """Evidence held against the rules and against what is on record."""

    cells: tuple[CellEvidence, ...]
    rules: int
    faults: tuple[str, ...]
    judgement: Judgement
    missing: tuple[Cell, ...]
    series: dict[Cell, tuple[str, ...]]
    probes: dict[Cell, tuple[str, ...]]

    @property
    def wrong(self) -> bool:
        """Whether a file is bad, or evidence and rules do not agree."""
        return bool(self.faults or self.judgement.contradictions or self.judgement.unexplained)


def levels() -> Levels:
    """What the probes try, in their order."""
    return Levels(
        all=tuple(
            Capability(name=each.name, proves=each.proves, gate=each.in_default_gate)
            for probe in PROBES.values()
            for each in probe.levels
        )
    )


def capabilities(
    folders: Sequence[Path], pythons: Collection[str], platform: str | None
) -> Capabilities:
    """Return what was seen to work; the evidence of ``folders`` goes over envlock's own.

    Raises:
        UsageError: a folder is missing or holds other files, or nothing is known.
    """
    found = library.load(library.shipped())
    for folder in folders:
        found = found.joined(library.load(library.existing(folder)))
    every = missing_cells(found.cells)
    cells = tuple(each for each in found.cells if _wanted(each.cell, pythons, platform))
    if not found.cells:
        raise UsageError("there is no evidence yet", "envlock matrix run --evidence evidence")
    if not cells:
        platforms = ", ".join(dict.fromkeys(each.cell.platform for each in found.cells))
        raise UsageError(
            f"there is no evidence for this: what there is, is of {platforms}",
            "envlock capabilities",
        )
    return Capabilities(
        cells=cells,
        missing=tuple(each for each in every if _wanted(each, pythons, platform)),
        levels=levels(),
    )


def check(folder: Path | None, rules: Sequence[Path]) -> Checked:
    """Hold the evidence of a folder, or envlock's own, against rules and releases.

    Raises:
        UsageError: the folder is missing, or rules cannot be read.
    """
    found = library.check(_place(folder))
    known = database.load(rules).rules
    return Checked(
        cells=found.cells,
        rules=len(known),
        faults=found.faults,
        judgement=judge(known, found.cells, levels().gate),
        missing=missing_cells(found.cells),
        series=missing_series(found.cells),
        probes=other_probes(found.cells, probe_digest()),
    )


def write_page(folder: Path, evidence: Path | None, rules: Sequence[Path]) -> tuple[Path, ...]:
    """Write the page and the picture into a folder; return the files.

    Raises:
        UsageError: the evidence is missing or no evidence.
        WorkError: they cannot be written.
    """
    refuse_unwritable(folder / name for name in (_PAGE, _PICTURE))
    texts = drawn(folder, evidence, rules)
    make_folder(folder)
    write_texts(texts, users=True)
    return tuple(texts)


def drawn(folder: Path, evidence: Path | None, rules: Sequence[Path]) -> dict[Path, str]:
    """Return the page, and a picture of the platform with the most cells.

    Raises:
        UsageError: the evidence is missing or no evidence.
    """
    cells = library.load(_place(evidence)).cells
    if not cells:
        raise UsageError("there is no evidence yet", "envlock matrix run --evidence evidence")
    missing = missing_cells(cells)
    largest = max(boards(cells, missing), key=lambda each: len(each.cells))
    return {
        folder / _PAGE: page(
            cells, missing, database.load(rules).rules, levels(), _companions(evidence)
        ),
        folder / _PICTURE: picture(largest, levels()),
    }


def _companions(evidence: Path | None) -> tuple[CellEvidence, ...]:
    """What was run beside the framework, newest release first."""
    return library.load(_place(evidence).joinpath(COMPANIONS)).cells


def _place(folder: Path | None) -> Traversable:
    return library.shipped() if folder is None else library.existing(folder)


def _wanted(cell: Cell, pythons: Collection[str], platform: str | None) -> bool:
    return (not pythons or cell.python in pythons) and platform in (None, cell.platform)
