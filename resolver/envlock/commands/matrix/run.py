"""`envlock matrix`: run cells and record what they do."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from envlock import report
from envlock.choices import EngineName, ExecutorName
from envlock.cli.options import IndexOptions, TalkOptions
from envlock.cli.orders import configured_settings
from envlock.cli.output import progress_for, say, say_json
from envlock.cli.proofs import seconds
from envlock.commands.matrix import CellOptions, RunOptions
from envlock.errors import ExitCode, UsageError
from envlock.matrix.plan import MatrixPlan, minors, read_plan, specifier
from envlock.matrix.tasks import Terms
from envlock.system import read_text
from envlock.workflow import matrix
from envlock.workflow.matrix import Tally


def run(cells: CellOptions, own: RunOptions, index: IndexOptions, talk: TalkOptions) -> int:
    """Do `envlock matrix run`."""
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    order = matrix.MatrixOrder(
        plan=_plan(cells),
        folder=own.evidence,
        terms=Terms(
            workspace=matrix.workspace(),
            settings=configured_settings(index),
            engine=own.engine or EngineName.UV,
            rules=own.rules,
            timeout=seconds(own.timeout),
        ),
        workers=_number(own.workers),
        scheduler=_scheduler(own),
        max_disk=_size(own.max_disk),
        again=own.again,
    )
    if own.dry_run:
        todo = matrix.left(order, progress)
        listed = {str(each.cell): list(each.names) for each in todo}
        if talk.json:
            say_json("matrix run", {"cells": listed})
        else:
            say("\n".join(f"{cell}: {', '.join(names)}" for cell, names in listed.items()))
        return 0
    tally = matrix.run_matrix(order, progress)
    code = ExitCode.WORK if tally.not_run else ExitCode.DONE
    if talk.json:
        say_json("matrix run", _data(tally), exit_code=code)
    else:
        say(_text(tally, own.evidence))
    return code


def _plan(options: CellOptions) -> MatrixPlan:
    plan = MatrixPlan()
    if options.plan is not None:
        plan = read_plan(str(options.plan), read_text(options.plan))
    try:
        return replace(
            plan,
            releases=specifier(options.tensorflow) if options.tensorflow else plan.releases,
            pythons=minors(options.python) or plan.pythons,
            vary=tuple(map(canonicalize_name, options.vary)) or plan.vary,
            vary_newest=options.vary_newest or plan.vary_newest,
            baseline=options.baseline or plan.baseline,
            patches=options.patches or plan.patches,
            accelerator=options.accelerator or plan.accelerator,
        )
    except ValueError as error:
        raise UsageError(str(error), "envlock matrix run --help") from None


def _scheduler(own: RunOptions) -> str | None:
    if (own.executor is ExecutorName.DASK) != (own.scheduler is not None):
        raise UsageError(
            "--executor dask and --scheduler ADDRESS go together",
            "envlock matrix run --executor dask --scheduler tcp://HOST:8786",
        )
    if own.scheduler is not None and "://" not in own.scheduler:
        raise UsageError(
            f"--scheduler {own.scheduler}: not an address such as tcp://HOST:8786",
            "envlock matrix run --executor dask --scheduler tcp://HOST:8786",
        )
    return own.scheduler


def _number(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise UsageError(f"--workers {text}: not a number of workers", "--workers 2")
    return int(text)


_UNITS = {"": 1, "B": 1, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def _size(text: str) -> int:
    number = text.upper().rstrip("BGMT")
    unit = text.upper()[len(number) :]
    try:
        return int(float(number) * _UNITS[unit])
    except (ValueError, KeyError):
        raise UsageError(f"--max-disk {text}: not a size", "--max-disk 30GB") from None


def _data(tally: Tally) -> dict[str, object]:
    return {
        "total": tally.total,
        "passed": tally.passed,
        "failed": tally.failed,
        "not_run": tally.not_run,
        "seconds": round(tally.seconds, 1),
        "disk": tally.disk,
        "caches_dropped": tally.dropped,
    }


def _text(tally: Tally, folder: Path) -> str:
    rows = [("sets", f"{tally.total} in {tally.seconds / 60:.1f} min, evidence in {folder}")]
    if tally.disk:
        times = f", caches dropped {tally.dropped} times" if tally.dropped else ""
        rows.append(("disk", f"at most {tally.disk / 10**9:.1f} GB{times}"))
    rows.append(("pass", str(tally.passed)))
    rows += [("fail" if not number else "", each) for number, each in enumerate(tally.failed)]
    rows += [("not run" if not number else "", each) for number, each in enumerate(tally.not_run)]
    if tally.total == 0:
        rows = [("sets", f"nothing to do: the evidence in {folder} is complete")]
    return report.rows_text(rows)
