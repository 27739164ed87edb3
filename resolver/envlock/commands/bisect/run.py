"""`envlock bisect`."""

from __future__ import annotations

import shlex
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from envlock import report
from envlock.bisect import search as bisect
from envlock.bisect import trials
from envlock.bisect.failures import Failure
from envlock.bisect.search import Bisected, Flip, title
from envlock.bisect.trials import Judge
from envlock.changes import Plan, Step
from envlock.choices import STANDARD_OUTPUT
from envlock.cli.options import IndexOptions, TalkOptions
from envlock.cli.orders import configured_settings, seconds
from envlock.cli.output import progress_for, say, say_json
from envlock.commands.bisect import BisectOptions
from envlock.errors import UsageError
from envlock.rules.tables import render
from envlock.system.typed import as_typed
from envlock.words import counted

#: How many trials came to what, in the order that it is told.
_COUNTED = (("fails", "failed"), ("passes", "passed"), ("unresolved", "unresolved"))


def run(own: BisectOptions, index: IndexOptions, talk: TalkOptions) -> int:
    """Do `envlock bisect`."""
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    if own.output == STANDARD_OUTPUT:
        own = replace(own, output=None)  # where the rule is printed
    order = bisect.BisectOrder(
        good=own.good,
        bad=own.bad,
        judge=_judge(own, seconds(own.timeout)),
        settings=configured_settings(index),
        today=datetime.now(UTC).date(),
        python=own.python,
        narrow=own.narrow,
        output=own.output,
    )
    found = bisect.bisect(order, progress)
    if talk.json:
        say_json("bisect", {**_data(found), "written": own.output and str(own.output)})
    else:
        say(_text(found, own, verbose=talk.verbose))
    return 0


def _judge(own: BisectOptions, timeout: float) -> Judge:
    """What tells good from bad: one of the four options, or the gate."""
    imports = own.imports or None
    given = {"--run": own.run, "--probe": own.probe, "--level": own.level, "--imports": imports}
    named = [name for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)}: one thing tells good from bad; give one of them")
    if own.run is not None:
        return trials.CommandJudge(command=own.run, timeout=timeout)
    if own.probe is not None:
        if not own.probe.is_file():
            raise UsageError(f"--probe {own.probe}: no such file")
        return trials.ScriptJudge(script=own.probe, timeout=timeout)
    if own.level is not None:
        return trials.level_judge(own.level, timeout)
    return trials.GateJudge(timeout=timeout, imports=own.imports)


def _text(found: Bisected, own: BisectOptions, *, verbose: bool) -> str:
    kinds = Counter(each.verdict.value for each in found.trials)
    differences = counted(len(found.differing), "difference")
    results = ", ".join(f"{kinds[kind]} {words}" for kind, words in _COUNTED if kinds[kind])
    rows = [
        *(("culprit", _words(step)) for step in found.culprits if step not in found.companions),
        *(("with", f"{_words(step)}, which it needs") for step in found.companions),
        ("fails", str(found.failure)),
        *(("begins", _begins(each)) for each in found.narrowed),
        ("of", f"{differences} between {found.good} and {found.bad}"),
        ("python", str(found.python)),
        ("trials", f"{len(found.trials)} in {found.seconds:.1f} s: {results}"),
    ]
    if own.output is not None:
        folder = shlex.quote(own.output.parent.as_posix())
        rows += [("written", str(own.output)), ("next", as_typed(f"envlock rules check {folder}"))]
    lines = [report.rows_text(rows)]
    if verbose:
        lines += ["", report.table(("TRIAL", "SECONDS", "VERDICT", "CHANGED"), _rows(found))]
    if own.output is None:
        lines += ["", render(found.rule).rstrip()]
    return "\n".join(lines)


def _words(step: Step) -> str:
    return str(Plan(steps=(step,)))


def _begins(found: Flip) -> str:
    step = found.step
    odd = f"; unresolved: {', '.join(map(str, found.between))}" if found.between else ""
    return f"{step.package} {step.before} works, {step.after} fails{odd}"


def _rows(found: Bisected) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for number, each in enumerate(found.trials, start=1):
        # Of those that fail in the way that is looked for, it stands above.
        why = f" ({each.trial.failures[0]})" if each.verdict == "unresolved" else ""
        changed = title(each.changed) if each.changed else f"nothing of {found.good}"
        rows.append(
            (str(number), f"{each.trial.seconds:.1f}", each.verdict.value, f"{changed}{why}")
        )
    return rows


def _data(found: Bisected) -> dict[str, Any]:
    return {
        "good": str(found.good),
        "bad": str(found.bad),
        "python": str(found.python),
        "differences": len(found.differing),
        "culprits": [_step_data(each) for each in found.culprits],
        "companions": [step.package for step in found.companions],
        "narrowed": [
            {**_step_data(each.step), "unresolved": [str(version) for version in each.between]}
            for each in found.narrowed
        ],
        "failure": _failure_data(found.failure),
        "trials": [
            {
                "changed": [_step_data(step) for step in each.changed],
                "verdict": each.verdict.value,
                "failures": [_failure_data(one) for one in each.trial.failures],
                "seconds": each.trial.seconds,
            }
            for each in found.trials
        ],
        "seconds": found.seconds,
        "rule": found.rule,
    }


def _failure_data(failure: Failure) -> dict[str, str]:
    return {"level": failure.level, "error": failure.error, "message": failure.message}


def _step_data(step: Step) -> dict[str, str | None]:
    return {
        "package": step.package,
        "good": None if step.before is None else str(step.before),
        "bad": None if step.after is None else str(step.after),
    }
