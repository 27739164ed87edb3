"""A file of conda packages becomes a `CondaLock` again.

Besides envlock's own files it reads what conda, conda-lock and pixi write in
these formats. What a file does not tell is empty in the lock, or what rattler
derives from the address of a package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath

from envlock.conda.values import CondaLock
from envlock.errors import UsageError
from envlock.formats.detect import FileFormat, meant
from envlock.write.conda import conda_lock, environment, explicit, pip_part, pixi
from envlock.write.conda.gathered import Gathered
from envlock.write.conda.heading import read_heading


def read_conda_lock(path_name: str, text: str) -> CondaLock:
    """Read a lock of conda packages, its format told by its name and by what is in it.

    Raises:
        UsageError: not a lock envlock reads; says the line.
    """
    gathered = Gathered(heading=read_heading(text.splitlines()))
    read = _READERS.get(meant(PurePath(path_name), text))
    if read is None:
        raise UsageError(
            f"{path_name}: not a lock of conda packages (NAME.yml, conda-lock.yml, pixi.lock, or a"
            f" list with {explicit.MARK})"
        )
    read(path_name, text, gathered)
    return gathered.lock()


_READERS: Mapping[FileFormat | None, Callable[[str, str, Gathered], None]] = {
    FileFormat.CONDA_LOCK: conda_lock.read,
    FileFormat.ENVIRONMENT: environment.read,
    FileFormat.EXPLICIT: explicit.read,
    FileFormat.FREEZE: pip_part.read,
    FileFormat.PIXI: pixi.read,
    FileFormat.REQUIREMENTS: pip_part.read,
}
