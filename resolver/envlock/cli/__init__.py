"""The command line: arguments in, one workflow call, text out, an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated

import typer

from envlock import __version__
from envlock.cli import (
    bisect,
    diagnose,
    docker,
    environments,
    evidence,
    files,
    fix,
    knowledge,
    locks,
    matrix,
)
from envlock.cli.arguments import register
from envlock.cli.interrupts import interrupt_once
from envlock.cli.output import complain, say
from envlock.errors import EnvlockError

_SETTINGS = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="envlock",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_SETTINGS,
    epilog="Exit codes: 0 done, nothing wrong; 1 something is wrong with what was examined; "
    "2 usage; 3 no resolution; 4 the work could not be done; 130 interrupted.",
)
_rules = typer.Typer(
    help="Show and check what package metadata does not say.",
    rich_markup_mode=None,
    context_settings=_SETTINGS,
)

_matrix = typer.Typer(
    help="Run many releases, record what they do, and show it.",
    rich_markup_mode=None,
    context_settings=_SETTINGS,
)


def _version(value: bool) -> None:  # noqa: FBT001  (typer calls it so)
    if value:
        say(f"envlock {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("-V", "--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Locks for TensorFlow, Keras and h5py that run, and the proof."""
    del version


register(app, "create", environments.create)
register(app, "lock", locks.lock)
register(app, "docker", docker.docker)
register(app, "sync", environments.sync)
register(app, "export", files.export)
register(app, "diff", files.diff)
register(app, "verify", environments.verify)
register(app, "diagnose", diagnose.diagnose)
register(app, "fix", fix.fix)
register(app, "history", fix.history)
register(app, "bisect", bisect.bisect)
register(app, "releases", knowledge.releases)
register(_rules, "list", knowledge.list_)
register(_rules, "show", knowledge.show)
register(_rules, "check", knowledge.check)
register(_rules, "constraints", knowledge.constraints)
app.add_typer(_rules, name="rules")
register(app, "capabilities", evidence.capabilities)
register(_matrix, "run", matrix.run)
register(_matrix, "check", evidence.check)
register(_matrix, "report", evidence.report)
app.add_typer(_matrix, name="matrix")


def main() -> None:
    """Run the program."""
    interrupt_once()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(typed: Sequence[str]) -> int:
    """Do what was typed after ``envlock`` and return the exit code.

    Anything else than an `EnvlockError` or a fault in the arguments is a
    defect and stays a traceback.
    """
    try:
        code: int = app(list(typed) or ["--help"], prog_name="envlock", standalone_mode=False)
    except EnvlockError as error:
        return _complain(error, typed)
    except typer.TyperException as fault:
        from envlock.cli.advice import usage_error  # noqa: PLC0415  (for errors only)

        return _complain(usage_error(fault, _name(typed)), typed)
    return code


def _complain(error: EnvlockError, typed: Sequence[str]) -> int:
    from envlock.cli.advice import pasted  # noqa: PLC0415  (as above)

    remedies = [pasted(app, typed, remedy) for remedy in error.remedies]
    return complain(error, _name(typed), remedies, as_json="--json" in typed)


def _name(typed: Sequence[str]) -> str:
    from envlock.cli.advice import command_name  # noqa: PLC0415  (as above)

    return command_name(app, typed)
