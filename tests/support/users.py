"""Another user of this machine, for a test that root runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.program import Done, Program

#: A user who owns nothing; that user reads everything, since the program may be in root's home.
NOBODY = 65534
_AS_NOBODY = (
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
)


def need_root() -> None:
    """Skip the test where it is not root's, or root is not let be another user."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root on Linux may be another user")
    if subprocess.run([*_AS_NOBODY, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine does not let root be another user")


def nobodys(folder: Path) -> tuple[str, ...]:
    """Give a folder to another user, and return what a command begins with that is to be theirs.

    The folder is not pytest's: each session takes those from other users when it starts.
    """
    folder.chmod(0o755)
    for each in (folder, *folder.rglob("*")):
        os.chown(each, NOBODY, NOBODY, follow_symlinks=False)
    return _AS_NOBODY


def as_nobody(program: Program, *words: str | Path, **variables: str | None) -> Done:
    """Run the program as another user whose home and project it has; None unsets a variable."""
    for folder in (program.root, *program.root.parents):
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):  # noqa: S108  (pytest's)
            folder.chmod(folder.stat().st_mode | 0o055)
    for folder in (program.root, program.here, program.root / "home"):
        os.chown(folder, NOBODY, NOBODY)
    env = {**program.environment(), **variables}
    told = {name: value for name, value in env.items() if value is not None}
    return program.run([*_AS_NOBODY, *program.command(*words)], env=told)
