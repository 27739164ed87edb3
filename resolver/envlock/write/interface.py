"""What an output format is, and which file names belong to which."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Protocol

from envlock.choices import Format
from envlock.model import Lock


class Writer(Protocol):
    """Turns a lock into texts; a module with a ``render`` is one."""

    def render(self, lock: Lock, *, name: str) -> Mapping[str, str]:
        """Return file name → text, the same text for the same lock.

        ``name`` is what the locked environment is called; only formats that
        name it use it.

        Raises:
            EnvlockError: the lock lacks something the format must hold.
        """
        ...


_FILENAMES = {
    Format.REQUIREMENTS: "requirements.txt",
    Format.PYLOCK: "pylock.toml",
    Format.ENVIRONMENT: "environment.yml",
    Format.EXPLICIT: "conda.lock",
    Format.CONDA_LOCK: "conda-lock.yml",
    Format.PIXI: "pixi.lock",
}
#: Formats that have no place for hashes, and those that list the files of every pin.
WITHOUT_HASHES = frozenset({Format.ENVIRONMENT})
WITH_FILES = frozenset({Format.PYLOCK})

_PATTERNS = {
    Format.REQUIREMENTS: re.compile(r".+\.txt|requirements\S*\.lock", re.IGNORECASE),
    Format.PYLOCK: re.compile(r"pylock(\.[^.]+)?\.toml"),
    Format.EXPLICIT: re.compile(r"conda(-[a-z0-9]+-[a-z0-9]+)?\.lock"),
    Format.CONDA_LOCK: re.compile(r"(.+[.-])?conda-lock\.ya?ml"),
    Format.PIXI: re.compile(r"(.+\.)?pixi\.lock"),
    Format.ENVIRONMENT: re.compile(r".+\.ya?ml", re.IGNORECASE),
}


def default_filename(kind: Format) -> str:
    """Return the name a format's file has when nobody asks for another."""
    return _FILENAMES[kind]


def for_platform(path: PurePath, platform: str) -> PurePath:
    """Return the name of a lock that is one of several, each for a platform.

    ``requirements.txt`` becomes ``requirements.linux-aarch64.txt``,
    ``pylock.toml`` ``pylock.linux-aarch64.toml``; a pylock that has a name
    already keeps it before a hyphen, for PEP 751 allows no second dot.
    """
    joint = "-" if path.name.startswith("pylock.") and path.stem != "pylock" else "."
    return path.with_name(f"{path.stem}{joint}{platform}{path.suffix}")


def format_of(path: PurePath) -> Format | None:
    """Tell the format of a file by its name, or None.

    PEP 751 allows two names for its locks: ``pylock.toml`` and
    ``pylock.NAME.toml``, where NAME has no dot.
    """
    matching = (kind for kind, pattern in _PATTERNS.items() if pattern.fullmatch(path.name))
    return next(matching, None)
