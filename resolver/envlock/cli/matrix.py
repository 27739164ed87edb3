"""`envlock matrix`: run cells and record what they do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct
from msgspec.structs import replace

from envlock.choices import PROBE_SECONDS, Accelerator, EngineName, ExecutorName
from envlock.cli.arguments import flag, option
from envlock.cli.options import IndexOptions, RuleFolders, TalkOptions
from envlock.cli.output import progress_for, say, say_json
from envlock.errors import ExitCode

if TYPE_CHECKING:
    from envlock.matrix.plan import MatrixPlan
    from envlock.workflow.matrix import Tally


class CellOptions(Struct, frozen=True, kw_only=True):
    """Which cells are run."""

    plan: Annotated[
        Path | None,
        option("--plan", metavar="FILE", says="A YAML file with the options below as keys."),
    ] = None
    tensorflow: Annotated[
        str | None,
        option(
            "--tensorflow",
            metavar="SPEC",
            says="Releases, such as 2.15.1 or >=2.4.  [default: all]",
        ),
    ] = None
    python: Annotated[
        tuple[str, ...],
        option(
            "-p",
            "--python",
            metavar="MINORS",
            says="Such as 3.8,3.9.  [default: all that are here]",
        ),
    ] = ()
    vary: Annotated[
        tuple[str, ...],
        option(
            "--vary", metavar="NAME", says="Try every minor release of a package too. Repeatable."
        ),
    ] = ()
    vary_newest: Annotated[
        bool, flag("--vary-newest", says="Vary on the newest Python of a release only.")
    ] = False
    baseline: Annotated[bool, flag("--baseline", says="Run what a plain resolve gives too.")] = (
        False
    )
    patches: Annotated[
        bool, flag("--patches", says="Run every patch release, not the last of each minor.")
    ] = False
    accelerator: Annotated[
        Accelerator | None,
        option("--accelerator", metavar="KIND", says="The build: cpu, auto.  [default: cpu]"),
    ] = None


class RunOptions(Struct, frozen=True, kw_only=True):
    """Where it is recorded, and with how much it is run."""

    evidence: Annotated[Path, option("--evidence", metavar="DIR", says="[default: evidence]")] = (
        Path("evidence")
    )
    workers: Annotated[
        str, option("--workers", metavar="N", says="Processes of this machine.  [default: 2]")
    ] = "2"
    executor: Annotated[
        ExecutorName,
        option(
            "--executor",
            metavar="NAME",
            says="local, or dask: every worker of a cluster.  [default: local]",
        ),
    ] = ExecutorName.LOCAL
    scheduler: Annotated[
        str | None,
        option(
            "--scheduler", metavar="ADDRESS", says="Of the dask cluster, such as tcp://HOST:8786."
        ),
    ] = None
    max_disk: Annotated[
        str, option("--max-disk", metavar="SIZE", says="Drop caches above it.  [default: 30GB]")
    ] = "30GB"
    timeout: Annotated[
        str,
        option(
            "--timeout", metavar="SECONDS", says=f"Limit of a probe.  [default: {PROBE_SECONDS}]"
        ),
    ] = str(PROBE_SECONDS)
    engine: Annotated[
        EngineName | None,
        option("--engine", metavar="NAME", says=f"One of {', '.join(EngineName)}.  [default: uv]"),
    ] = None
    rules: RuleFolders = ()
    again: Annotated[bool, flag("--again", says="Run what has evidence already.")] = False
    dry_run: Annotated[bool, flag("-n", "--dry-run", says="Only list what would be run.")] = False


def run(cells: CellOptions, own: RunOptions, index: IndexOptions, talk: TalkOptions) -> int:
    """Build and prove many cells, and record what they do.

    A cell is a TensorFlow release on a Python of this machine. What has
    evidence is not run again, so a run that was stopped goes on.
    """
    from envlock.cli.orders import configured_settings  # noqa: PLC0415
    from envlock.cli.proofs import seconds  # noqa: PLC0415
    from envlock.matrix.tasks import Terms  # noqa: PLC0415  (--help needs none of this)
    from envlock.workflow import matrix as workflow  # noqa: PLC0415

    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    order = workflow.MatrixOrder(
        plan=_plan(cells),
        folder=own.evidence,
        terms=Terms(
            workspace=workflow.workspace(),
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
        todo = workflow.left(order, progress)
        listed = {str(each.cell): list(each.names) for each in todo}
        if talk.json:
            say_json("matrix run", {"cells": listed})
        else:
            say("\n".join(f"{cell}: {', '.join(names)}" for cell, names in listed.items()))
        return 0
    tally = workflow.run_matrix(order, progress)
    code = ExitCode.WORK if tally.not_run else ExitCode.DONE
    if talk.json:
        say_json("matrix run", _data(tally), exit_code=code)
    else:
        say(_text(tally, own.evidence))
    return code


def _plan(options: CellOptions) -> MatrixPlan:
    from packaging.utils import canonicalize_name  # noqa: PLC0415  (as above)

    from envlock.errors import UsageError  # noqa: PLC0415
    from envlock.matrix.plan import MatrixPlan, minors, read_plan, specifier  # noqa: PLC0415
    from envlock.system import read_text  # noqa: PLC0415

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
    from envlock.errors import UsageError  # noqa: PLC0415  (as above)

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
    from envlock.errors import UsageError  # noqa: PLC0415  (as above)

    if not text.isdigit() or int(text) < 1:
        raise UsageError(f"--workers {text}: not a number of workers", "--workers 2")
    return int(text)


_UNITS = {"": 1, "B": 1, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def _size(text: str) -> int:
    from envlock.errors import UsageError  # noqa: PLC0415  (as above)

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
    from envlock import report  # noqa: PLC0415  (as above)

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
