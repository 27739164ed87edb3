"""`envlock export` and `envlock diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Struct

from envlock.choices import Format
from envlock.cli.arguments import Command, flag, option, word
from envlock.cli.options import ChosenOptions, IndexOptions, JsonOption, TalkOptions


class ExportOptions(Struct, frozen=True, kw_only=True):
    """What is written, and where."""

    lock: Annotated[
        Path | None,
        word("LOCK", says="A lock of envlock, uv or pip-tools.  [default: the lock in the folder]"),
    ] = None
    format: Annotated[
        Format | None,
        option(
            "--format",
            metavar="FORMAT",
            says=f"One of {', '.join(Format)}.  [default: what the name after -o says]",
        ),
    ] = None
    output: Annotated[
        Path | None,
        option(
            "-o",
            "--output",
            metavar="FILE",
            says="The file to write, or a folder.  [default: standard output]",
        ),
    ] = None
    python: Annotated[
        str | None,
        option(
            "-p",
            "--python",
            metavar="VERSION",
            says="The Python of a lock that names none.  [default: the one that runs envlock]",
        ),
    ] = None
    platform: Annotated[
        str | None,
        option(
            "--platform",
            metavar="PLATFORM",
            says="The platform of a lock that names none, or the one to write of several.",
        ),
    ] = None
    environment: Annotated[
        str | None,
        option(
            "-E", "--environment", metavar="NAME", says="Which one of a pixi.lock with several."
        ),
    ] = None
    universal: Annotated[
        bool,
        flag(
            "--universal",
            says="Put all platforms of the lock into one requirements file, with markers.",
        ),
    ] = False


class TwoLocks(Struct, frozen=True, kw_only=True):
    """What is compared."""

    before: Annotated[
        str,
        word(
            "OLD",
            says="A lock: a file, - for standard input, or a revision of git: HEAD~1,"
            " main:requirements.txt.",
        ),
    ]
    after: Annotated[
        str | None,
        word("NEW", says="Another one, of any format.  [default: the lock in this folder]"),
    ] = None


EXPORT = Command(
    "files.export.run_export",
    """Write an existing lock in another format.

    Nothing is resolved. Index pages are read where the format lists files, or
    needs hashes, that the lock does not have.
    """,
    examples=(
        "export --format pylock -o pylock.toml",
        "export conda-lock.yml --format explicit --platform linux-64",
    ),
    own=ExportOptions,
    taken=ChosenOptions,
    index=IndexOptions,
    talk=TalkOptions,
)

DIFF = Command(
    "files.diff.run_diff",
    """Say what changed between two locks.

    Packages, versions, hashes, indexes, the rules that moved pins, Python and platform;
    exit code 1 when there is any difference. The locks may be of two formats.
    """,
    examples=(
        "diff HEAD",
        "diff old.txt pylock.toml",
    ),
    own=TwoLocks,
    talk=JsonOption,
)
