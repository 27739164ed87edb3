"""`envlock lock`."""

from __future__ import annotations

from dataclasses import dataclass

from envlock.cli.arguments import flag
from envlock.cli.options import IndexOptions, LockFileOptions, RequestOptions, TalkOptions
from envlock.cli.output import progress_for, say, say_json


@dataclass(frozen=True, kw_only=True)
class CheckOption:
    """What is done."""

    check: bool = flag("--check", says="Only tell whether the lock is current; exit 1 if not.")


def lock(
    request: RequestOptions,
    own: CheckOption,
    files: LockFileOptions,
    index: IndexOptions,
    talk: TalkOptions,
) -> int:
    """Write a hashed lock whose versions work together."""
    from envlock import report  # noqa: PLC0415  (--help needs none of this)
    from envlock.cli.orders import lock_order  # noqa: PLC0415
    from envlock.workflow import lock as workflow  # noqa: PLC0415

    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    order = lock_order("lock", request, index, files, progress)
    if own.check:
        found = workflow.check_lock(order)
        code = 1 if found else 0
        if talk.json:
            say_json("lock", {"current": not found, "problems": found}, exit_code=code)
        else:
            say("\n".join(found or ("the lock is current",)))
        return code
    locked = workflow.make_lock(order, progress)
    written = workflow.write(locked)
    if talk.json:
        say_json("lock", report.lock_data(locked.lock, tuple(order.outputs), written))
    else:
        rows = report.lock_rows(locked.lock, tuple(order.outputs), written)
        say(report.rows_text([*rows, ("next", report.next_step(order.outputs))]))
    return 0
