"""Where the words of a finding stand: a text is about its last exception. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from envlock.diagnose.rulings import Ruling, Symptom
from envlock.rules.check import Truth
from envlock.rules.traces import Raised, last_raised, raised


def by_place(candidates: Iterable[Ruling], text: str) -> list[Ruling]:
    """Return candidates with what is known of their place: beside the last exception, or in it.

    What stands in a warning alone is no cause of an exception. Where the last
    exception shows no frames, nothing says where its text begins.
    """
    found = raised(text) if text else ()
    last = last_raised(found)
    if last is None or not last.frames:
        return list(candidates)
    chain = _chain(found, last)
    return list(_placed(candidates, chain, [each for each in found if _warns(each)]))


def _placed(
    candidates: Iterable[Ruling], chain: Sequence[Raised], warnings: Sequence[Raised]
) -> Iterator[Ruling]:
    for each in candidates:
        symptom = each.symptom
        if symptom is None or not any(_in(symptom, one) for one in chain):
            verdict = each.verdict
            by_versions = verdict is not None and verdict.judged and verdict.truth >= Truth.LIKELY
            warned = symptom is not None and any(_in(symptom, one) for one in warnings)
            if not warned or by_versions:
                yield replace(each, aside=True)
        else:
            yield each


def _chain(found: Sequence[Raised], last: Raised) -> list[Raised]:
    """The last exception, and those that were being handled when it was raised."""
    at = found.index(last)
    chain = [last]
    while at > 0 and chain[-1].chained:
        at -= 1
        chain.append(found[at])
    return chain


def _in(symptom: Symptom, one: Raised) -> bool:
    return one.start <= symptom.end <= one.end + 1 or one.start <= symptom.start <= one.end


def _warns(one: Raised) -> bool:
    return bool(one.type) and not one.is_error
