"""Handing over to a program that somebody wants to run."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from envlock.errors import WorkError


def become(program: Path, words: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run a program in the place of this process, with its streams and its signals.

    Windows has no such thing: there it is started and waited for, and its exit
    code returned.

    Raises:
        WorkError: the system does not start it.
    """
    command = [str(program), *words]
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        if os.name != "nt":
            os.execve(command[0], command, dict(variables))  # noqa: S606  (what was asked for)
        return subprocess.run(command, env=dict(variables), check=False).returncode
    except OSError as error:
        raise WorkError(f"cannot start {shlex.join(command)}: {error.strerror or error}") from error
