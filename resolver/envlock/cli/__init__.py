"""The command line: arguments in, one workflow call, text out, an exit code."""

from __future__ import annotations

from typing import Annotated

import typer

from envlock import __version__
from envlock.cli import environments, knowledge, locks

app = typer.Typer(
    name="envlock",
    help="Locks for TensorFlow, Keras and h5py that run, and the proof.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:  # noqa: FBT001  (typer calls it so)
    if value:
        typer.echo(f"envlock {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Locks for TensorFlow, Keras and h5py that run, and the proof."""
    del version


app.command("create")(environments.create)
app.command("lock")(locks.lock)
app.command("sync")(environments.sync)
app.command("verify")(environments.verify)
app.add_typer(knowledge.rules, name="rules")
app.command("releases")(knowledge.releases)


def main() -> None:
    """Run the program."""
    app()
