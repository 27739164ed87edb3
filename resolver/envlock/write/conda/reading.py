"""A file of conda packages becomes a `CondaLock` again.

Besides envlock's own files it reads what conda, conda-lock and pixi write in
these formats. What a file does not tell is empty in the lock, or what rattler
derives from the address of a package.
"""

from __future__ import annotations

from pathlib import PurePath

from envlock.choices import Format
from envlock.conda.values import CondaLock
from envlock.errors import UsageError
from envlock.write.conda import conda_lock, environment, explicit, pip_part, pixi
from envlock.write.conda.gathered import Gathered
from envlock.write.conda.heading import read_heading
from envlock.write.interface import format_of


def read_conda_lock(path_name: str, text: str) -> CondaLock:
    """Read a lock of conda packages, its format told by its name and by what is in it.

    Raises:
        UsageError: not a lock envlock reads; says the line.
    """
    gathered = Gathered(heading=read_heading(text.splitlines()))
    kind = format_of(PurePath(path_name))
    if explicit.is_explicit(text):
        explicit.read(path_name, text, gathered)
    elif kind is Format.CONDA_LOCK:
        conda_lock.read(path_name, text, gathered)
    elif kind is Format.PIXI:
        pixi.read(path_name, text, gathered)
    elif kind is Format.REQUIREMENTS:
        pip_part.read(path_name, text, gathered)
    elif kind is Format.ENVIRONMENT:
        environment.read(path_name, text, gathered)
    else:
        raise UsageError(
            f"{path_name}: not a lock of conda packages (NAME.yml, conda-lock.yml, pixi.lock, or a"
            f" list with {explicit.MARK})"
        )
    return gathered.lock()
