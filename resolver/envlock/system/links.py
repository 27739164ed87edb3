"""Files that a link leads to from a stranger's folder: what is wrong in them is not quoted.

A clone may hold a link to a file of the user's own, whose text a message
about it would show to whoever reads the log of a CI job.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from envlock.errors import EnvlockError, UsageError

_MARKS = ("pyproject.toml", ".git")
_PLACES = 20  # that are named

#: Where each of them leads, by the path that was read.
_led: dict[str, str] = {}


def note_link(path: Path) -> None:
    """Take note of a file that is read, if a link leads to it from elsewhere.

    That is out of the folder where it stands, or, in the project around the
    current folder, out of that.
    """
    there, real = _written(path), os.path.realpath(path)
    if there == real:
        return
    project = _project()
    whole = os.path.realpath(project)
    if _below(real, whole):
        return
    if _below(there, project) or not _below(real, os.path.realpath(Path(there).parent)):
        _led[str(path)] = real


def discreet(error: EnvlockError) -> EnvlockError:
    """Return an error that quotes nothing of such a file, only where in it something is wrong."""
    said = "\n".join((error.message, *error.remedies))
    for path, real in _led.items():
        name = Path(path).name
        if isinstance(error, UsageError) and name in said:
            lines = sorted({int(each) for each in re.findall(rf"{re.escape(name)}:(\d+)", said)})
            where = f" (line {', '.join(map(str, lines[:_PLACES]))})" if lines else ""
            return UsageError(
                f"{path} cannot be used{where}. It is a link to {real}, which is outside of this"
                " project, so nothing of its text is told",
                f"envlock diagnose {real}  (tells what is in it)",
            )
    return error


def _project() -> str:
    try:
        here = Path.cwd()
    except OSError:
        return os.curdir
    marked = (each for each in (here, *here.parents) if any((each / m).exists() for m in _MARKS))
    return str(next(marked, here))


def _written(path: Path) -> str:
    """A path from the root, its links not followed."""
    return os.path.normpath(path.absolute())


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip(os.sep)}{os.sep}")
