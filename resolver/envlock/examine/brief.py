"""A log of any size and shape → one that is quick to search. Pure.

What a search costs grows with the text and with its lines. So no line is longer
than what a reader could want of it, and of a log that is longer than all that
people send there remain its beginning, its end, and what speaks of trouble.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import zip_longest

#: Characters of a line that are kept, half of them from each end.
LONGEST = 10_000
#: Characters of a log that are all looked at.
WHOLE = 1_000_000
_BEGINNING, _END = 250_000, 350_000
_MIDDLE = 400_000  # characters between them, around words that speak of trouble
_AROUND = 1_000  # characters before such a word, and after it
_PLACES = 400  # that are looked at for each of the words
_TELLING = (
    *("Traceback", "Error", "ERROR", "error", "Exception", "FATAL", "Fatal", "Aborted"),
    *("Successfully installed", "requires", "which is incompatible", "not installed"),
    *("No module named", "has no attribute", "cannot ", "Cannot ", "Could not", "undefined symbol"),
    *("not found", "failed", "Failed", "Segmentation fault", "Illegal instruction", "core dumped"),
)
_LINES = 200_000  # of a log, up to which what is said again and again is looked for
_TOLD_OFTEN = 3
_NO_DIGITS = dict.fromkeys(map(ord, "0123456789"))
_CUT = " … "


def brief(text: str) -> str:
    """Return what a search looks at: all of a log, unless it or its lines are very long."""
    text = with_short_lines(text)
    if len(text) > WHOLE and text.count("\n") <= _LINES:
        text = "\n".join(fewer(text.split("\n")))
    return text if len(text) <= WHOLE else _ends_and_telling(text)


def with_short_lines(text: str) -> str:
    """Return a text with both ends of each line that is longer than what is searched."""
    return "\n".join(map(cut, text.split("\n"))) if _has_long(text) else text


def cut(line: str) -> str:
    """Return both ends of a line that is longer than what is searched, or the line."""
    half = (LONGEST - len(_CUT)) // 2
    return line if len(line) <= LONGEST else f"{line[:half]}{_CUT}{line[-half:]}"


def fewer(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines without those that say again, in other numbers, what some said before."""
    seen: Counter[str] = Counter()
    for line in lines:
        key = line.translate(_NO_DIGITS)
        seen[key] += 1
        if seen[key] <= _TOLD_OFTEN:
            yield line


def _has_long(text: str) -> bool:
    """Whether some line is longer than what is kept of one."""
    start = 0
    while start + LONGEST < len(text):
        # Where lines are short, most of a text is stepped over.
        end = text.rfind("\n", start, start + LONGEST + 1)
        if end < 0:
            return True
        start = end + 1
    return False


def _ends_and_telling(text: str) -> str:
    first = text.rfind("\n", 0, _BEGINNING) + 1 or _BEGINNING
    last = text.find("\n", len(text) - _END) + 1 or len(text) - _END
    kept: list[tuple[int, int]] = []
    room = _MIDDLE
    for place in _telling(text, first, last):
        start = text.rfind("\n", max(first, place - 2 * _AROUND), max(first, place - _AROUND)) + 1
        end = text.find("\n", place + _AROUND, place + 2 * _AROUND)
        kept.append((start or max(first, place - _AROUND), end if end >= 0 else place + _AROUND))
        room -= kept[-1][1] - kept[-1][0]
        if room <= 0:
            break
    return "\n".join((text[:first], *_apart(text, kept, last), text[last:]))


def _telling(text: str, start: int, end: int) -> Iterator[int]:
    """Places of words that speak of trouble: the last of each word first, one of each in turn."""
    for places in zip_longest(*(_backwards(text, word, start, end) for word in _TELLING)):
        yield from (place for place in places if place is not None)


def _backwards(text: str, word: str, start: int, end: int) -> Iterator[int]:
    for _ in range(_PLACES):
        end = text.rfind(word, start, end)
        if end < 0:
            return
        yield end


def _apart(text: str, kept: Iterable[tuple[int, int]], last: int) -> Iterator[str]:
    """Pieces of a text in their order, none of it twice."""
    done = 0
    for start, end in sorted(kept):
        begin, stop = max(start, done), min(end, last)
        if stop > begin:
            yield text[begin:stop]
            done = stop
