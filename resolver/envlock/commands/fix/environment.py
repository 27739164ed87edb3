"""`envlock fix` on an environment: plan, try, apply, prove, and undo whatever fails."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.utils import NormalizedName

from envlock.changes import Plan
from envlock.choices import EngineName
from envlock.commands.fix.case import Steering, environment_case
from envlock.commands.today import tools_for
from envlock.environment.commands import Commands
from envlock.environment.held import hold_what_is_there
from envlock.environment.holding import alone
from envlock.environment.inspect import installed, prefix_of
from envlock.environment.installer import Footprint, Installer, perform
from envlock.environment.journal import trial_folder
from envlock.environment.recovery import environment_at, settle
from envlock.environment.repair import applied, copy_environment, download
from envlock.environment.requested import requested_in
from envlock.environment.state import owned_by_conda
from envlock.errors import InstallFailure, NoResolution, ProblemFound, UsageError, WorkError
from envlock.findings import Finding
from envlock.model import IndexSettings
from envlock.outcomes import IMPORTS, Crashed, Outcome
from envlock.plan import Complaint, plans
from envlock.probes.imports import cause_of
from envlock.probes.proof import Proof, ProofOrder, prove
from envlock.progress import Progress
from envlock.rules import database
from envlock.system import make_folder, remove_tree
from envlock.system.typed import command

_TRIALS = 5  # plans that are tried before it is given up


class Tried(Struct, frozen=True, kw_only=True):
    """A plan that did not hold, and why."""

    plan: Plan
    why: str


Approve = Callable[[Plan, tuple[Tried, ...]], bool]


class FixOrder(Struct, frozen=True, kw_only=True):
    """What is cured and how; without ``approve`` the plan is only made.

    ``approve`` is asked about a plan that held in the trial. What the environment
    was made for is imported, but for ``no_imports``.
    """

    environment: Path
    settings: IndexSettings
    proof: ProofOrder
    steering: Steering = field(default_factory=Steering)
    engine: EngineName = EngineName.UV
    rules: tuple[Path, ...] = ()
    approve: Approve | None = None
    no_imports: frozenset[NormalizedName] = frozenset()


class Fixed(Struct, frozen=True, kw_only=True):
    """What was found and done.

    ``plan`` is None where nothing is to be changed. ``commands`` are for conda,
    which owns some of the packages; then nothing was changed. ``told`` is what
    `envlock diagnose` finds to break and no change of this environment cures.
    """

    environment: Path
    plan: Plan | None
    packages: int
    changed: bool = False
    tried: tuple[Tried, ...] = ()
    commands: tuple[str, ...] = ()
    told: tuple[Finding, ...] = ()
    before: tuple[Outcome, ...] = ()
    after: tuple[Outcome, ...] = ()


class NotFixed(ProblemFound):
    """No plan cures; the environment is as it was."""


def fix(order: FixOrder, progress: Progress) -> Fixed:
    """Cure an environment, or say how.

    Whatever fails, it is as it was before, at the latest when the next
    envlock looks at it.

    Raises:
        NoResolution: no versions obey the rules.
        NotFixed: the plans that do were tried, and none passes the gate.
        UsageError: there is no environment that envlock may change.
        WorkError: network, disk or installer failed, or a plan could not be tried.
    """
    looking = order.approve is None
    python = environment_at(order.environment, progress, wait=not looking)
    prefix = prefix_of(python)
    _refuse_others(prefix)
    asked = sorted(requested_in(prefix) - order.no_imports)
    order = replace(order, proof=replace(order.proof, imports=asked))
    work = _Work(python=python, order=order, progress=progress)
    if looking:
        return work.run()
    with alone(prefix, progress):
        settle(prefix, progress)
        try:
            done = work.run()
            if done.changed:
                hold_what_is_there(prefix)
            return done
        finally:
            remove_tree(trial_folder(prefix))


def _refuse_others(prefix: Path) -> None:
    if not ((prefix / "pyvenv.cfg").is_file() or (prefix / "conda-meta").is_dir()):
        raise UsageError(
            f"{prefix} is neither a virtual environment nor a conda prefix; no other is changed",
            "envlock create",
        )


class _Work(Struct, frozen=True, kw_only=True):
    python: Path
    order: FixOrder
    progress: Progress

    def run(self) -> Fixed:
        """Plan, and when that is wanted try and apply."""
        order, prefix = self.order, prefix_of(self.python)
        rules = database.load(order.rules).rules
        with self.progress.phase(f"examine {prefix}"):
            case, told = environment_case(self.python, rules, order.settings, order.steering)
        size = len(case.packages)
        if case.nothing_wrong and (strict := case.strict()).broken:
            # Rules that degrade are a cure to try where something does not work.
            proof = self._prove(self.python, case.packages.keys())
            case = case if proof.passed or not missed_by_versions(proof) else strict
        if case.nothing_wrong:
            return Fixed(environment=prefix, plan=None, packages=size, told=told)
        tools = tools_for(order.settings, order.engine, self.progress)
        found = chain.from_iterable(plans(each, tools) for each in _ways(case))
        first = next(found, None)
        if first is None:
            raise _unsolved(case, prefix)
        commands = _conda_commands(first, self.python, owned_by_conda(prefix))
        if commands or order.approve is None:
            return Fixed(
                environment=prefix, plan=first, packages=size, commands=commands, told=told
            )
        before = self._prove_once(self.python, case.packages.keys())
        return self._on_this_machine(before).cure(before, chain((first,), found), size)

    def cure(self, before: Proof, found: Iterator[Plan], size: int) -> Fixed:
        """Try plans until one holds, and apply it."""
        prefix = prefix_of(self.python)
        tried: list[Tried] = []
        failures: list[InstallFailure] = []
        for plan in islice(found, _TRIALS):
            try:
                touched, fault = self._try(plan)
            except InstallFailure as error:
                failures.append(error)
                tried.append(Tried(plan=plan, why=error.message))
                continue
            if fault:
                tried.append(Tried(plan=plan, why=fault))
                continue
            assert self.order.approve is not None  # noqa: S101  (run() asked)
            report = Fixed(
                environment=prefix,
                plan=plan,
                packages=size,
                tried=tuple(tried),
                before=before.outcomes,
            )
            if not self.order.approve(plan, tuple(tried)):
                return report
            return self._apply(plan, touched, report)
        said = "\n".join(_all_failed(prefix, tried))
        if len(failures) == len(tried):
            raise InstallFailure(said)
        ways = [f"--no-imports {each}" for each in _imports_of(before.missed)]
        raise NotFixed(said, f"envlock verify {prefix}", *([" ".join(ways)] if ways else []))

    def _on_this_machine(self, before: Proof) -> _Work:
        """The work without imports that fail for what the machine lacks, which no plan cures."""
        versions = missed_by_versions(before)
        lacking = _imports_of(each for each in before.missed if each not in versions)
        if not lacking:
            return self
        self.progress.note(f"no plan is held to import {', '.join(lacking)}: the machine lacks it")
        proof = self.order.proof
        kept = [each for each in proof.imports if each not in lacking]
        return replace(
            self, order=replace(self.order, proof=replace(self.order.proof, imports=kept))
        )

    def _try(self, plan: Plan) -> tuple[Footprint, str]:
        """Fetch a plan, do it in a copy of the environment, and return why it does not hold."""
        folder = trial_folder(prefix_of(self.python))
        for name in ("stage", "copy"):
            remove_tree(folder / name)
        make_folder(folder)
        installer = self._installer(offline=False)
        with self.progress.phase(f"fetch {plan}"):
            touched = download(self.python, plan, installer, folder / "stage")
        remove_tree(folder / "stage")
        with self.progress.phase("try it in a copy of the environment"):
            copy = copy_environment(self.python, touched, folder / "copy")
            for step in plan.steps:
                perform(copy, step, self._installer(offline=True))
        proof = self._prove(copy, installed(prefix_of(copy)).keys())
        if proof.stopped is not None:
            # A plan that was not tried is no plan that failed: the next one changes more.
            raise _untried(plan, proof.stopped, prefix_of(self.python))
        return touched, "" if proof.passed else _missed(proof)

    def _apply(self, plan: Plan, touched: Footprint, report: Fixed) -> Fixed:
        remove_tree(trial_folder(prefix_of(self.python)) / "copy")
        with (
            self.progress.phase(f"change {report.environment}"),
            applied(self.python, plan, touched, self._installer(offline=True)),
        ):
            proof = self._prove(self.python, installed(report.environment).keys())
            if not proof.passed:
                raise NotFixed(
                    f"{plan}: this held in a copy, and not in {report.environment}: "
                    f"{_missed(proof)}; everything is as it was"
                )
        return replace(report, changed=True, after=proof.outcomes)

    def _installer(self, *, offline: bool) -> Installer:
        return Installer(
            prefix=prefix_of(self.python),
            settings=self.order.settings,
            cache=trial_folder(prefix_of(self.python)) / "cache",
            progress=self.progress,
            offline=offline,
        )

    def _prove(self, python: Path, pins: Collection[NormalizedName]) -> Proof:
        """A proof that is tried once more where it was ended from outside."""
        proof = self._prove_once(python, pins)
        return proof if proof.stopped is None else self._prove_once(python, pins)

    def _prove_once(self, python: Path, pins: Collection[NormalizedName]) -> Proof:
        return prove(python, self.order.proof, self.progress, write_bytecode=False, pins=pins)


def missed_by_versions(proof: Proof) -> tuple[str, ...]:
    """Return the levels that are missed, but for imports that the machine lacks something for."""
    of_machine = _imports_of(each.level for each in proof.outcomes if cause_of(each)[0])
    return tuple(e for e in proof.missed if e.removeprefix(IMPORTS) not in of_machine)


def _imports_of(levels: Iterable[str]) -> list[str]:
    """The distributions among levels."""
    return [each.removeprefix(IMPORTS) for each in levels if each.startswith(IMPORTS)]


def _ways(case: Complaint) -> tuple[Complaint, ...]:
    """The case, and the same with lesser rules to be met, for when the first does not hold."""
    strict = case.strict()
    return (case,) if len(strict.broken) == len(case.broken) else (case, strict)


def _missed(proof: Proof) -> str:
    missed = proof.missed
    crashed = (each for each in proof.outcomes if isinstance(each, Crashed))
    end = next((f" ({each.detail})" for each in crashed if each.level in missed), "")
    return f"it does not pass {', '.join(missed)}{end}"


def _untried(plan: Plan, stopped: Crashed, prefix: Path) -> WorkError:
    return WorkError(
        f"{plan}: could not be tried here: {stopped.level} was ended from outside, twice "
        f"({stopped.detail}), which says nothing about versions; {prefix} is as it was",
        f"envlock fix {shlex.quote(str(prefix))}  # when the machine has more memory and time",
    )


def _all_failed(prefix: Path, tried: Iterable[Tried]) -> Iterator[str]:
    yield f"{prefix}: each plan was tried in a copy and none holds; nothing was changed"
    for each in tried:
        yield f"  {each.plan}: {each.why}"


def _unsolved(case: Complaint, prefix: Path) -> NoResolution:
    broken = (f"{name}: {because}" for name, because in case.faults().items())
    reasons = dict.fromkeys((*broken, *case.missing.values()))
    kept = f" (kept: {', '.join(sorted(case.keep))})" if case.keep else ""
    return NoResolution(
        "\n".join((f"{prefix}: no versions cure this{kept}:", *(f"  {each}" for each in reasons))),
        *(["leave out --keep"] if case.keep else []),
        "envlock create",
    )


def _conda_commands(plan: Plan, python: Path, owned: frozenset[NormalizedName]) -> tuple[str, ...]:
    """What to type where conda owns a package that must change; () where pip owns them all."""
    prefix = prefix_of(python)
    ours = [step for step in plan.steps if step.package not in owned]
    theirs = [step for step in plan.steps if step.package in owned]
    if not theirs:
        return ()
    removed = [step.package for step in theirs if step.after is None]
    added = [f"{step.package}={step.after}" for step in theirs if step.after is not None]
    pip = Commands(python=python, pip="pip" in installed(prefix), prefix=prefix)
    ours_removed = [step.package for step in ours if step.after is None]
    ours_added = [f"{step.package}=={step.after}" for step in ours if step.after is not None]
    return (
        *([command("conda", "remove", "--prefix", prefix, "--force", *removed)] if removed else []),
        *([command("conda", "install", "--prefix", prefix, *added)] if added else []),
        *([pip.uninstall(*ours_removed)] if ours_removed else []),
        *([pip.install(*ours_added)] if ours_added else []),
    )
