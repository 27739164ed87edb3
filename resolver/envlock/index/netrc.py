"""The netrc file of the user, and whether it can be read.

One that cannot be read holds no credentials, as pip has it of one with a word
missing; but one that is not UTF-8 ends pip and the library that reads it here.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from envlock.system import Refused, contents
from envlock.system.looking import is_folder


def netrc_file() -> Path | None:
    """Return the file, if there is one."""
    chosen = os.environ.get("NETRC")
    if chosen:
        return Path(chosen)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return next((f for f in (home / ".netrc", home / "_netrc") if f.exists()), None)


def netrc_fault() -> str:
    """Return why the file cannot be read; "" where it can, or there is none."""
    file = netrc_file()
    return "" if file is None else _fault(file)


@cache
def _fault(file: Path) -> str:
    try:
        contents(file).decode()
    except UnicodeDecodeError:
        return f"{file} cannot be read: it is not UTF-8 text"
    except Refused as error:  # who opened it would wait for ever, or read without an end
        return "" if is_folder(file) else f"{file} cannot be read: {error.strerror}"
    except (OSError, ValueError):
        return ""  # missing: nobody minds
    return ""
