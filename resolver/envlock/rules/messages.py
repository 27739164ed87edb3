"""Messages by their fixed parts, found whatever became of them on the way into a text. Pure.

A message is what a library prints, with ``{}`` for what varies. Text and
messages are compared without blanks, line ends, quotes, and the lines that
terminals and pages draw, and without regard to capitals: so a message is found
that a terminal wrapped in the middle of a word, that a page printed without
its backquotes, or that is quoted within another text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from itertools import accumulate

from msgspec import Struct

VARIES = "{}"
#: Characters that one varying part covers: the configuration of a layer or two.
_REACH = 2000
_MOST = 200  # places of one part that are looked at, the last ones first
_SHORTEST = 10  # letters that a message has to spell out
_MOST_PARTS = 8
#: Blanks, quotes of all kinds, the lines of tables and boxes, and what cannot be seen.
_NOWHERE = dict.fromkeys(
    map(
        ord,
        " \t\r\n\v\f\xa0\u200b\ufeff\\'\"`\xb4\xab\xbb\u2018\u2019\u201c\u201d\u201e"
        "\u2500\u2501\u2502\u2503\u2551\u254e",
    )
)
#: What mail, pytest and pages write before a line that they quote.
_MARGIN = re.compile(r"^(?:E {2,}|[>|#] ?)+")


class Found(Struct, frozen=True, kw_only=True):
    """Where a message is in a text: its first and last line, and how much it spells out."""

    start: int
    end: int
    letters: int


class Folded:
    """A text as messages are looked for in it."""

    def __init__(self, text: str) -> None:
        lines = text.splitlines(keepends=True)
        folded = [_folded(_MARGIN.sub("", each)) for each in lines]
        self.text = "".join(folded)
        self._starts = [0, *accumulate(map(len, folded))]
        self._places = [0, *accumulate(map(len, lines))]

    def find(self, message: str) -> Found | None:
        """Return where a message is, the last time; None where it is not."""
        parts = fixed(message)
        if max(parts, key=len) not in self.text:
            return None
        for start in self._backwards(parts[0]):
            end = self._rest(parts, start)
            if end is not None:
                first, last = self._line(start), self._line(end - 1)
                return Found(
                    start=self._places[first],
                    end=self._places[last + 1],
                    letters=sum(map(len, parts)),
                )
        return None

    def _backwards(self, part: str) -> Iterator[int]:
        place = len(self.text)
        for _ in range(_MOST):
            place = self.text.rfind(part, 0, place)
            if place < 0:
                return
            yield place
            place += len(part) - 1

    def _rest(self, parts: tuple[str, ...], place: int) -> int | None:
        """Where the last of the parts ends, each the nearest behind the one before it."""
        end = place + len(parts[0])
        for part in parts[1:]:
            found = self.text.find(part, end, end + _REACH + len(part))
            if found < 0:
                return None
            end = found + len(part)
        return end

    def _line(self, place: int) -> int:
        return bisect_right(self._starts, place) - 1


@cache
def fixed(message: str) -> tuple[str, ...]:
    """Return the parts of a message that do not vary, as they are looked for."""
    return tuple(part for each in message.split(VARIES) if (part := _folded(each)))


def fault(message: str) -> str:
    """Return what is wrong with a message; "" where it is sound."""
    parts = fixed(message)
    if sum(map(len, parts)) < _SHORTEST:
        return f"fewer than {_SHORTEST} characters of it are fixed, so that any text would have it"
    if len(parts) > _MOST_PARTS:
        return f"it has more than {_MOST_PARTS} fixed parts; write those that tell it"
    return ""


def _folded(text: str) -> str:
    return text.replace("\\n", " ").translate(_NOWHERE).lower()
