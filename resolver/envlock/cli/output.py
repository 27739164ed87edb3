"""What a person sees: results on stdout, talk on stderr, errors with a way on."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from envlock.errors import EnvlockError, WorkError
from envlock.progress import Progress, Silent

#: The version of every JSON object that envlock prints.
SCHEMA = 1
INTERRUPTED = 130


def say(text: str) -> None:
    """Print a result.

    Raises:
        WorkError: standard output cannot be written to.
    """
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError as error:
        # Python would complain at exit when it flushes what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise WorkError(f"cannot print the result: {error.strerror}") from error


def talk(text: str) -> None:
    """Print something that is not the result."""
    from envlock.index.redact import redact  # noqa: PLC0415  (8 ms that --help does not need)

    sys.stderr.write(f"{redact(text)}\n")
    sys.stderr.flush()


def say_json(command: str, content: Mapping[str, Any], *, exit_code: int = 0) -> None:
    """Print the one JSON object of a command."""
    shown = {"schema": SCHEMA, "command": command, "exit_code": exit_code, **content}
    say(json.dumps(shown, indent=2, default=str))


def attempt(
    command: str, work: Callable[[], int], *, as_json: bool, advise: Callable[[str], str]
) -> int:
    """Do the work and return its exit code; what it raises becomes words and an exit code.

    ``advise`` completes the remedies. Anything else than an `EnvlockError` or
    Ctrl-C is a defect and stays a traceback.
    """
    try:
        return work()
    except EnvlockError as error:
        return _fail(command, error, as_json=as_json, advise=advise)
    except KeyboardInterrupt:
        ...
