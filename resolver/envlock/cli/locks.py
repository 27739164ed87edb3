"""`envlock lock`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from envlock.choices import STANDARD_OUTPUT
from envlock.cli.arguments import flag
from envlock.cli.options import (
    CondaOptions,
    IndexOptions,
    LockFileOptions,
    RequestOptions,
    TalkOptions,
    is_for_conda,
)
from envlock.cli.output import progress_for, say, say_json
from envlock.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from envlock.workflow.lock import Locked, LockOrder


class CheckOption(Struct, frozen=True, kw_only=True):
    """What is done."""

    check: Annotated[
        bool, flag("--check", says="Only tell whether the lock is current; exit 1 if not.")
    ] = False


def lock(
    request: RequestOptions,
    own: CheckOption,
    conda: CondaOptions,
    files: LockFileOptions,
    index: IndexOptions,
    talk: TalkOptions,
) -> int:
    """Write a hashed lock whose versions work together.

    An environment.yml given to -r is locked for conda.
    """
    if own.check and files.output == STANDARD_OUTPUT:
        raise UsageError("-o - prints a lock, and --check looks at one", "leave -o out")
    if is_for_conda(request, conda):
        from envlock.cli.conda import lock_conda  # noqa: PLC0415  (--help needs none of this)

        return lock_conda(request, conda, files, index, talk, check=own.check)
    from envlock.cli.orders import lock_orders  # noqa: PLC0415  (--help needs none of this)
    from envlock.workflow import lock as workflow  # noqa: PLC0415

    progress = progress_for(quiet=talk.quiet, verbose=talk.verbose)
    orders = lock_orders("lock", request, index, files, progress)
    if own.check:
        return _check(orders, as_json=talk.json)
    locks = workflow.make_locks(orders, progress)
    if files.output == STANDARD_OUTPUT:
        return print_lock(locks[0].texts, as_json=talk.json)
    written = workflow.write(*locks)
    _tell(orders, locks, written, as_json=talk.json)
    return 0


def print_lock(texts: Mapping[Path, str], *, as_json: bool) -> int:
    """Print the text of the one lock that goes to standard output."""
    (text,) = texts.values()
    if as_json:
        say_json("lock", {"text": text})
    else:
        say(text.removesuffix("\n"))
    return 0


def _tell(
    orders: Sequence[LockOrder],
    locks: Sequence[Locked],
    written: Sequence[Path],
    *,
    as_json: bool,
) -> None:
    from envlock import report  # noqa: PLC0415  (after the solving)

    made = [
        (each.lock, order.outputs, str(order.platform.platform) if order.platform else None)
        for each, order in zip(locks, orders, strict=True)
    ]
    if as_json:
        data = [report.lock_data(each, tuple(outputs), written) for each, outputs, _ in made]
        say_json("lock", data[0] if len(data) == 1 else {"locks": data})
    else:
        texts = (
            report.rows_text(
                [
                    *report.lock_rows(each, tuple(outputs), written),
                    ("next", report.next_step(outputs, there)),
                ]
            )
            for each, outputs, there in made
        )
        say("\n\n".join(texts))


def _check(orders: Sequence[LockOrder], *, as_json: bool) -> int:
    from envlock.workflow.lock import check_lock  # noqa: PLC0415  (as above)

    found = [problem for order in orders for problem in check_lock(order)]
    code = ExitCode.of(problem=bool(found))
    if as_json:
        say_json("lock", {"current": not found, "problems": found}, exit_code=code)
    else:
        current = "the lock is current" if len(orders) == 1 else "the locks are current"
        say("\n".join(found or (current,)))
    return code
