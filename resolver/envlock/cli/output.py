"""What a person sees: results on stdout, talk on stderr, errors with a way on."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from envlock.errors import EnvlockError
from envlock.progress import Progress, Silent

#: The version of every JSON object that envlock prints.
SCHEMA = 1


def say(text: str) -> None:
    """Print a result.

    Raises:
        WorkError: standard output cannot be written to.
    """
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def talk(text: str) -> None:
    """Print something that is not the result."""
    from envlock.index.redact import redact  # noqa: PLC0415  (8 ms that --help does not need)

    sys.stderr.write(f"{redact(text)}\n")
    sys.stderr.flush()


def say_json(command: str, content: Mapping[str, Any], *, exit_code: int = 0) -> None:
    """Print the one JSON object of a command."""
    shown = {"schema": SCHEMA, "command": command, "exit_code": exit_code, **content}
    say(json.dumps(shown, indent=2, default=str))


def complain(error: EnvlockError, command: str, remedies: Sequence[str], *, as_json: bool) -> int:
    """Tell an error and what to type next, and return its exit code."""
    from envlock.index.redact import redact  # noqa: PLC0415  (as above)

    told = list(map(redact, remedies))
    if as_json:
        content = {"message": redact(error.message), "remedies": told, **error.details}
        say_json(command, content, exit_code=error.exit_code)
    else:
        talk("\n".join((f"error: {error.message}", *(f"  try: {text}" for text in told))))
    return error.exit_code


def progress_for(*, quiet: bool, verbose: bool) -> Progress:
    """Return the progress display that suits the terminal and the flags."""
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
