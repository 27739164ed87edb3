"""Texts that a pattern takes long over, made from its own pieces."""

from __future__ import annotations

import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

_LONG = 200  # how often a repeat is pumped
_TRIED = " \n\t0a1zA_-./\\,:;'\"()[]{}=<>~x|│"


def worst_texts(pattern: str, size: int) -> Iterator[str]:
    """Texts of one size: beginnings of a pattern that never come to its end, over and over."""
    parts = list(parser.parse(pattern))
    seen: set[str] = set()
    for unit in _units(parts):
        if unit and unit not in seen and len(unit) <= size:
            seen.add(unit)
            yield (unit * (size // len(unit) + 1))[:size]
    for filling in (" ", "\n", "0", "a", "/", " \n"):
        head = "".join(_sample(part) for part in parts[:-1])
        yield (head + filling * size)[:size]


def _units(parts: Sequence[Any]) -> Iterator[str]:
    """What is repeated: each beginning, with its repeats short and long."""
    for times in (1, 7, _LONG):
        for end in range(1, len(parts) + 1):
            head = "".join(_sample(part, times if _repeats(part) else 1) for part in parts[:end])
            yield from (head, head[:-1])
            yield from _last(parts[: end - 1], parts[end - 1], parts[end:], times)


def _last(before: Sequence[Any], part: Any, after: Sequence[Any], times: int) -> Iterator[str]:
    """Beginnings up to one part of a pattern, with what comes in it or after it begun often."""
    head, tail = "".join(map(_sample, before)), "".join(map(_sample, after))
    if _repeats(part):
        for again in (1, 8, 40):
            yield head + (tail[:-1] or " ") * again
            yield head + tail[: max(1, len(tail) // 4)] * again
    for inner in (unit for body in _inside(part) for unit in _units(body)):
        yield head + inner * (times if _repeats(part) else 1)


def _inside(part: Any) -> Sequence[Any]:
    kind, what = part
    if _repeats(part):
        return [what[2]]
    if kind is op.SUBPATTERN:
        return [what[3]]
    return list(what[1]) if kind is op.BRANCH else []


def _repeats(part: Any) -> bool:
    return part[0] in {op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT}


def _sample(part: Any, times: int = 1) -> str:
    kind, what = part
    if kind is op.LITERAL:
        return chr(what)
    if kind is op.IN:
        return _member(tuple(what))
    inside = _inside(part)
    if inside:
        once = "".join(map(_sample, inside[0]))
        return once * (max(what[0], min(what[1], times)) if _repeats(part) else 1)
    return "a" if kind in {op.ANY, op.NOT_LITERAL} else ""


@cache  # the same few sets stand in all patterns
def _member(items: tuple[Any, ...]) -> str:
    import re._compiler as compiler  # type: ignore[import-not-found]  # noqa: PLC0415

    state = parser.State()
    state.str = ""
    one = compiler.compile(parser.SubPattern(state, [(op.IN, [*items])]))
    return next(filter(one.match, _TRIED), "a")
