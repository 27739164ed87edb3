"""Commands as they must be typed here: by a path where a bare name starts nothing, or another."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

_DISTRIBUTION = "envlock-tf"
#: The program where a shell looks for one.
_OWN = re.compile(r"(^|&& )envlock(?= |$)")


def as_typed(text: str) -> str:
    """Return a command, or a sentence, with the path of envlock where its name is not on PATH."""
    return _OWN.sub(lambda found: f"{found[1]}{own_program()}", text)


@cache
def own_program() -> str:
    """What starts this envlock in a shell: its name, else its path, else its Python."""
    script = Path(sys.executable).with_name("envlock.exe" if os.name == "nt" else "envlock")
    found = shutil.which("envlock")
    if found is not None and Path(found).resolve() == script.resolve():
        return "envlock"
    if script.is_file():
        return quoted(str(script))
    return f"{quoted(sys.executable)} -m envlock"


def own_uv() -> tuple[str, ...]:
    """The words that start the uv of envlock, which need not be on PATH."""
    return (sys.executable, "-m", "uv")


def own_pip(*words: str) -> str:
    """A command of the pip beside envlock, which reads the same configuration as any other."""
    return command(sys.executable, "-m", "pip", *words)


def uv_command(*words: str) -> str:
    """A command of envlock's own uv."""
    return command(*own_uv(), *words)


#: What a command begins with that is no path.
_PROGRAMS = frozenset({"envlock", "conda", "docker", "mkdir", "mv", "rm", "chattr", "dask"})


def words_of(remedy: str) -> list[str]:
    """The words of a remedy that is one command, without its comment; none for an edit."""
    try:
        words = shlex.split(remedy, comments=True)
    except ValueError:
        return []
    first = next(iter(words), "")
    known = first in _PROGRAMS or (os.path.isabs(first) and first[-1:] != ":")  # noqa: PTH117  (a word, no path perhaps)
    return words if known and "&&" not in words else []


def beside_envlock(extra: str) -> str:
    """The command that installs what an extra of envlock names, where envlock is installed.

    The extra itself cannot be named: envlock may come from a folder, and an
    index has no project of its name.
    """
    return command(*_installer(), *_needs(extra))


def _installer() -> tuple[str, ...]:
    # Not by every finder: setuptools' own warns once distutils is there.
    if PathFinder.find_spec("pip") is not None:
        return (sys.executable, "-m", "pip", "install")
    return (*own_uv(), "pip", "install", "--python", sys.executable)


def _needs(extra: str) -> list[str]:
    from importlib.metadata import (  # noqa: PLC0415  (10 ms, for what is missing alone)
        PackageNotFoundError,
        requires,
    )

    from packaging.requirements import Requirement  # noqa: PLC0415  (as above)

    try:
        lines = requires(_DISTRIBUTION) or ()
    except PackageNotFoundError:
        return []
    found = (Requirement(line) for line in lines)
    return [
        f"{each.name}{each.specifier}"
        for each in found
        if each.marker is not None
        and each.marker.evaluate({"extra": extra})
        and not each.marker.evaluate({"extra": ""})
    ]


def command(*words: str | Path) -> str:
    """Join words for the shell of this system."""
    return " ".join(quoted(str(word)) for word in words)


_PLAIN = re.compile(r"[\w.,:/\\=+@-]+")


def quoted(word: str) -> str:
    """Return a word for the shell of this system."""
    if os.name != "nt":
        return shlex.quote(word)
    return word if _PLAIN.fullmatch(word) else f'"{word}"'
