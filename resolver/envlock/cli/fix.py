"""`envlock fix` and `envlock history`."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct

from envlock.choices import EngineName
from envlock.cli.arguments import flag, option, word
from envlock.cli.environments import ExaminedEnvironment
from envlock.cli.options import (
    IndexOptions,
    JsonOption,
    ProbeOptions,
    RuleFolders,
    TalkOptions,
    engine_option,
)
from envlock.cli.output import progress_for, say, say_json
from envlock.cli.output import talk as tell
from envlock.cli.streams import is_conversation
from envlock.errors import ExitCode, UsageError
from envlock.words import counted

if TYPE_CHECKING:
    from envlock.changes import Plan, Step
    from envlock.findings import Finding
    from envlock.outcomes import Outcome
    from envlock.progress import Progress
    from envlock.workflow.fix import Approve, Fixed, Tried
    from envlock.workflow.fix_file import FixedFile


class FixOptions(Struct, frozen=True, kw_only=True):
    """What is cured, and what may be done."""

    place: Annotated[
        Path | None,
        word(
            "ENV|FILE",
            says="A venv, a conda prefix, requirements.txt or environment.yml.  "
            "[default: the active environment, or .venv]",
        ),
    ] = None
    yes: Annotated[bool, flag("-y", "--yes", says="Apply the plan without a question.")] = False
    dry_run: Annotated[bool, flag("--dry-run", says="Only show the plan.")] = False
    write: Annotated[bool, flag("--write", says="Of a file: write the changed file.")] = False
    undo: Annotated[
        bool, flag("--undo", says="Restore what the environment was before the last fix.")
    ] = False
    keep: Annotated[
        tuple[str, ...],
        option("--keep", metavar="NAME", says="Do not change this package. Repeatable."),
    ] = ()
    allow: Annotated[
        tuple[str, ...],
        option("--allow", metavar="NAME", says="Let this package move from the start. Repeatable."),
    ] = ()
    python: Annotated[
        str | None,
        option(
            "-p",
            "--python",
            metavar="PYTHON",
            says="Of a file: the Python it is for.  [default: what it says, or envlock's own]",
        ),
    ] = None
    engine: Annotated[
        EngineName,
        engine_option(EngineName.UV),
    ] = EngineName.UV
    rules: RuleFolders = ()


def fix(own: FixOptions, probes: ProbeOptions, index: IndexOptions, talk: TalkOptions) -> int:
    """Cure an environment or a file with the fewest changes; --undo takes it back."""
    progress = progress_for(quiet=talk.quiet or talk.json, verbose=talk.verbose)
    _refuse_mixtures(own)
    if own.undo:
        return _undo(own, progress, as_json=talk.json)
    if own.place is not None and _is_file_to_fix(own.place):
        return _fix_file(own, index, progress, as_json=talk.json)
    return _fix_environment(own, probes, index, progress, as_json=talk.json)


def _is_file_to_fix(place: Path) -> bool:
    """Tell whether a place is a file whose pins can be changed.

    Raises:
        UsageError: it is a file of another kind, which no Python runs.
    """
    from envlock.formats.registry import ROWS, Can, FileFormat, can, format_at  # noqa: PLC0415  (--help)

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
    from envlock.cli.orders import configured_settings  # noqa: PLC0415  (--help)
    from envlock.cli.proofs import proof_order  # noqa: PLC0415  (as above)
    from envlock.request.words import parse_names  # noqa: PLC0415
    from envlock.workflow import cases  # noqa: PLC0415
    from envlock.workflow import fix as workflow  # noqa: PLC0415

    order = workflow.FixOrder(
        environment=own.place,
        settings=configured_settings(index),
        proof=proof_order(probes),
        steering=cases.Steering(keep=parse_names(own.keep), allow=parse_names(own.allow)),
        engine=own.engine,
        rules=own.rules,
        approve=_approval(own, as_json=as_json),
    )
    done = workflow.fix(order, progress)
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
        yield f"envlock verify {done.environment} tries what it can do"
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
        yield f"envlock fix --undo {done.environment} takes it back"
    else:
        yield "nothing was changed; --yes applies it"


def _told_lines(findings: Iterable[Finding], place: Path) -> Iterator[str]:
    """What a diagnosis finds to break beside what is to be changed."""
    yield f"envlock diagnose {place} finds beside:"
    yield from (f"  {each.id}: {each.title}" for each in findings)


def _tried_lines(tried: Sequence[Tried]) -> Iterator[str]:
    for each in tried:
        yield f"tried in a copy: {each.plan}: {each.why}"


def _plan_table(steps: Sequence[Step]) -> str:
    from envlock.report import table  # noqa: PLC0415  (as above)

    rows = [
        (each.package, _version(each.before), _version(each.after), _why(each)) for each in steps
    ]
    return table(("package", "from", "to", "why"), rows)


def _version(version: object) -> str:
    return "-" if version is None else str(version)


def _why(step: Step) -> str:
    return f"{step.because} ({', '.join(step.rules)})" if step.rules else step.because


def _capability_table(before: Sequence[Outcome], after: Sequence[Outcome]) -> str:
    from envlock.report import table  # noqa: PLC0415  (as above)

    was = {each.level: each for each in before}
    now = {each.level: each for each in after}
    levels = dict.fromkeys((*was, *now))
    rows = [(level, _status(was.get(level)), _status(now.get(level))) for level in levels]
    return table(("capability", "before", "after"), rows)


def _status(outcome: Outcome | None) -> str:
    return "-" if outcome is None else type(outcome).__name__.lower()


def _fixed_data(done: Fixed) -> dict[str, Any]:
    from envlock.environment.journal import step_data  # noqa: PLC0415  (as above)
    from envlock.report import outcome_data  # noqa: PLC0415

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
    from envlock.environment.journal import step_data  # noqa: PLC0415  (as above)
    from envlock.workflow import history as workflow  # noqa: PLC0415

    prefix, steps = workflow.undo(own.place, progress)
    if as_json:
        content = {"environment": str(prefix), "undone": [*map(step_data, steps)]}
        say_json("fix", content)
    else:
        changes = ", ".join(
            f"{s.package} {_version(s.after)} → {_version(s.before)}" for s in steps
        )
        say(f"undone: {changes}\n{prefix} is as it was before the fix")
    return 0


def history(own: ExaminedEnvironment, talk: JsonOption) -> int:
    """List the fixes of an environment: when, what, and how each ended."""
    from envlock.environment.journal import step_data  # noqa: PLC0415  (as above)
    from envlock.workflow import history as workflow  # noqa: PLC0415

    prefix, past = workflow.history(own.environment, progress_for(quiet=False, verbose=False))
    if talk.json:
        fixes = [
            {"when": each.when, "outcome": each.state, "steps": [*map(step_data, each.steps)]}
            for each in past
        ]
        say_json("history", {"environment": str(prefix), "fixes": fixes})
    elif not past:
        say(f"envlock has fixed nothing in {prefix}")
    else:
        from envlock.changes import Plan  # noqa: PLC0415  (as above)
        from envlock.report import table  # noqa: PLC0415

        rows = [(each.when, each.state.value, str(Plan(steps=each.steps))) for each in past]
        say(table(("when", "outcome", "changes"), rows))
    return 0


def _fix_file(own: FixOptions, index: IndexOptions, progress: Progress, *, as_json: bool) -> int:
    from envlock.cli.orders import configured_settings  # noqa: PLC0415  (as above)
    from envlock.environment.journal import step_data  # noqa: PLC0415
    from envlock.request.words import parse_names  # noqa: PLC0415
    from envlock.workflow import cases, fix_file  # noqa: PLC0415

    assert own.place is not None  # noqa: S101  (fix() asked)
    order = fix_file.FileOrder(
        path=own.place,
        settings=configured_settings(index),
        python=own.python,
        steering=cases.Steering(keep=parse_names(own.keep), allow=parse_names(own.allow)),
        engine=own.engine,
        rules=own.rules,
        writes=own.write,
    )
    found = fix_file.fix_file(order, progress)
    for note in found.notes:
        tell(note)
    if found.plan is not None and not as_json:
        say(f"{_plan_table(found.plan.steps)}\n\n{found.diff}\n")
    written = found.plan is not None and _is_to_be_written(own, as_json=as_json)
    if written:
        fix_file.write_file(found)
    code = ExitCode.of(problem=not (written or (found.plan is None and not found.told)))
    if as_json:
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
    yield f"what an installer takes of {place} today is not broken by it; no line has to change"


def _is_to_be_written(own: FixOptions, *, as_json: bool) -> bool:
    if own.write or own.dry_run:
        return own.write
    return not as_json and is_conversation() and _confirmed("Apply? [y/N] ")
