"""Colours of a terminal: one look at the words in front tells whether it worked.

What is printed is made safe first, so no colour comes from a file or an index.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TextIO

from envlock.choices import Colour

_GREEN, _YELLOW, _RED, _BLUE, _DIM = "32", "33", "31", "36", "2"
#: The words at the beginning of a line, and what they mean.
_MEANING: Mapping[str, str] = {
    **dict.fromkeys(("proved", "verified", "written", "passed", "added", "up"), _GREEN),
    **dict.fromkeys(("not proved", "held", "note", "warning", "behind", "removed"), _YELLOW),
    **dict.fromkeys(("error", "FAILED", "failed", "CRASHED", "breaks"), _RED),
    **dict.fromkeys(("next", "try", "or"), _BLUE),
    **dict.fromkeys(("because", "unchanged", "declared only", "skipped"), _DIM),
    "degrades": _YELLOW,
}
_LABEL = re.compile(rf"(?m)^( *)({'|'.join(map(re.escape, _MEANING))})(?=:|  | at |, )")
_chosen: list[Colour] = []


def choose(colour: Colour) -> None:
    """Have colours as was typed, from here on."""
    _chosen[:] = [colour]


def painted(text: str, stream: TextIO) -> str:
    """Return a text with its first words in colours, where a stream is to show them."""
    if not _shows(stream):
        return text
    return _LABEL.sub(lambda m: f"{m[1]}\x1b[{_MEANING[m[2]]}m{m[2]}\x1b[0m", text)


def _shows(stream: TextIO) -> bool:
    """Whether a stream shows colours: as typed, as the variables say, or as a terminal does.

    Sources: https://no-color.org, https://force-color.org, https://bixense.com/clicolors.
    """
    chosen = _chosen[0] if _chosen else Colour.AUTO
    if chosen is not Colour.AUTO:
        return chosen is Colour.ALWAYS
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    if os.environ.get("TERM") == "dumb" or os.environ.get("CLICOLOR") == "0":
        return False
    return stream.isatty()
