"""`envlock fix` and `envlock history`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Struct

from envlock.choices import EngineName
from envlock.cli.arguments import Command, flag, option, word
from envlock.cli.options import (
    IndexOptions,
    JsonOption,
    ProbeOptions,
    RuleFolders,
    TalkOptions,
    engine_option,
    no_imports_option,
)
from envlock.commands.environments import ExaminedEnvironment


class FixOptions(Struct, frozen=True, kw_only=True):
    """What is cured, and what may be done."""

    place: Annotated[
        Path | None,
        word(
            "ENV|FILE",
            says="A venv, a conda prefix, requirements.txt or environment.yml.  "
            "[default: .venv, or the active environment]",
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
            says="Of a file: the Python it is for.  [default: what it says, what is configured, or"
            " envlock's own]",
        ),
    ] = None
    engine: Annotated[
        EngineName,
        engine_option(EngineName.UV),
    ] = EngineName.UV
    no_imports: Annotated[
        tuple[str, ...],
        no_imports_option("Do not import this one of what the environment was made for."),
    ] = ()
    rules: RuleFolders = ()


FIX = Command(
    "fix.run.run_fix",
    "Cure an environment or a file with the fewest changes; --undo takes it back.",
    examples=(
        "fix .venv --dry-run",
        "fix requirements.txt --write",
    ),
    own=FixOptions,
    probes=ProbeOptions,
    index=IndexOptions,
    talk=TalkOptions,
)

HISTORY = Command(
    "fix.run.run_history",
    "List the fixes of an environment: when, what, and how each ended.",
    examples=(
        "history",
        "history .venv",
    ),
    own=ExaminedEnvironment,
    talk=JsonOption,
)
