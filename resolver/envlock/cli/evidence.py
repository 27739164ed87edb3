"""`envlock capabilities`, `envlock matrix check` and `envlock matrix report`: what was run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct

from envlock.choices import STANDARD_OUTPUT
from envlock.cli.arguments import option
from envlock.cli.knowledge import RulesOption
from envlock.cli.options import JsonOption
from envlock.cli.output import say, say_json
from envlock.errors import ExitCode, UsageError
from envlock.words import counted

if TYPE_CHECKING:
    from envlock.evidence.judge import Witness
    from envlock.workflow.evidence import Checked

_SHOWN = 3  # sets of one kind
_WIDTH = 86  # columns of a list of rules


class CapabilityOptions(Struct, frozen=True, kw_only=True):
    """Of which cells."""

    python: Annotated[
        tuple[str, ...],
        option("-p", "--python", metavar="MINORS", says="Such as 3.8,3.9.  [default: all]"),
    ] = ()
    platform: Annotated[
        str | None,
        option("--platform", metavar="NAME", says="Such as linux-x86_64.  [default: all]"),
    ] = None
    evidence: Annotated[
        tuple[Path, ...],
        option("--evidence", metavar="DIR", says="Add the evidence of a folder. Repeatable."),
    ] = ()


class EvidenceFolder(Struct, frozen=True, kw_only=True):
    """Whose evidence."""

    evidence: Annotated[
        Path | None,
        option(
            "--evidence", metavar="DIR", says="The evidence of a folder.  [default: envlock's own]"
        ),
    ] = None


class PageOptions(Struct, frozen=True, kw_only=True):
    """Where the page is written."""

    output: Annotated[Path, option("-o", "--output", metavar="DIR", says="[default: report]")] = (
        Path("report")
    )


def capabilities(own: CapabilityOptions, talk: JsonOption) -> int:
    """Print what each TensorFlow release was seen to do.

    On each Python, in the environment that envlock's lock gives.
    """
    from envlock.errors import UsageError  # noqa: PLC0415  (--help needs none of this)
    from envlock.matrix.plan import minors  # noqa: PLC0415
    from envlock.page.terminal import capability_data, capability_text  # noqa: PLC0415
    from envlock.workflow import evidence as workflow  # noqa: PLC0415

    try:
        pythons = minors(own.python)
    except ValueError as error:
        raise UsageError(str(error), "--python 3.10") from None
    found = workflow.capabilities(own.evidence, pythons, own.platform)
    if talk.json:
        data = capability_data(found.cells, found.levels)
        say_json("capabilities", {"gate": list(found.levels.gate), "cells": data})
    else:
        say(capability_text(found.cells, found.missing, found.levels))
    return 0


def check(own: EvidenceFolder, added: RulesOption, talk: JsonOption) -> int:
    """Hold rules and evidence against each other.

    Contradictions and bad files give exit code 1; rules that nothing supports
    and evidence that is behind the releases on record are only told.
    """
    from envlock import report  # noqa: PLC0415  (as above)
    from envlock.workflow import evidence as workflow  # noqa: PLC0415

    found = workflow.check(own.evidence, added.rules)
    code = ExitCode.of(problem=bool(found.wrong))
    if talk.json:
        say_json("matrix check", _data(found), exit_code=code)
    else:
        say(report.rows_text(_rows(found)))
    return code


def report(place: PageOptions, own: EvidenceFolder, added: RulesOption, talk: JsonOption) -> int:
    """Draw the evidence as a page and a picture.

    The page is one file that needs neither a server nor a network.
    """
    from envlock import report as telling  # noqa: PLC0415  (as above)
    from envlock.workflow import evidence as workflow  # noqa: PLC0415

    if place.output == STANDARD_OUTPUT:
        raise UsageError("-o -: these are several files, and a folder is needed", "-o report")
    written = workflow.report(place.output, own.evidence, added.rules)
    if talk.json:
        say_json("matrix report", {"written": list(map(str, written))})
    else:
        say(telling.rows_text([("written", str(path)) for path in written]))
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
    import textwrap  # noqa: PLC0415  (as above)

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
