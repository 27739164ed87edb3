"""Lock files as they are read to be compared or exported."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from msgspec.structs import replace

from envlock.errors import UsageError
from envlock.formats.registry import LOCKS, format_of, read_lock
from envlock.model import Lock, Selection
from envlock.system import read_text

_OPTION_LINE = re.compile(r"^(--?[a-z][a-z-]*)(?:[ =].*)?$", re.MULTILINE)


def without_options(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the text of a lock without lines that are options for pip, and those options.

    pip-compile and uv write down the indexes they were configured with.
    """
    text = read_text(path)
    kind = format_of(path, text)
    if kind is None or not LOCKS[kind].options:
        return text, ()
    return _OPTION_LINE.sub("", text), tuple(dict.fromkeys(_OPTION_LINE.findall(text)))


def choosing(lock: Lock, path: Path, chosen: Collection[Selection]) -> Lock:
    """Return what a lock always installs, and what it has for the extras and groups chosen.

    Raises:
        UsageError: one of them cannot be chosen from it.
    """
    for each in chosen:
        if each not in lock.selections:
            there = ", ".join(map(str, lock.selections)) or "none"
            raise UsageError(
                f"{each} cannot be chosen from {path}; there can be: {there}",
                f"leave --{each.kind} {each.name} out",
            )
    parts = tuple(
        replace(
            part,
            pypi=tuple(
                replace(package, only=())
                for package in part.pypi
                if not package.only or set(package.only) & set(chosen)
            ),
        )
        for part in lock.parts
    )
    return replace(lock, parts=parts, selections=())


def made_by_envlock(path: Path) -> bool:
    """Whether the header of a file says that envlock wrote it."""
    try:
        return read_lock(path.name, read_text(path)).command.startswith("envlock ")
    except UsageError:
        return False
