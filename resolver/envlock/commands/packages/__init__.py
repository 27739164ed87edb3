"""`envlock tree`, `list` and `why`: what is in a lock or an environment, and for whom."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Struct

from envlock.cli.arguments import Command, option, word
from envlock.cli.options import JsonOption

_WHAT = "A lock, an environment, or - for standard input."


class TreeOptions(Struct, frozen=True, kw_only=True):
    """What is shown, and from which end."""

    what: Annotated[
        Path | None,
        word("LOCK|ENV", says=f"{_WHAT}  [default: the lock in the folder, else .venv]"),
    ] = None
    invert: Annotated[
        str | None,
        option("--invert", metavar="NAME", says="Begin with this package: who needs it."),
    ] = None
    why: Annotated[
        str | None,
        option("--why", metavar="NAME", says="Show only what leads to this package."),
    ] = None
    depth: Annotated[
        int | None,
        option("--depth", metavar="N", says="Show so many levels below the first."),
    ] = None


class ListedPlace(Struct, frozen=True, kw_only=True):
    """What is listed."""

    what: Annotated[
        Path | None,
        word("ENV|LOCK", says=f"{_WHAT}  [default: .venv, else the lock in the folder]"),
    ] = None


class ExplainedPackage(Struct, frozen=True, kw_only=True):
    """Which package is explained, and where."""

    name: Annotated[str, word("NAME", says="The package.")]
    what: Annotated[
        Path | None,
        word("LOCK|ENV", says=f"{_WHAT}  [default: the lock in the folder, else .venv]"),
    ] = None


TREE = Command(
    "packages.run.run_tree",
    """Show who needs what, and which rules hold it.

    What was asked for stands first; (*) is where a package was shown before. Nothing of
    an environment is run.
    """,
    examples=(
        "tree",
        "tree .venv --invert numpy",
    ),
    own=TreeOptions,
    talk=JsonOption,
)

LIST = Command(
    "packages.run.run_list",
    """List the packages of an environment or a lock.""",
    examples=(
        "list",
        "list requirements.txt",
    ),
    own=ListedPlace,
    talk=JsonOption,
)

WHY = Command(
    "packages.run.run_why",
    """Say why a package is there: who needs it, and which rules bound it.""",
    examples=(
        "why numpy",
        "why protobuf .venv",
    ),
    own=ExplainedPackage,
    talk=JsonOption,
)
