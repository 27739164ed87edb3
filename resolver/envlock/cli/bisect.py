"""`envlock bisect`."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct
from msgspec.structs import replace

from envlock.choices import PROBE_SECONDS, STANDARD_OUTPUT
from envlock.cli.arguments import flag, option, word
from envlock.cli.options import IndexOptions, TalkOptions, python_option
from envlock.cli.output import progress_for, say, say_json
from envlock.errors import UsageError
from envlock.words import counted

if TYPE_CHECKING:
    from envlock.bisect.failures import Failure
    from envlock.changes import Step
    from envlock.workflow.bisected import Bisected, Flip
    from envlock.workflow.trials import Judge

#: How many trials came to what, in the order that it is told.
_COUNTED = (("fails", "failed"), ("passes", "passed"), ("unresolved", "unresolved"))


class BisectOptions(Struct, frozen=True, kw_only=True):
    """Two sets of pins, and what tells them apart."""

    good: Annotated[
        Path,
        word(
            "GOOD",
            says="What works: a lock, a pip freeze, requirements with ==, an environment, or a cell"
            " of evidence (CELL.json, or CELL.json#plain for its other sets).",
        ),
    ]
    bad: Annotated[Path, word("BAD", says="What does not, in any of these forms.")]
    run: Annotated[
        str | None,
        option(
            "--run", metavar="COMMAND", says="What must end with exit status 0, such as a script."
        ),
    ] = None
    probe: Annotated[
        Path | None,
        option("--probe", metavar="FILE", says="A Python script that must end with exit status 0."),
    ] = None
    level: Annotated[
        str | None,
        option(
            "--level", metavar="NAME", says="A level that must pass.  [default: the whole gate]"
        ),
    ] = None
    timeout: Annotated[
        str,
        option(
            "--timeout",
            metavar="SECONDS",
            says=f"Time limit of each trial's command or probe.  [default: {PROBE_SECONDS}]",
        ),
    ] = str(PROBE_SECONDS)
    narrow: Annotated[
        bool,
        flag(
            "--narrow", says="Go on to the first release of the culprit that fails, on the index."
        ),
    ] = False
    output: Annotated[
        Path | None,
        option("-o", "--output", metavar="FILE", says="Write the draft rule to a new file."),
    ] = None
    python: Annotated[str | None, python_option("the one that the sets are for")] = None


def bisect(own: BisectOptions, index: IndexOptions, talk: TalkOptions) -> int:
    """Find the version changes that break something, by trying.

    The difference between a set of pins that works and one that does not is
    narrowed to the fewest changes that fail in the same way. A draft of a
    rule is printed.
    """
    from datetime import UTC, datetime  # noqa: PLC0415  (--help needs none of this)

    from envlock.cli.orders import configured_settings  # noqa: PLC0415
    from envlock.cli.proofs import seconds  # noqa: PLC0415
    from envlock.workflow import bisect as workflow  # noqa: PLC0415

    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    if own.output == STANDARD_OUTPUT:
        own = replace(own, output=None)  # where the rule is printed
    order = workflow.BisectOrder(
        good=own.good,
        bad=own.bad,
        judge=_judge(own, seconds(own.timeout)),
        settings=configured_settings(index),
        today=datetime.now(UTC).date(),
        python=own.python,
        narrow=own.narrow,
        output=own.output,
    )
    found = workflow.bisect(order, progress)
    if talk.json:
        say_json("bisect", {**_data(found), "written": own.output and str(own.output)})
    else:
        say(_text(found, own, verbose=talk.verbose))
    return 0


def _judge(own: BisectOptions, timeout: float) -> Judge:
    """What tells good from bad: one of the three options, or the gate."""
    from envlock.workflow import trials  # noqa: PLC0415  (as above)

    given = {"--run": own.run, "--probe": own.probe, "--level": own.level}
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
    return trials.GateJudge(timeout=timeout)


def _text(found: Bisected, own: BisectOptions, *, verbose: bool) -> str:
    from envlock import report  # noqa: PLC0415  (as above)
    from envlock.rules.tables import render  # noqa: PLC0415

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
        rows += [("written", str(own.output)), ("next", f"envlock rules check {folder}")]
    lines = [report.rows_text(rows)]
    if verbose:
        lines += ["", report.table(("TRIAL", "SECONDS", "VERDICT", "CHANGED"), _rows(found))]
    if own.output is None:
        lines += ["", render(found.rule).rstrip()]
    return "\n".join(lines)


def _words(step: Step) -> str:
    from envlock.changes import Plan  # noqa: PLC0415  (as above)

    return str(Plan(steps=(step,)))


def _begins(found: Flip) -> str:
    step = found.step
    odd = f"; unresolved: {', '.join(map(str, found.between))}" if found.between else ""
    return f"{step.package} {step.before} works, {step.after} fails{odd}"


def _rows(found: Bisected) -> list[tuple[str, ...]]:
    from envlock.workflow.bisected import title  # noqa: PLC0415  (as above)

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
