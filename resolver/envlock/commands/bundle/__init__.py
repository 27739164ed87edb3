"""`envlock bundle`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Struct

from envlock.cli.arguments import Command, option, word
from envlock.cli.options import IndexOptions, TalkOptions, python_option


class BundleOptions(Struct, frozen=True, kw_only=True):
    """What is put into a folder, and where that is."""

    lock: Annotated[
        Path | None, word("LOCK", says="A lock with hashes.  [default: the lock in the folder]")
    ] = None
    output: Annotated[
        Path,
        option("-o", "--output", metavar="DIR", says="The folder.  [default: bundle]"),
    ] = Path("bundle")
    python: Annotated[str | None, python_option("the one the lock is for")] = None
    platform: Annotated[
        tuple[str, ...],
        option(
            "--platform",
            metavar="PLATFORM",
            says="Take what this platform needs. Repeatable.  [default: all that the lock is for]",
        ),
    ] = ()


BUNDLE = Command(
    "bundle.run.run",
    """Put a lock and its wheels into a folder: what sync DIR and create --from DIR install from.

    Neither an index nor a cache is needed there. Each file is checked by the hash
    that was locked; what is there already is not fetched again.
    """,
    examples=(
        "bundle -o bundle",
        "bundle pylock.toml --platform linux-x86_64 -o bundle",
    ),
    own=BundleOptions,
    index=IndexOptions,
    talk=TalkOptions,
)
