"""A virtual environment whose Python was removed: what it was made from.

Read from its files alone. What may be done about it is in `envlock.environment.gone`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from envlock.errors import PythonGone
from envlock.system import contents
from envlock.system.looking import is_file, is_folder, shown

_HOME = re.compile(r"(?m)^\s*home\s*=\s*(.*?)\s*$")
_VERSION = re.compile(r"(?m)^\s*version(?:_info)?\s*=\s*(\d+\.\d+(?:\.\d+)?)")
_PROGRAMS = ("bin/python", "bin/python3", "Scripts/python.exe")


def has_lost_its_python(folder: Path) -> bool:
    """Tell whether a folder is a virtual environment with a link to a Python that is not there."""
    programs = [folder / each for each in _PROGRAMS]
    return is_file(folder / "pyvenv.cfg") and (
        any(map(os.path.lexists, programs)) and not any(map(is_file, programs))
    )


def python_is_gone(folder: Path) -> PythonGone:
    """Return the error for a virtual environment whose Python is no longer where it was."""
    try:
        config = contents(folder / "pyvenv.cfg").decode(errors="replace")
    except OSError:
        config = ""
    home = (_HOME.findall(config) or ["a place that pyvenv.cfg does not name"])[0]
    version = (_VERSION.findall(config) or [""])[0]
    program = next((each for each in _PROGRAMS if os.path.lexists(folder / each)), _PROGRAMS[0])
    link = folder / program
    leads = (
        f"{program} leads to {shown(str(link.readlink()))}"
        if link.is_symlink() and not is_file(link)
        else ""
    )
    if not is_folder(Path(home)):
        what = f", which is no longer there{f' ({leads})' if leads else ''}"
    else:  # the folder of all programs, more often than not
        what = f", and {leads or program}, which is no longer there"
    return PythonGone(
        folder,
        f"{shown(str(folder))}: the Python of this environment is gone: it was made from"
        f" Python {version or '3'} in {home}{what}",
        f"put Python {version or '3'} back into {home}",
    )


def refuse_gone(folder: Path) -> None:
    """Refuse a virtual environment without its Python.

    Raises:
        PythonGone: it is one.
    """
    if has_lost_its_python(folder):
        raise python_is_gone(folder)
