"""A lock file becomes a `Lock` again.

Besides envlock's own files it reads what pip-compile, uv, conda, conda-lock
and pixi write in these formats. What a file does not tell is empty in the
lock, or what rattler derives from the address of a package.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from envlock.errors import UsageError
from envlock.formats.gathered import Gathered
from envlock.formats.heading import read_heading
from envlock.formats.registry import FORMATS, format_of
from envlock.model import Lock


def read_lock(path_name: str, text: str, *, markers: Mapping[str, str] | None = None) -> Lock:
    """Read the lock in a file, its format told by what is in it or by the file's name.

    ``markers`` is the PEP 508 environment of a target: pins that are for
    others are left out. Without it every pin counts, whatever its marker.

    Raises:
        UsageError: not a lock envlock reads; says the line or the key.
    """
    kind = format_of(PurePath(path_name), text)
    if kind is None:
        raise UsageError(
            f"{path_name}: not the name of a lock (NAME.txt, pylock.toml, pylock.NAME.toml,"
            " NAME.yml, conda-lock.yml, pixi.lock, or a list with @EXPLICIT)"
        )
    gathered = Gathered(heading=read_heading(text.splitlines()), markers=markers)
    FORMATS[kind].load().read(path_name, text, gathered)
    return gathered.lock()
