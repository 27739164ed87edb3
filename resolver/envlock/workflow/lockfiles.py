"""Lock files of every kind, as they are read to be compared or exported."""

from __future__ import annotations

import re
from pathlib import Path

from envlock.conda.values import CondaLock
from envlock.errors import UsageError
from envlock.formats.detect import FileFormat, meant
from envlock.system import read_text
from envlock.write import read_conda_lock, read_lock

_OPTION_LINE = re.compile(r"^(--?[a-z][a-z-]*)(?:[ =].*)?$", re.MULTILINE)


def read_conda(path: Path) -> CondaLock | None:
    """Return a lock of conda packages; None for a lock that has none.

    An environment.yml with a pip section alone is a lock of pip.

    Raises:
        UsageError: it is a lock of conda packages that envlock does not read.
    """
    text = read_text(path)
    kind = meant(path, text)
    if kind in {FileFormat.CONDA_LOCK, FileFormat.EXPLICIT, FileFormat.PIXI}:
        return read_conda_lock(path.name, text)
    if kind is FileFormat.ENVIRONMENT:
        try:
            read_lock(path.name, text)
        except UsageError:
            return read_conda_lock(path.name, text)
    return None


def without_options(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the text of a lock without lines that are options for pip, and those options.

    pip-compile and uv write down the indexes they were configured with.
    """
    text = read_text(path)
    if meant(path, text) not in {FileFormat.REQUIREMENTS, FileFormat.FREEZE}:
        return text, ()
    return _OPTION_LINE.sub("", text), tuple(dict.fromkeys(_OPTION_LINE.findall(text)))


def made_by_envlock(path: Path) -> bool:
    """Whether the header of a file says that envlock wrote it."""
    try:
        conda = read_conda(path)
        command = read_lock(path.name, read_text(path)).command if conda is None else conda.command
    except UsageError:
        return False
    return command.startswith("envlock ")
