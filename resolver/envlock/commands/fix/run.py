"""`envlock fix` and `envlock history`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from envlock.changes import Plan, Step
from envlock.cli.options import IndexOptions, JsonOption, ProbeOptions, TalkOptions
from envlock.cli.orders import configured_settings, environment_meant, index_settings
from envlock.cli.output import progress_for, say, say_json
from envlock.cli.output import talk as tell
from envlock.cli.process import is_conversation
from envlock.commands.environments import ExaminedEnvironment
from envlock.commands.environments.verify import proof_order, refuse_files
from envlock.commands.fix import FixOptions
from envlock.commands.fix import case as cases
from envlock.commands.fix import environment as fix
from envlock.commands.fix import file as fix_file
from envlock.commands.fix.environment import Approve, Fixed, Tried
from envlock.commands.fix.file import FixedFile
from envlock.config import load_config
from envlock.environment.held import hold_what_is_there
from envlock.environment.holding import alone
from envlock.environment.inspect import prefix_of
from envlock.environment.journal import ChangeState, Journal, fixes, step_data
from envlock.environment.recovery import environment_at, settle
from envlock.environment.repair import undo as restore
from envlock.errors import ExitCode, UsageError
from envlock.findings import Finding
from envlock.formats.registry import ROWS, Can, FileFormat, can, format_at
from envlock.outcomes import Outcome
from envlock.progress import Progress
from envlock.report import outcome_data, table
from envlock.request.words import parse_names
from envlock.system.looking import current_folder
from envlock.system.typed import as_typed
from envlock.words import counted


def run_fix(own: FixOptions, probes: ProbeOptions, index: IndexOptions, talk: TalkOptions) -> int:
    """Do `envlock fix`."""
    progress = progress_for(quiet=talk.quiet or talk.json, verbose=talk.verbose)
    _refuse_mixtures(own)
    if own.undo:
        return _undo(own, progress, as_json=talk.json)
    if own.place is not None and _is_file_to_fix(own.place):
        return _fix_file(own, index, talk, progress)
    return _fix_environment(own, probes, index, progress, as_json=talk.json)


def _is_file_to_fix(place: Path) -> bool:
    """Tell whether a place is a file whose pins can be changed.

    Raises:
        UsageError: it is a file of another kind, which no Python runs.
    """
    found = format_at(place)
    if found is None or found is FileFormat.LOG or can(found, Can.EDIT):
        return can(found, Can.EDIT)
    raise UsageError(
        f"{place} is {ROWS[found].what}: fix changes requirements files, environment.yml and"
        " environments",
        f"envlock diagnose {shlex.quote(place.as_posix())}",
    )


def _refuse_mixtures(own: FixOptions) -> None:
    if own.undo and (own.yes or own.dry_run or own.write or own.keep or own.allow):
        raise UsageError("--undo goes with no other option", "envlock fix --undo")
    if own.dry_run and (own.yes or own.write):
        raise UsageError("--dry-run and --yes or --write ask for opposite things")


def _fix_environment(
    own: FixOptions, probes: ProbeOptions, index: IndexOptions, progress: Progress, *, as_json: bool
) -> int:
    order = fix.FixOrder(
        environment=environment_meant(own.place, progress),
        settings=configured_settings(index),
        proof=proof_order(probes),
        steering=cases.Steering(
            keep=parse_names(own.keep, "--keep"), allow=parse_names(own.allow, "--allow")
        ),
        engine=own.engine,
        rules=own.rules,
        approve=_approval(own, as_json=as_json),
        no_imports=parse_names(own.no_imports, "--no-imports"),
    )
    done = fix.fix(order, progress)
    code = ExitCode.of(problem=not (done.changed or (done.plan is None and not done.told)))
    if as_json:
        say_json("fix", _fixed_data(done), exit_code=code)
    else:
        say("\n".join(_fixed_lines(done, own)))
    return code


def _approval(own: FixOptions, *, as_json: bool) -> Approve | None:
    """Who says yes: --yes, the person at the terminal, or nobody."""
    if own.yes:
        return lambda plan, tried: True  # noqa: ARG005  (asked nobody)
    if own.dry_run or as_json or not is_conversation():
        return None
    return _ask


def _ask(plan: Plan, tried: tuple[Tried, ...]) -> bool:
    lines = [*_tried_lines(tried), _plan_table(plan.steps)]
    say("\n".join(lines))
    return _confirmed("It holds in a copy of the environment. Apply? [y/N] ")


def _confirmed(question: str) -> bool:
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def _fixed_lines(done: Fixed, own: FixOptions) -> Iterator[str]:
    if done.told:
        yield from _told_lines(done.told, done.environment)
    if done.plan is None:
        if done.told:
            yield f"no change of {done.environment} cures this; nothing was changed"
            return
        what = f"{counted(done.packages, 'package')} in {done.environment}"
        yield f"nothing is wrong by what envlock knows: {what}"
        yield as_typed(f"envlock verify {_word(done.environment)}") + " tries what it can do"
        return
    if not done.changed or own.yes:
        yield from _tried_lines(done.tried)
        yield _plan_table(done.plan.steps)
    if done.commands:
        yield "conda owns some of these, so envlock leaves them to it; type (or with mamba):"
        yield from (f"  {each}" for each in done.commands)
    elif done.changed:
        yield _capability_table(done.before, done.after)
        of = f"{len(done.plan.steps)} of {counted(done.packages, 'package')}"
        yield f"fixed: {of} changed in {done.environment}"
        yield as_typed(f"envlock fix --undo {_word(done.environment)}") + " takes it back"
    else:
        yield "nothing was changed; --yes applies it"


def _told_lines(findings: Iterable[Finding], place: Path) -> Iterator[str]:
    """What a diagnosis finds to break beside what is to be changed."""
    yield as_typed(f"envlock diagnose {_word(place)}") + " finds beside:"
    yield from (f"  {each.id}: {each.title}" for each in findings)


def _word(place: Path) -> str:
    return shlex.quote(place.as_posix())


def _tried_lines(tried: Sequence[Tried]) -> Iterator[str]:
    for each in tried:
        yield f"tried in a copy: {each.plan}: {each.why}"


def _plan_table(steps: Sequence[Step]) -> str:
    rows = [
        (each.package, _version(each.before), _version(each.after), _why(each)) for each in steps
    ]
    return table(("package", "from", "to", "why"), rows)


def _version(version: object) -> str:
    return "-" if version is None else str(version)


def _why(step: Step) -> str:
    return f"{step.because} ({', '.join(step.rules)})" if step.rules else step.because


def _capability_table(before: Sequence[Outcome], after: Sequence[Outcome]) -> str:
    was = {each.level: each for each in before}
    now = {each.level: each for each in after}
    levels = dict.fromkeys((*was, *now))
    rows = [(level, _status(was.get(level)), _status(now.get(level))) for level in levels]
    return table(("capability", "before", "after"), rows)


def _status(outcome: Outcome | None) -> str:
    return "-" if outcome is None else type(outcome).__name__.lower()


def _fixed_data(done: Fixed) -> dict[str, Any]:
    return {
        "environment": str(done.environment),
        "changed": done.changed,
        "packages": done.packages,
        "beside": [each.id for each in done.told],
        "plan": None if done.plan is None else [*map(step_data, done.plan.steps)],
        "tried": [
            {"plan": [*map(step_data, each.plan.steps)], "why": each.why} for each in done.tried
        ],
        "commands": list(done.commands),
        "before": [*map(outcome_data, done.before)],
        "after": [*map(outcome_data, done.after)],
    }


def _undo(own: FixOptions, progress: Progress, *, as_json: bool) -> int:
    prefix, steps = undo(environment_meant(own.place, progress), progress)
    if as_json:
        content = {"environment": str(prefix), "undone": [*map(step_data, steps)]}
        say_json("fix", content)
    else:
        changes = ", ".join(
            f"{s.package} {_version(s.after)} → {_version(s.before)}" for s in steps
        )
        say(f"undone: {changes}\n{prefix} is as it was before the fix")
    return 0


def run_history(own: ExaminedEnvironment, talk: JsonOption) -> int:
    """Do `envlock history`."""
    refuse_files(own.environment)
    progress = progress_for(quiet=False, verbose=False)
    prefix, past = history(environment_meant(own.environment, progress), progress)
    if talk.json:
        fixes = [
            {"when": each.when, "outcome": each.state, "steps": [*map(step_data, each.steps)]}
            for each in past
        ]
        say_json("history", {"environment": str(prefix), "fixes": fixes})
    elif not past:
        say(f"envlock has fixed nothing in {prefix}")
    else:
        rows = [(each.when, each.state.value, str(Plan(steps=each.steps))) for each in past]
        say(table(("when", "outcome", "changes"), rows))
    return 0


def _fix_file(own: FixOptions, index: IndexOptions, talk: TalkOptions, progress: Progress) -> int:
    assert own.place is not None  # noqa: S101  (fix() asked)
    config = load_config(current_folder(), os.environ)
    order = fix_file.FileOrder(
        path=own.place,
        settings=index_settings(index, config),
        python=own.python,
        usual=config.python,
        steering=cases.Steering(
            keep=parse_names(own.keep, "--keep"), allow=parse_names(own.allow, "--allow")
        ),
        engine=own.engine,
        rules=own.rules,
        writes=own.write,
    )
    found = fix_file.fix_file(order, progress)
    if found.notes and not talk.quiet:
        tell("\n".join(found.notes))
    if found.plan is not None and not talk.json:
        steps_told = f"{_plan_table(found.plan.steps)}\n\n" if found.plan.steps else ""
        say(f"{steps_told}{found.diff}\n")
    written = found.plan is not None and _is_to_be_written(own, as_json=talk.json)
    if written:
        fix_file.write_file(found)
    code = ExitCode.of(problem=not (written or (found.plan is None and not found.told)))
    if talk.json:
        steps = None if found.plan is None else [*map(step_data, found.plan.steps)]
        content = {
            "file": str(own.place),
            "changed": written,
            "plan": steps,
            "diff": found.diff,
            "beside": [each.id for each in found.told],
        }
        say_json("fix", content, exit_code=code)
    elif found.plan is None:
        say("\n".join(_unchanged_lines(found, own.place)))
    else:
        say(f"written: {own.place}" if written else "nothing was written; --write writes it")
    return code


def _unchanged_lines(found: FixedFile, place: Path) -> Iterator[str]:
    if not found.told:
        yield f"nothing is wrong by what envlock knows: {place}"
        return
    yield from _told_lines(found.told, place)
    if not found.is_known:
        yield f"what an installer takes of {place} today is not known, so no line is changed"
        return
    if found.solved:
        yield f"what an installer takes of {place} today is not broken by it; no line has to change"
        return
    yield f"conda decides what its ranges become, so no pin is proposed; in {place},"
    yield from (f"  {each.remedies[0].text}" for each in found.told if each.remedies)


def _is_to_be_written(own: FixOptions, *, as_json: bool) -> bool:
    if own.write or own.dry_run:
        return own.write
    return not as_json and is_conversation() and _confirmed("Apply? [y/N] ")


def undo(environment: Path, progress: Progress) -> tuple[Path, tuple[Step, ...]]:
    """Restore what an environment was before its last fix; return it and the steps taken back.

    Raises:
        UsageError: there is nothing to undo, or it was changed since.
        WorkError: another envlock is at work there, or files cannot be restored.
    """
    python = environment_at(environment, progress, wait=True)
    prefix = prefix_of(python)
    with alone(prefix, progress):
        settle(prefix, progress)
        with progress.phase(f"restore {prefix}"):
            steps = restore(python).steps()
            hold_what_is_there(prefix)
            return prefix, steps


class Past(Struct, frozen=True, kw_only=True):
    """One fix of an environment: when it began, what it changed, how it ended."""

    when: str
    steps: tuple[Step, ...]
    state: ChangeState


def history(environment: Path, progress: Progress) -> tuple[Path, tuple[Past, ...]]:
    """The fixes of an environment, oldest first.

    Raises:
        UsageError: there is no environment.
    """
    prefix = prefix_of(environment_at(environment, progress))
    return prefix, tuple(map(_past, fixes(prefix)))


def _past(journal: Journal) -> Past:
    return Past(when=journal.lines()[0]["time"], steps=journal.steps(), state=journal.state())
