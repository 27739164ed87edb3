"""`envlock bisect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Struct

from envlock.choices import PROBE_SECONDS
from envlock.cli.arguments import Command, flag, option, word
from envlock.cli.options import IndexOptions, TalkOptions, python_option


class BisectOptions(Struct, frozen=True, kw_only=True):
    """Two sets of pins, and what tells them apart."""

    good: Annotated[
        Path,
        word(
            "GOOD",
            says="What works: a lock, a pip freeze, requirements with ==, an environment, or a cell"
            " of evidence (CELL.json, or CELL.json#plain for its other sets).",
        ),
    ]
    bad: Annotated[Path, word("BAD", says="What does not, in any of these forms.")]
    run: Annotated[
        str | None,
        option(
            "--run", metavar="COMMAND", says="What must end with exit status 0, such as a script."
        ),
    ] = None
    probe: Annotated[
        Path | None,
        option("--probe", metavar="FILE", says="A Python script that must end with exit status 0."),
    ] = None
    level: Annotated[
        str | None,
        option(
            "--level", metavar="NAME", says="A level that must pass.  [default: the whole gate]"
        ),
    ] = None
    imports: Annotated[
        tuple[str, ...],
        option(
            "--imports",
            metavar="NAME",
            says="Import this one beside the gate, and not what the sets say was asked for."
            " Repeatable.",
        ),
    ] = ()
    timeout: Annotated[
        str,
        option(
            "--timeout",
            metavar="SECONDS",
            says=f"Time limit of each trial's command or probe.  [default: {PROBE_SECONDS}]",
        ),
    ] = str(PROBE_SECONDS)
    narrow: Annotated[
        bool,
        flag(
            "--narrow", says="Go on to the first release of the culprit that fails, on the index."
        ),
    ] = False
    output: Annotated[
        Path | None,
        option("-o", "--output", metavar="FILE", says="Write the draft rule to a new file."),
    ] = None
    python: Annotated[str | None, python_option("the one that the sets are for")] = None


BISECT = Command(
    "bisect.run.run",
    """Find the version changes that break something, by trying.

    The difference between a set of pins that works and one that does not is
    narrowed to the fewest changes that fail in the same way. A draft of a
    rule is printed.
    """,
    examples=(
        "bisect good.txt bad.txt",
        'bisect good.txt .venv --run "python train.py"',
    ),
    own=BisectOptions,
    index=IndexOptions,
    talk=TalkOptions,
)
