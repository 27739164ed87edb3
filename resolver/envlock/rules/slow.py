"""Symptoms that a text could make slow, told in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from envlock.rules.cost import nanoseconds
from envlock.rules.patterns import apart, bounded, repeats

#: Nanoseconds for each character of the worst text, as `cost` counts them.
SLOW = 3000.0
_LONGEST = 2000  # characters of a symptom


def slow(symptom: str) -> str:
    """Say which part of a symptom could make a search slow, and why; "" where none can."""
    if len(symptom) > _LONGEST:
        return f"longer than {_LONGEST:,} characters; make several symptoms of it"
    for pattern in filter(None, apart(symptom)):
        time = nanoseconds(bounded(pattern))
        if time > SLOW:
            return _words(_culprit(pattern), endless=time == inf)
    return ""


def _words(part: str, *, endless: bool) -> str:
    if endless:
        return (
            f"{part} can match one text in so many ways that a search may never end;"
            " what is repeated must not itself repeat the same: a+ for (a+)+, [ab]* for (a|ab)*"
        )
    return (
        f"{part} takes too long where the words before it come often;"
        r" bound it, as [^\n]{0,40} does, or begin with more letters of the message"
    )


def _culprit(pattern: str) -> str:
    """The repeat without which a search would be quick, or quickest."""
    parts = sorted(_repeated(pattern), key=lambda each: len(each[0]), reverse=True)
    times = {part: nanoseconds(bounded(without)) for part, without in parts}
    quick = (part for part, time in times.items() if time <= SLOW)
    return next(quick, min(times, key=lambda part: times[part], default=pattern))


def _repeated(pattern: str) -> Iterator[tuple[str, str]]:
    """What is repeated, with its repeat, and the pattern where it stands once."""
    for start, place, end in repeats(pattern):
        yield pattern[start:end], pattern[:place] + pattern[end:]
