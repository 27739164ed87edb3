"""The options of a requirements file, as pip spells them. Pure.

Source: pip's ``_internal/req/req_file.py``, ``SUPPORTED_OPTIONS``.
"""

from __future__ import annotations

import re
import shlex

from msgspec import Struct

from envlock.errors import UsageError
from envlock.request.parsed import shown

_LONG = {
    "-C": "--config-settings",
    "-c": "--constraint",
    "-e": "--editable",
    "-f": "--find-links",
    "-i": "--index-url",
    "-r": "--requirement",
    "--config-setting": "--config-settings",
    "--pypi-url": "--index-url",
}

INCLUDES = frozenset({"--constraint", "--requirement"})
INDEX = frozenset(
    {"--extra-index-url", "--find-links", "--index-url", "--no-index", "--trusted-host"}
)
PASSED_TO_PIP = frozenset({"--config-settings", "--global-option", "--install-option"})
IGNORED = {
    "--hash": "the lock gets the hashes of what it pins",
    "--no-binary": "envlock chooses between wheels and sources itself",
    "--only-binary": "envlock chooses between wheels and sources itself",
    "--pre": "a requirement admits pre-releases by naming one, such as tensorflow>=2.17rc0",
    "--prefer-binary": "envlock chooses between wheels and sources itself",
    "--require-hashes": "a lock always has hashes",
    "--use-feature": "it is about pip itself",
}
"""Options that are read and left out, and why that is fine."""

_FLAGS = frozenset({"--no-index", "--pre", "--prefer-binary", "--require-hashes"})
_KNOWN = {"--editable", *INCLUDES, *INDEX, *PASSED_TO_PIP, *IGNORED}


class Option(Struct, frozen=True):
    """One option under its long name; ``value`` is empty for a flag."""

    name: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.value}".rstrip()


def split_line(line: str) -> tuple[str, str]:
    """Part a line into its requirement and its options; either may be empty."""
    requirement, *rest = re.split(r"(?:^|(?<=\s))(?=-)", line, maxsplit=1)
    return requirement.strip(), "".join(rest)


def parse_options(text: str) -> tuple[Option, ...]:
    """Read the options of a line.

    Raises:
        UsageError: an option is unknown, lacks its value or has one too many.
    """
    try:
        words = shlex.split(text)
    except ValueError:
        raise UsageError(
            f"{shown(text)}: a quotation is not closed", "close it or remove the quotation mark"
        ) from None
    options: list[Option] = []
    while words:
        name, value = _apart(words.pop(0))
        if name not in _FLAGS and value is None:
            if not words:
                raise UsageError(f"{name} needs a value", f"write a value after {name}")
            value = words.pop(0)
        options.append(Option(name, value or ""))
    return tuple(options)


def _apart(word: str) -> tuple[str, str | None]:
    """The long name of an option, and the value written in the same word."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        given = value if equals else None
    else:
        name, given = word[:2], word[2:] or None
    name = _LONG.get(name, name)
    if name not in _KNOWN or (name in _FLAGS and given is not None):
        raise UsageError(
            f"{shown(word)} is not an option of a requirements file",
            "remove it, or pass it to the command line if envlock has it",
        )
    return name, given
