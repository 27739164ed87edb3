"""TOML that a user wrote → its tables. Pure."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from envlock.errors import UsageError

_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


def parse_toml(text: str, path: Path) -> dict[str, object]:
    """Return the tables of a TOML text; ``path`` is for the error.

    Raises:
        UsageError: it is not TOML, with file:line.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
        place = _PLACE.search(reason)
        if place and place["line"]:
            line, column = place["line"], f" (column {place['column']})"
        else:
            line, column = str(text.rstrip().count("\n") + 1), ""
        reason = _PLACE.sub("", reason)
        raise UsageError(
            f"{path}:{line}: not TOML: {reason[:1].lower()}{reason[1:]}{column}",
            f"correct line {line} of {path}",
        ) from None
