"""Symptoms that a text could make slow, told in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import inf

from envlock.rules.cost import Effort, TooMuch, nanoseconds
from envlock.rules.patterns import apart, bounded, repeats

#: Nanoseconds for each character of the worst text, as `cost` counts them.
SLOW = 3000.0
_LONGEST = 2000  # characters of a symptom
_STEPS = 5_000  # to judge one symptom; the shipped ones take 700 at most, and 200 on average
_SHOWN = 60  # characters of a part that is named


def slow(symptom: str, effort: Effort | None = None) -> str:
    """Say which part of a symptom could make a search slow, and why; "" where none can.

    What takes more to judge than a symptom may, or than is left of the
    ``effort`` for all of them, is not taken either.
    """
    if len(symptom) > _LONGEST:
        return f"longer than {_LONGEST:,} characters; make several symptoms of it"
    own = effort.part(_STEPS) if effort else Effort(_STEPS)
    try:
        return _judged(symptom, own)
    except (TooMuch, RecursionError):
        if effort and effort.left <= 0:
            return "there are too many repeats in these symptoms to judge them; write fewer"
        return "has too many repeats to judge what a search takes; make several symptoms of it"
    except (re.error, OverflowError) as error:
        return f"cannot be searched for with an end to its repeats: {error}; write it otherwise"
    finally:
        if effort:
            effort.left += max(0, own.left)


def _judged(symptom: str, effort: Effort) -> str:
    for pattern in filter(None, apart(symptom)):
        effort.take(1)
        time = nanoseconds(bounded(pattern), effort)
        if time > SLOW:
            return _words(_culprit(pattern, effort), endless=time == inf)
        re.compile(bounded(pattern))
    return ""


def _words(part: str, *, endless: bool) -> str:
    part = part if len(part) <= _SHOWN else f"{part[:_SHOWN]}…"
    if endless:
        return (
            f"{part} can match one text in so many ways that a search may never end;"
            " what is repeated must not itself repeat the same: a+ for (a+)+, [ab]* for (a|ab)*"
        )
    return (
        f"{part} takes too long where the words before it come often;"
        r" bound it, as [^\n]{0,40} does, or begin with more letters of the message"
    )


def _culprit(pattern: str, effort: Effort) -> str:
    """The repeat without which a search would be quick, or quickest of those that were tried."""
    parts = sorted(_repeated(pattern), key=lambda each: len(each[0]), reverse=True)
    times: dict[str, float] = {}
    for part, without in parts:
        try:
            times[part] = nanoseconds(bounded(without), effort)
        except TooMuch:
            break
        if times[part] <= SLOW:
            return part
    return min(times, key=lambda part: times[part], default=pattern)


def _repeated(pattern: str) -> Iterator[tuple[str, str]]:
    """What is repeated, with its repeat, and the pattern where it stands once."""
    for start, place, end in repeats(pattern):
        yield pattern[start:end], pattern[:place] + pattern[end:]
