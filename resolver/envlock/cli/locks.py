"""`envlock lock`."""

from __future__ import annotations

from typing import Annotated

import typer

from envlock.cli.options import (
    IndexOptions,
    LockFileOptions,
    RequestOptions,
    TalkOptions,
    grouped,
)
from envlock.cli.output import progress_for, reporting, say, say_json


@grouped
def lock(
    request: RequestOptions,
    index: IndexOptions,
    files: LockFileOptions,
    talk: TalkOptions,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only tell whether the lock is current; exit 1 if not.")
    ] = False,
) -> None:
    """Write a hashed lock whose versions work together."""
    with reporting("lock", as_json=talk.json):
        from envlock import report  # noqa: PLC0415  (--help needs none of this)
        from envlock.cli.orders import lock_order  # noqa: PLC0415
        from envlock.workflow import lock as workflow  # noqa: PLC0415

        progress = progress_for(quiet=talk.quiet or talk.json, verbose=talk.verbose)
        order = lock_order("lock", request, index, files, progress)
        if check:
            found = workflow.check_lock(order)
            if talk.json:
                say_json("lock", {"current": not found, "problems": found})
            else:
                for line in found or ("the lock is current",):
                    say(line)
            raise typer.Exit(1 if found else 0)
        locked = workflow.make_lock(order, progress)
        written = workflow.write(locked)
        if talk.json:
            say_json("lock", report.lock_data(locked.lock, written))
        else:
            say(report.lock_text(locked.lock, tuple(order.outputs), written))
