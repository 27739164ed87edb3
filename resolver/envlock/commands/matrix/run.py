"""`envlock matrix`: run cells and record what they do."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from envlock import report
from envlock.choices import EngineName, ExecutorName
from envlock.cli.options import IndexOptions, TalkOptions
from envlock.cli.orders import configured_settings, seconds
from envlock.cli.output import progress_for, say, say_json
from envlock.commands.matrix import CellOptions, RunOptions
from envlock.errors import EnvlockError, ExitCode, UsageError, WorkError
from envlock.evidence.documents import read, render
from envlock.evidence.values import (
    COMPANIONS,
    LEGACY,
    PLAIN,
    RULES,
    Cell,
    CellEvidence,
    CompanionSet,
    ProvedSet,
    Variation,
)
from envlock.index.pages import Index
from envlock.locking.outputs import try_outputs
from envlock.matrix.lanes import Ended, Lane, Queue, Run, Task, Terms, clean_cache, local_lanes
from envlock.matrix.plan import CellPlan, MatrixPlan, cells, minors, read_plan, specifier
from envlock.matrix.proving import digest_of, gate_of, prove_set, series_of
from envlock.progress import Progress
from envlock.rules.frameworks import framework
from envlock.system import cache_folder, exclusive, make_folder, read_text, remove_tree, write_texts
from envlock.system.typed import beside_envlock
from envlock.targets.description import Interpreter, target
from envlock.targets.interpreters import available
from envlock.trees import disk_usage
from envlock.versions import minor_of


def run(cells: CellOptions, own: RunOptions, index: IndexOptions, talk: TalkOptions) -> int:
    """Do `envlock matrix run`."""
    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    order = MatrixOrder(
        plan=_plan(cells),
        folder=own.evidence / COMPANIONS if cells.companions else own.evidence,
        terms=Terms(
            workspace=workspace(),
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
        todo = left(order, progress)
        listed = {str(each.cell): list(each.names) for each in todo}
        if talk.json:
            say_json("matrix run", {"cells": listed})
        else:
            say("\n".join(f"{cell}: {', '.join(names)}" for cell, names in listed.items()))
        return 0
    tally = run_matrix(order, progress)
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
            legacy=options.legacy or plan.legacy,
            companions=options.companions or plan.companions,
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


class MatrixOrder(Struct, frozen=True, kw_only=True):
    """What is run, where the evidence goes, and with how much.

    ``scheduler`` is the address of a dask cluster that does it; None:
    ``workers`` processes of this machine.
    ``max_disk`` is in bytes: when the workspace is larger, its caches are
    dropped. ``again`` runs what has evidence already.
    """

    plan: MatrixPlan
    folder: Path
    terms: Terms
    workers: int = 2
    max_disk: int = 30 * 10**9
    again: bool = False
    scheduler: str | None = None


class Left(Struct, frozen=True, kw_only=True):
    """A cell with the names of the sets that have no evidence yet, and the evidence it has."""

    cell: Cell
    names: tuple[str, ...]
    known: CellEvidence


class Tally(Struct):
    """How a run went: sets proved and not, those that could not be run and why, seconds.

    ``disk`` is the most that the workspace held, in bytes, ``dropped`` how often
    all caches were dropped to keep it within bounds.
    """

    total: int
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    seconds: float = 0.0
    disk: int = 0
    dropped: int = 0


def workspace() -> Path:
    """Return where environments and caches of a run are: removed or dropped when it ends."""
    return cache_folder("matrix")


def left(order: MatrixOrder, progress: Progress) -> tuple[Left, ...]:
    """Return what a run would do, newest release first.

    Raises:
        WorkError: no Python of this machine has a release of the plan.
    """
    here = {minor_of(each.version): each for each in reversed(available())}
    platform = next(iter(here.values())).platform
    planned = cells(order.plan, platform, here)
    if not planned:
        raise WorkError(
            f"no release {order.plan.releases or ''} runs on a Python of this machine "
            f"({', '.join(here)})",
            "envlock releases",
        )
    with progress.phase("read what is on record"):
        index = Index(order.terms.settings)
        return tuple(
            each
            for plan in planned
            if (each := _left(plan, order, here[plan.cell.python], index)).names
        )


def _left(plan: CellPlan, order: MatrixOrder, interpreter: Interpreter, index: Index) -> Left:
    path = order.folder / plan.cell.filename
    known = CellEvidence(cell=plan.cell, sets=())
    if path.is_file():
        known = read(str(path), read_text(path))
    names = [RULES, *([PLAIN] if plan.baseline else []), *([LEGACY] if plan.legacy else [])]
    for package in plan.vary:
        series = series_of(package, target(interpreter), index)
        names += (str(Variation(package=package, series=each)) for each in reversed(series))
    names += (str(CompanionSet(package=package)) for package in plan.companions)
    done = {s.name for s in known.sets if s.circumstances.probe == digest_of(s.name)}
    if order.again:
        done = set()
    return Left(
        cell=plan.cell, names=tuple(name for name in names if name not in done), known=known
    )


def run_matrix(order: MatrixOrder, progress: Progress) -> Tally:
    """Run what is left of a plan; each finished set is on disk before the next begins.

    Raises:
        WorkError: the folder cannot be written, or another run is at it.
    """
    make_folder(order.folder)
    make_folder(order.terms.workspace)
    with exclusive(order.terms.workspace / "run.lock", timeout=1):
        todo = left(order, progress)
        try_outputs((order.folder / each.cell.filename for each in todo), progress)
        runner = _Runner(order=order, progress=progress, todo=todo)
        try:
            return runner.run()
        finally:
            for lane in order.terms.workspace.glob("lane-*"):
                remove_tree(lane)


class _Runner:
    """One run: hands out, records, tells, and keeps the disk in bounds."""

    def __init__(self, *, order: MatrixOrder, progress: Progress, todo: Sequence[Left]) -> None:
        self._order = order
        self._progress = progress
        self._evidence = {each.cell: each.known for each in todo}
        self._queue = Queue(order.terms)
        for each in todo:
            base = each.known.find(RULES)
            known = None if base is None or RULES in each.names else base.packages
            self._queue.add(each.cell, each.names, known)
        self._tally = Tally(total=self._queue.left)
        self._start = time.monotonic()

    def run(self) -> Tally:
        """Work everything off."""
        try:
            if self._queue.left:
                with self._lanes() as lanes:
                    Run(self._queue, lanes, prove_set).drive(self._ended)
        finally:
            self._tally.seconds = time.monotonic() - self._start
        return self._tally

    @contextmanager
    def _lanes(self) -> Iterator[list[Lane]]:
        order = self._order
        if order.scheduler is None:
            yield local_lanes(order.workers)
            return
        try:
            from envlock.matrix.cluster import chores, cluster  # noqa: PLC0415  (an extra)
        except ImportError:
            raise UsageError(
                "--executor dask needs dask.distributed, which is not installed beside envlock",
                beside_envlock("dask"),
            ) from None
        duties = chores(order.terms.rules, order.max_disk, self._evidence)
        with cluster(order.scheduler, duties, self._progress.note) as lanes:
            yield lanes()

    def _ended(self, ended: Ended) -> None:
        task, proved = ended.task, ended.proved
        if proved is not None:
            self._record(task.cell, proved)
        elif ended.error is not None:
            self._tally.not_run.append(f"{task.cell}, {task.name}: {ended.error.message}")
        self._tell(task, proved, ended.error)
        if self._queue.finished(task, proved):
            self._tidy(task.cell)

    def _record(self, cell: Cell, proved: ProvedSet) -> None:
        evidence = self._evidence[cell].with_set(proved)
        self._evidence[cell] = evidence
        write_texts({self._order.folder / cell.filename: render(evidence)}, users=True)
        if proved.passes(gate_of(proved.name)):
            self._tally.passed += 1
        else:
            self._tally.failed.append(f"{cell}, {proved.name}: {shortcoming(proved)}")

    def _tell(self, task: Task, proved: ProvedSet | None, error: EnvlockError | None) -> None:
        done = self._tally.passed + len(self._tally.failed) + len(self._tally.not_run)
        elapsed = time.monotonic() - self._start
        remaining = elapsed / done * (self._tally.total - done)
        verdict = "not run" if error else "pass" if proved and not shortcoming(proved) else "FAIL"
        time_left = f"{remaining / 60:.0f} min left" if done < self._tally.total else "done"
        self._progress.note(
            f"[{done}/{self._tally.total}, {time_left}] {task.cell}, {task.name}: {verdict}"
            + (f" ({shortcoming(proved)})" if proved and shortcoming(proved) else "")
        )

    def _tidy(self, cell: Cell) -> None:
        """Drop the files of a release that is finished, and all of them above the bound."""
        if self._order.scheduler is not None:
            return  # each worker has a disk and the bound of its own
        used = disk_usage(self._order.terms.workspace)
        self._tally.disk = max(self._tally.disk, used)
        if used > self._order.max_disk:
            clean_cache(self._order.terms)
            self._tally.dropped += 1
        elif not any(
            work.names or work.running
            for work in self._queue.works
            if work.cell.version == cell.version
        ):
            clean_cache(self._order.terms, *framework().large)


def shortcoming(proved: ProvedSet) -> str:
    """Say why a set does not pass the gate, or "" when it does."""
    if proved.problem:
        return proved.problem.splitlines()[0][:160]
    missing = [each for each in proved.outcomes if each.level in gate_of(proved.name)]
    bad = [each for each in missing if each.level not in proved.capabilities]
    if not bad:
        return ""
    first = bad[0]
    words = f"{first.level}: {getattr(first, 'error', '')} {first.detail}".split()
    return " ".join(words)[:160]
