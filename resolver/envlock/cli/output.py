"""What a person sees: results on stdout, talk on stderr, errors with a way on."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

from envlock.errors import EnvlockError
from envlock.index.redact import redact
from envlock.progress import Progress, Silent

#: The version of every JSON object that envlock prints.
SCHEMA = 1
INTERRUPTED = 130


def say(text: str) -> None:
    """Print a result."""
    sys.stdout.write(f"{text}\n")


def talk(text: str) -> None:
    """Print something that is not the result."""
    sys.stderr.write(f"{redact(text)}\n")
    sys.stderr.flush()


def say_json(command: str, content: Mapping[str, Any]) -> None:
    """Print the one JSON object of a command."""
    say(json.dumps({"schema": SCHEMA, "command": command, **content}, indent=2, default=str))


@contextmanager
def reporting(command: str, *, as_json: bool) -> Iterator[None]:
    """Turn what a command raises into words and an exit code.

    Anything else than an `EnvlockError` or Ctrl-C is a defect and stays a
    traceback.
    """
    try:
        yield
    except EnvlockError as error:
        _tell(error, command, as_json=as_json)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        talk("interrupted: nothing was changed")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # The reader has left; Python would complain at exit when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def _tell(error: EnvlockError, command: str, *, as_json: bool) -> None:
    remedies = [redact(text) for text in error.remedies]
    if as_json:
        content = {"message": redact(error.message), "remedies": remedies}
        say_json(command, {"error": content, "exit_code": error.exit_code})
        return
    talk(f"error: {error.message}")
    for text in remedies:
        talk(f"  try: {text}")


def progress_for(*, quiet: bool, verbose: bool) -> Progress:
    """The progress display that suits the terminal and the flags."""
    if quiet:
        return Silent()
    dumb = os.environ.get("TERM") == "dumb" or bool(os.environ.get("CI"))
    if sys.stderr.isatty() and not verbose and not dumb:
        from envlock.cli.terminal import Terminal  # noqa: PLC0415  (rich, 60 ms)

        return Terminal()
    return Lines(verbose=verbose)


class Lines:
    """`Progress` as plain lines on standard error."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Say the title, and the time it took, when verbose."""
        if not self._verbose:
            yield
            return
        talk(f"{title} …")
        start = time.monotonic()
        yield
        talk(f"{title}: {time.monotonic() - start:.1f} s")

    def note(self, text: str) -> None:
        """Say one line that stays."""
        talk(text)

    def detail(self, text: str) -> None:
        """Say what an outside program says, when verbose."""
        if self._verbose and text.strip():
            talk(f"    {text}")


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Columns as plain text, wide enough for their longest cell; the last is not padded."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = []
    for row in (header, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)
