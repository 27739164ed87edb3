"""`envlock cache dir`, `size` and `clean`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Struct

from envlock.cli.arguments import Command, flag
from envlock.cli.options import TalkOptions


class CleanOptions(Struct, frozen=True, kw_only=True):
    """Whose cache is emptied."""

    uv: Annotated[bool, flag("--uv", says="Empty uv's cache too, which other projects share.")] = (
        False
    )


DIR = Command(
    "cache.run.run_dir",
    "Print where envlock keeps what can be fetched or made again, and where uv does for it.",
    talk=TalkOptions,
)

SIZE = Command(
    "cache.run.run_size",
    "Say how much lies in each of the caches.",
    examples=(
        "cache size",
        "cache size --json",
    ),
    talk=TalkOptions,
)

CLEAN = Command(
    "cache.run.run_clean",
    """Empty envlock's cache; environments and locks are as they were.

    Nothing else in that folder is touched.
    """,
    examples=(
        "cache clean",
        "cache clean --uv",
    ),
    own=CleanOptions,
    talk=TalkOptions,
)
