"""`envlock lock`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Struct

from envlock.cli.arguments import Command, flag
from envlock.cli.options import (
    CondaOptions,
    IndexOptions,
    LockFileOptions,
    RequestOptions,
    TalkOptions,
)


class CheckOption(Struct, frozen=True, kw_only=True):
    """What is done."""

    check: Annotated[
        bool, flag("--check", says="Only tell whether the lock is current; exit 1 if not.")
    ] = False


LOCK = Command(
    "lock.run.run",
    """Write a hashed lock whose versions work together.

    An environment.yml given to -r is locked for conda.
    """,
    request=RequestOptions,
    own=CheckOption,
    conda=CondaOptions,
    files=LockFileOptions,
    index=IndexOptions,
    talk=TalkOptions,
)
