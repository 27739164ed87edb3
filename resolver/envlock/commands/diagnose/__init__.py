"""`envlock diagnose`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Struct

from envlock.cli.arguments import Command, option, words
from envlock.cli.options import IndexOptions, ReportOptions, RuleFolders, TalkOptions


class DiagnosedThings(Struct, frozen=True, kw_only=True):
    """What is examined."""

    what: Annotated[
        tuple[str, ...],
        words(
            "WHAT",
            says="An environment, a requirements file or lock, environment.yml, pip list or freeze "
            "output, a traceback or log, a saved model, or an error's text in quotes; - reads "
            "standard input. "
            "Several count as one.  "
            "[default: .venv, or the active environment]",
        ),
    ] = ()
    model: Annotated[
        Path | None,
        option(
            "--model", metavar="FILE", says="Tell what loads a .h5 or .keras model; it is not run."
        ),
    ] = None
    python: Annotated[
        str | None,
        option(
            "-p", "--python", metavar="VERSION", says="The Python it is about, where nothing tells."
        ),
    ] = None
    platform: Annotated[
        str | None,
        option("--platform", metavar="SYSTEM", says="Its system: linux, macos-arm64, windows."),
    ] = None
    environment: Annotated[
        str | None,
        option("-E", "--environment", metavar="NAME", says="Which one of a lock with several."),
    ] = None
    rules: RuleFolders = ()


DIAGNOSE = Command(
    "diagnose.run.run",
    "Say what is wrong with an environment, a file or a traceback, and why; exit 1 if so.",
    examples=(
        "diagnose .venv",
        "diagnose train.py requirements.txt",
    ),
    own=DiagnosedThings,
    form=ReportOptions,
    index=IndexOptions,
    talk=TalkOptions,
)
