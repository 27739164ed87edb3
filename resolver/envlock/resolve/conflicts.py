"""Which extras and groups of a project have no answer together, and what is left out for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from envlock.errors import NoResolution
from envlock.model import Selection
from envlock.resolve.question import Question

Answers = Callable[[Question], bool]


def least(question: Question, answers: Answers) -> tuple[Selection, ...]:
    """Return the fewest extras and groups that have no answer together; () if the base has none.

    None of those that are returned can be left out.
    """
    kept = sorted(question.optional)
    for each in tuple(kept):
        rest = [other for other in kept if other != each]
        if not answers(question.choosing(rest)):
            kept = rest
    return tuple(kept)


def apart(
    question: Question, found: tuple[Selection, ...], reason: NoResolution, answers: Answers
) -> NoResolution:
    """Return a refusal that names the extras and groups; every way out of it has been solved."""
    *most, last = map(str, found)
    named = f"{', '.join(most)} and {last}" if most else last
    where = "in one lock" if most else "in the lock"
    ways = dict.fromkeys(_way(question, set(found) - {each}, found, answers) for each in found)
    said = f"{named} cannot be {where}: {reason.message}"
    return NoResolution(said, *reason.remedies, *ways).telling(**reason.details)


def _way(
    question: Question, kept: set[Selection], found: Iterable[Selection], answers: Answers
) -> str:
    """The options that leave out one of those that were found, and what has no answer then."""
    for each in sorted(question.optional.keys() - set(found)):
        if answers(question.choosing(sorted({*kept, each}))):
            kept.add(each)
    left_out = sorted(question.optional.keys() - kept)
    return " ".join(f"--no-{each.kind} {each.name}" for each in left_out)
