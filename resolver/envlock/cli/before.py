"""The options of every command, which may stand before it or behind: where, how loud, how it looks.

They are taken from what was typed before anything else is, so that no command
has to declare them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from envlock.choices import Colour
from envlock.errors import UsageError

#: Those with a value, by each spelling.
_VALUES = {"-C": "directory", "--directory": "directory", "--color": "color", "--log": "log"}
_FLAGS = {"--no-progress": "progress"}
_LOUD, _QUIET = ("-v", "--verbose"), ("-q", "--quiet")


class Before(Struct, frozen=True, kw_only=True):
    """What counts for any command.

    ``loud`` is how often more was asked for (-v): twice tells every request and
    program. ``talk`` are -q and -v that stood before the command, ``command`` is what is left.
    """

    command: tuple[str, ...]
    talk: tuple[str, ...] = ()
    directory: str | None = None
    color: Colour = Colour.AUTO
    log: Path | None = None
    progress: bool = True
    loud: int = 0


def read(typed: Sequence[str], passing: frozenset[str]) -> Before:
    """Return what was typed in two: the options of every command, and the rest.

    What stands behind a command that is ``passing`` words on, or behind ``--``,
    is another program's.

    Raises:
        UsageError: an option lacks its value, or has one that it does not take.
    """
    found: dict[str, str] = {}
    front: list[str] = []
    rest: list[str] = []
    loud = 0
    words = iter(typed)
    for word in words:
        option, equals, value = word.partition("=")
        if option in _VALUES:
            found[_VALUES[option]] = value if equals else _value(option, words)
        elif option in _FLAGS:
            found[_FLAGS[option]] = ""
        elif not rest and (word in {*_LOUD, *_QUIET} or _is_row(word)):
            front.append(word)
            loud += _loudness(word)
        else:
            rest.append(word)
            loud += _loudness(word)
            if word == "--" or (word in passing and len(rest) == 1):
                rest += words
    return Before(
        command=tuple(rest),
        talk=tuple(front),
        directory=found.get("directory"),
        color=_color(found.get("color", Colour.AUTO)),
        log=Path(found["log"]) if "log" in found else None,
        progress="progress" not in found,
        loud=loud,
    )


def _value(option: str, words: Iterator[str]) -> str:
    value = next(words, None)
    if value is None:
        raise UsageError(f"{option}: the value is missing", f"give {option} a value")
    return value


def _is_row(word: str) -> bool:
    """Whether a word is -q or -v several times over."""
    return len(word) > 1 and word[0] == "-" and not word[1:].strip("vq")


def _loudness(word: str) -> int:
    return word.count("v") if _is_row(word) else int(word == "--verbose")


def _color(value: str) -> Colour:
    if value not in [*Colour]:
        raise UsageError(f"--color {value}: there are {', '.join(Colour)}", "envlock --help")
    return Colour(value)


def go_to(directory: str | None) -> None:
    """Work in another folder from here on.

    Raises:
        UsageError: it is none, or may not be entered.
    """
    if directory is None:
        return
    try:
        os.chdir(directory)
    except OSError as error:
        raise UsageError(f"--directory {directory}: {error.strerror}") from None
