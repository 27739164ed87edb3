"""`envlock fix` on requirements.txt or environment.yml: the pins that cure, as an edit."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock import standards
from envlock.changes import Plan
from envlock.choices import EngineName
from envlock.engine import Problem, Solution
from envlock.errors import InterpreterMissing, NoResolution, UsageError, WorkError
from envlock.examine.files import examine_path
from envlock.examine.gathered import Given
from envlock.findings import Examined
from envlock.formats.detect import FileFormat, detect
from envlock.formats.edit import diff, edited
from envlock.model import IndexSettings, Severity, Target, Violation
from envlock.plan import Case, plans
from envlock.progress import Progress
from envlock.resolve import Tools
from envlock.rules import database
from envlock.rules.check import Situation, violations
from envlock.rules.families import families
from envlock.system import contents, encoded_as, read_text, refuse_irregular, write_files
from envlock.targets.description import target
from envlock.targets.interpreters import find_interpreter
from envlock.workflow.cases import Steering, tools_for
from envlock.workflow.outputs import try_outputs


class FileOrder(Struct, frozen=True, kw_only=True):
    """A file to cure; ``python`` is what it is for, where the file does not say.

    ``writes`` says that the edit is to be written, so that it is tried first
    whether it can be.
    """

    path: Path
    settings: IndexSettings
    python: str | None = None
    steering: Steering = field(default_factory=Steering)
    engine: EngineName = EngineName.UV
    rules: tuple[Path, ...] = ()
    writes: bool = False


class FixedFile(Struct, frozen=True, kw_only=True):
    """The file as it is and as it would be; ``plan`` is None where nothing is wrong."""

    path: Path
    plan: Plan | None
    before: bytes = b""
    text: str = ""
    diff: str = ""
    notes: tuple[str, ...] = ()


def fix_file(order: FileOrder, progress: Progress) -> FixedFile:
    """Plan the edit of a file; nothing is written.

    Raises:
        NoResolution: no versions obey the rules.
        UsageError: it cannot be read, or the lines to change have hashes.
        WorkError: network, engine or interpreter failed, or the file is to be
            written and cannot be.
    """
    if order.writes:
        try_outputs((order.path,), progress)
    text = read_text(order.path)
    before = contents(order.path) if order.path.is_file() else b""
    examined = examine_path(order.path, Given(python=_version(order.python)))
    goal, notes = _target(order, examined)
    tools = tools_for(order.settings, order.engine, progress)
    case = _case(order, examined, goal, tools)
    if case.nothing_wrong:
        return FixedFile(path=order.path, plan=None, notes=notes)
    plan = next(plans(case, tools), None)
    if plan is None:
        broken = (f"  {each.rule.id}: {each.rule.because}" for each in case.broken)
        raise NoResolution("\n".join((f"{order.path}: no versions cure this:", *broken)))
    plan = _of_file(plan, examined)
    conda = detect(order.path, text) is FileFormat.ENVIRONMENT
    done = edited(text, plan.steps, conda=conda)
    if done.hashed:
        raise UsageError(
            f"{order.path}: the lines of {', '.join(done.hashed)} have hashes, so the file is a "
            f"lock; it would have to become {plan}",
            "envlock lock",
        )
    return FixedFile(
        path=order.path,
        plan=plan,
        before=before,
        text=done.text,
        diff=diff(str(order.path), text, done.text),
        notes=notes,
    )


def write_file(fixed: FixedFile) -> None:
    """Write the edit, in the encoding that the file has.

    Raises:
        WorkError: the file cannot be written, or was changed since it was
            read; then it is left as it is.
    """
    refuse_irregular((fixed.path,))
    if contents(fixed.path) != fixed.before:
        raise WorkError(
            f"{fixed.path} was changed while its cure was looked for; it is left as it is",
            f"envlock fix {shlex.quote(fixed.path.as_posix())}",
        )
    write_files({fixed.path: encoded_as(fixed.before, fixed.text)}, users=True)


def _version(python: str | None) -> Version | None:
    """The version that ``-p`` names; None for a program or folder."""
    return standards.version(python) if python and python.replace(".", "").isdigit() else None


def _target(order: FileOrder, examined: Examined) -> tuple[Target, tuple[str, ...]]:
    """The interpreter that was named, the one of the file where it is here, or envlock's own."""
    said = None if examined.python is None else f"{examined.python.major}.{examined.python.minor}"
    try:
        return target(find_interpreter(order.python or said)), ()
    except InterpreterMissing:
        if order.python:
            raise
        goal = target(find_interpreter(None))
        note = f"Python {said} is not here, so {goal.minor} stands for it; -p names another"
        return goal, (note,)


def _case(order: FileOrder, examined: Examined, goal: Target, tools: Tools) -> Case:
    situation = replace(Situation.of(goal), manager=examined.manager or "pip")
    rules = database.load(order.rules).rules
    loose = tuple(Requirement(f"{name}{spec}") for name, spec in sorted(examined.loose.items()))
    pins = dict(examined.packages)
    case = Case(
        packages=pins,
        target=goal,
        situation=situation,
        rules=rules,
        settings=order.settings,
        loose=loose,
        keep=order.steering.keep,
        allow=order.steering.allow,
        listed=True,
    )
    broken = _broken(case, pins)
    if not broken and not examined.complete:
        pins = _as_installed(case, tools)
        broken = _broken(case, pins)
    named = {name for each in broken for name in each.packages}
    kept = {n: v for n, v in pins.items() if n in examined.packages or n in named}
    free = tuple(each for each in loose if NormalizedName(each.name) not in named)
    return replace(case, packages=kept, loose=free, broken=broken)


def _broken(case: Case, pins: Mapping[NormalizedName, Version]) -> tuple[Violation, ...]:
    return tuple(
        each
        for each in violations(case.rules, pins, case.situation)
        if each.rule.severity is Severity.BREAKS and each.case.demands
    )


def _as_installed(case: Case, tools: Tools) -> dict[NormalizedName, Version]:
    """What an installer makes of the file today; the pins alone where nothing fits."""
    wanted = [f"{name}=={version}" for name, version in case.packages.items()]
    wanted += map(str, case.loose)
    if not wanted:
        return {}
    problem = Problem(
        requirements=tuple(sorted(wanted)),
        constraints=(),
        target=case.target,
        settings=case.settings,
        wheels_only=families().wheels_only,
    )
    answer = tools.solve(problem, "the file as it stands")
    if not isinstance(answer, Solution):
        return dict(case.packages)
    return {package.name: package.version for package in answer.packages}


def _of_file(plan: Plan, examined: Examined) -> Plan:
    """The steps of packages that the file pins, and those that a rule asks for."""
    return Plan(
        steps=tuple(step for step in plan.steps if step.rules or step.package in examined.packages)
    )
