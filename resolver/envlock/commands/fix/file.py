"""`envlock fix` on requirements.txt or environment.yml: the pins that cure, as an edit."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.changes import Action, Plan, Step
from envlock.choices import EngineName
from envlock.commands.fix.case import Steering, owners_of, untold
from envlock.commands.today import (
    Judged,
    Meant,
    is_request,
    judged_in_time,
    target_of,
    tools_for,
)
from envlock.commands.unread import refuse_unread
from envlock.diagnose import diagnose
from envlock.engine import able
from envlock.errors import InterpreterMissing, NoResolution, UsageError, WorkError
from envlock.examine.files import examine_path
from envlock.examine.gathered import Given
from envlock.findings import Examined, Finding, by_its_lines
from envlock.formats.edit import diff, edited, renamed
from envlock.formats.registry import FileFormat, detect
from envlock.locking.outputs import try_outputs
from envlock.model import IndexSettings, Rule, Severity, Target, Violation
from envlock.plan import Complaint, plans
from envlock.progress import Progress
from envlock.resolve import Tools
from envlock.rules import database
from envlock.rules.check import Packages, Situation, violations
from envlock.rules.traps import traps
from envlock.system import contents, encoded_as, read_text, refuse_irregular, write_files
from envlock.targets.tags import fits
from envlock.versions import admits


class FileOrder(Struct, frozen=True, kw_only=True):
    """A file to cure; ``python`` is what it is for, ``usual`` what it is where it does not say.

    ``writes`` says that the edit is to be written, so that it is tried first
    whether it can be.
    """

    path: Path
    settings: IndexSettings
    python: str | None = None
    usual: str | None = None
    steering: Steering = field(default_factory=Steering)
    engine: EngineName = EngineName.UV
    rules: tuple[Path, ...] = ()
    writes: bool = False


class FixedFile(Struct, frozen=True, kw_only=True):
    """The file as it is and as it would be; ``plan`` is None where no line is to be changed.

    ``told`` is what `envlock diagnose` finds to break and the plan does not
    cure: its ranges let it in, or another Python would meet it. ``solved`` says
    that an index and not conda decides what its ranges become, ``is_known`` that
    what an installer takes of it was found.
    """

    path: Path
    plan: Plan | None
    before: bytes = b""
    text: str = ""
    diff: str = ""
    notes: tuple[str, ...] = ()
    told: tuple[Finding, ...] = ()
    solved: bool = True
    is_known: bool = True


def fix_file(order: FileOrder, progress: Progress) -> FixedFile:
    """Plan the edit of a file; nothing is written.

    Raises:
        NoResolution: no versions obey the rules, or fit what the file asks for.
        UsageError: it cannot be read, or the lines to change have hashes.
        WorkError: network, engine or interpreter failed, or the file is to be
            written and cannot be.
    """
    if order.writes:
        try_outputs((order.path,), progress)
    text = read_text(order.path)
    before = contents(order.path) if order.path.is_file() else b""
    if meant := _meant_by(order.path, text, before):
        return meant
    examined = examine_path(order.path, Given(python=_version(order.python)))
    refuse_unread((examined,))
    goal = _goal(order, examined)
    seen = judged_in_time(examined, goal, order.settings, progress)
    _refuse_elsewhere(order, seen)
    file = _read(order, examined, goal, seen, progress)
    found = diagnose(seen.examined, file.case.rules)
    case, unsolved = file.examine(found)
    told = untold(case, found)
    notes = seen.notes
    if case.nothing_wrong:
        if unsolved:
            notes = (*notes, _refuse_unsolved(order, case, seen, told))
        left = FixedFile(path=order.path, plan=None, notes=notes, told=told, solved=not unsolved)
        return replace(left, is_known=seen.is_known)
    plan = file.plan(case)
    if plan is None:
        facts = _facts({**case.faults(), **{each.id: each.because for each in told}})
        raise NoResolution(f"{order.path}: no versions cure this:\n{facts}")
    new = _edited(order.path, text, plan)
    return FixedFile(
        path=order.path,
        plan=plan,
        before=before,
        text=new,
        diff=diff(str(order.path), text, new),
        notes=notes,
        told=told,
    )


def _meant_by(path: Path, text: str, before: bytes) -> FixedFile | None:
    """The file with names that are meant for those that are traps; None where it has none.

    What else is wrong with it can only be told when it asks for what is meant.
    """
    conda = detect(path, text) is FileFormat.ENVIRONMENT
    new = renamed(text, {name: trap.write for name, trap in traps().items()}, conda=conda)
    if new == text:
        return None
    words = {canonicalize_name(each) for each in re.findall(r"[\w.-]+", text)}
    told = tuple(str(trap) for name, trap in traps().items() if name in words)
    return FixedFile(
        path=path,
        plan=Plan(steps=()),
        before=before,
        text=new,
        diff=diff(str(path), text, new),
        notes=(*told, "what else is wrong with it is told once it asks for what is meant"),
    )


def _edited(path: Path, text: str, plan: Plan) -> str:
    done = edited(text, plan.steps, conda=detect(path, text) is FileFormat.ENVIRONMENT)
    if done.hashed:
        raise UsageError(
            f"{path}: the lines of {', '.join(done.hashed)} have hashes, so the file is a "
            f"lock; it would have to become {plan}",
            "envlock lock",
        )
    return done.text


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


def _meant(order: FileOrder) -> Meant:
    return Meant(settings=order.settings, python=order.python, usual=order.usual)


def _goal(order: FileOrder, examined: Examined) -> Target:
    """The target of a file; the usual one where only conda would bring the Python that it names.

    Raises:
        InterpreterMissing: the Python is not here, and what pip installs is for it.
        UsageError: as that.
    """
    try:
        return target_of(examined, _meant(order))
    except (InterpreterMissing, UsageError):
        if order.python is not None or is_request(examined):
            raise
        return target_of(replace(examined, python=None), _meant(order))


def _read(
    order: FileOrder, examined: Examined, goal: Target, seen: Judged, progress: Progress
) -> _File:
    return _File(
        case=_stated(order, examined, goal, seen, database.load(order.rules).rules),
        ranges=examined.loose,
        complete=examined.complete,
        judged=seen,
        tools=tools_for(order.settings, able(order.engine, goal)[0], progress),
    )


def _refuse_elsewhere(order: FileOrder, seen: Judged) -> None:
    """Refuse to change lines where another Python takes the file as it is.

    Raises:
        NoResolution: it is so.
    """
    if seen.obstacle is not None and seen.pythons:
        raise NoResolution(
            f"{order.path}: {seen.obstacle.title}: {seen.obstacle.because}",
            f"envlock fix {shlex.quote(order.path.as_posix())} --python {seen.pythons[0]}",
        )


def _refuse_unsolved(
    order: FileOrder, case: Complaint, seen: Judged, told: tuple[Finding, ...]
) -> str:
    """Return a note where only conda could tell what would be installed.

    Raises:
        NoResolution: what the file asks for has no solution.
    """
    if seen.obstacle is None:
        return by_its_lines(order.path)
    place = f"for Python {case.target.minor} on {case.target.platform}"
    said = [f"  {line}" for line in seen.obstacle.because.strip().splitlines()]
    facts = _facts({each.id: each.because for each in told})
    raise NoResolution(
        "\n".join((f"{order.path}: nothing fits what it asks for {place}:", *said, facts)).rstrip(),
        f"envlock lock -r {shlex.quote(str(order.path))}",
    )


def _facts(found: Mapping[str, str]) -> str:
    return "\n".join(f"  {name}: {because}" for name, because in found.items())


def _stated(
    order: FileOrder, examined: Examined, goal: Target, seen: Judged, rules: tuple[Rule, ...]
) -> Complaint:
    return Complaint(
        packages=examined.packages,
        target=goal,
        situation=replace(
            Situation.of(goal),
            manager=examined.manager or "pip",
            python=goal.python if is_request(examined) else examined.python or goal.python,
        ),
        rules=rules,
        settings=order.settings,
        keep=order.steering.keep,
        allow=order.steering.allow,
        listed=True,
        extras=_extras(examined),
        unread=seen.unread,
    )


def _extras(examined: Examined) -> dict[NormalizedName, str]:
    """The extras that are asked for, as they are written."""
    found: dict[NormalizedName, set[str]] = {}
    for each in examined.asked:
        found.setdefault(canonicalize_name(each.requirement.name), set()).update(
            each.requirement.extras
        )
    return {name: f"[{','.join(sorted(extras))}]" for name, extras in found.items() if extras}


class _File(Struct, frozen=True, kw_only=True):
    """A file that was read: its pins in a case, its ranges, what it becomes, and who solves."""

    case: Complaint
    ranges: Mapping[NormalizedName, SpecifierSet]
    complete: bool
    judged: Judged
    tools: Tools

    def examine(self, found: Iterable[Finding]) -> tuple[Complaint, str]:
        """Return what is wrong, and what the engine says where nothing fits the file.

        What an installer makes of the file today is judged. Where it makes
        nothing of it, which is mostly for the reason of a rule, the newest
        version of each range stands for the range. What conda would take is
        asked of no index of pip's: of its ranges is wrong what is ``found`` to be.
        """
        pins = self.case.packages
        if self.judged.pins is not None:
            return self._wrong({**pins, **self.judged.pins}), ""
        if self.judged.obstacle is not None:
            return self._wrong({**self._newest(), **pins}), self.judged.obstacle.because
        if not self.judged.is_known or self.complete:
            return self._wrong(pins), ""
        told = frozenset(each.id for each in found if each.severity is Severity.BREAKS)
        case = self._wrong({**self._newest(), **pins} if told else pins, told)
        # The rest is conda's too, and no index of pip's has all of its names.
        named = {name for each in case.broken for name in each.packages}
        own = {name: version for name, version in case.packages.items() if name in named}
        return replace(case, packages=own, loose=()), "what conda would take is not known"

    def plan(self, case: Complaint) -> Plan | None:
        """Return the first cure that leaves all other ranges as they are, or else one of all."""
        found = next(plans(case, self.tools), None)
        if found is None and case.loose:
            versions = {**self._newest(), **case.packages}
            found = next(plans(replace(case, packages=versions, loose=()), self.tools), None)
        return None if found is None else Plan(steps=tuple(filter(self._is_of_file, found.steps)))

    def _is_of_file(self, step: Step) -> bool:
        """Whether a step changes a line, or adds one that a rule asks for."""
        if step.action is Action.REINSTALL:
            return False
        wanted = self.ranges.get(step.package)
        outside = wanted is not None and step.after is not None and not admits(wanted, step.after)
        return bool(step.rules) or outside or step.package in self.case.packages

    def _wrong(self, pins: Packages, told: frozenset[str] | None = None) -> Complaint:
        """The case of these versions, with the lines that no broken rule names as they are.

        Of the rules that they break, those count that are ``told``; all where None are.
        """
        broken = tuple(each for each in self._broken(pins) if told is None or each.rule.id in told)
        named = {name for each in broken for name in each.packages}
        own = self.case.packages.keys()
        return replace(
            self.case,
            packages={n: v for n, v in pins.items() if n in own or n in named},
            loose=tuple(
                Requirement(f"{name}{self.case.extras.get(name, '')}{wanted}")
                for name, wanted in sorted(self.ranges.items())
                if name not in named
            ),
            broken=tuple(each for each in broken if each.case.demands),
            owners=tuple(owners_of(broken, (), own | self.ranges.keys())),
        )

    def _broken(self, pins: Packages) -> tuple[Violation, ...]:
        found = violations(self.case.rules, pins, self.case.situation, lenient=True)
        return tuple(each for each in found if each.rule.severity is Severity.BREAKS)

    def _newest(self) -> dict[NormalizedName, Version]:
        """The newest release for the target in each range that has one."""
        newest = {
            name: max(
                (
                    version
                    for version, files in self.tools.releases(name).items()
                    if admits(wanted, version)
                    and not version.is_prerelease
                    and any(fits(f, self.case.target) and f.yanked is None for f in files)
                ),
                default=None,
            )
            for name, wanted in self.ranges.items()
        }
        return {name: version for name, version in newest.items() if version is not None}
