"""`envlock capabilities`, `envlock matrix check` and `envlock matrix report`: what was run."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from envlock import report
from envlock.choices import STANDARD_OUTPUT
from envlock.cli.options import JsonOption
from envlock.cli.output import say, say_json
from envlock.commands.knowledge import RulesOption
from envlock.commands.matrix import CapabilityOptions, EvidenceFolder, PageOptions
from envlock.errors import ExitCode, UsageError
from envlock.evidence.judge import Witness
from envlock.matrix.plan import minors
from envlock.page.terminal import capability_data, capability_text
from envlock.words import counted
from envlock.workflow import evidence
from envlock.workflow.evidence import Checked

_SHOWN = 3  # sets of one kind

_WIDTH = 86  # columns of a list of rules


def run_capabilities(own: CapabilityOptions, talk: JsonOption) -> int:
    """Do `envlock capabilities`."""
    try:
        pythons = minors(own.python)
    except ValueError as error:
        raise UsageError(str(error), "--python 3.10") from None
    found = evidence.capabilities(own.evidence, pythons, own.platform)
    if talk.json:
        data = capability_data(found.cells, found.levels)
        say_json("capabilities", {"gate": list(found.levels.gate), "cells": data})
    else:
        say(capability_text(found.cells, found.missing, found.levels))
    return 0


def run_check(own: EvidenceFolder, added: RulesOption, talk: JsonOption) -> int:
    """Do `envlock matrix check`."""
    found = evidence.check(own.evidence, added.rules)
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
    written = evidence.report(place.output, own.evidence, added.rules)
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
