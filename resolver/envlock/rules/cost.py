"""How long a pattern may look at a text of any length, found from the pattern alone. Pure.

`re` tries one way of matching after the other. What is counted here is the
time that all ways from one place of a text may take, each set of characters
taken for what it can match and every repeat for as long as it may be. A
pattern that begins with letters is tried only where they stand, so their
number divides it: that is the time for each character of the worst text.
"""

from __future__ import annotations

import re
import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, reduce
from itertools import accumulate, combinations
from math import inf
from operator import or_
from typing import Any

from msgspec import Struct, field

from envlock.rules.patterns import apart, bounded, repeats

#: Characters of a pattern's alphabet, one bit each.
Letters = int
#: Nanoseconds: a character in a loop of `re`, one by itself, one way tried.
_LOOP, _CHARACTER, _WAY = 3.0, 6.0, 25.0
#: What a repeat without an end is taken for: a line is no longer.
_LINE = 10_000
_KNOWN = 40  # characters of what has to follow that are looked at
_FOREVER = float("inf")
_UNICODE = range(sys.maxunicode + 1)
_MANY = 1e9  # ways; more are taken for no end
#: Nanoseconds for each character of the worst text, as `cost` counts them.
SLOW = 3000.0
_LONGEST = 2000  # characters of a symptom
_STEPS = 5_000  # to judge one symptom; the shipped ones take 700 at most, and 200 on average
_SHOWN = 60  # characters of a part that is named


class TooMuch(Exception):
    """A pattern takes too long to judge, whatever it would take to search."""


class Effort:
    """Steps that may still be taken to judge patterns: a microsecond or some each.

    What repeats inside of what repeats is read twice, so that the steps of a
    short pattern may be any number.
    """

    def __init__(self, steps: int) -> None:
        self.left = steps

    def take(self, steps: int) -> None:
        """Count steps.

        Raises:
            TooMuch: none are left.
        """
        self.left -= steps
        if self.left < 0:
            raise TooMuch

    def part(self, steps: int) -> Effort:
        """Return an effort of its own, of so many steps or what is left, taken from this one."""
        own = Effort(max(0, min(steps, self.left)))
        self.left -= own.left
        return own


class _Rest(Struct, frozen=True):
    """What comes at some place of a pattern, up to its end.

    ``time`` is what all ways to match it take, ``ways`` how many there are,
    ``next`` the characters that have to come, one after the other, as far as
    that is known; ``sure`` says that it matches anything, so that nothing
    before it is tried again. ``shared`` is the time of runs that begin where
    no other one of theirs goes on: beginnings in different places have
    different runs, so that it counts once for all places of one repeat.
    """

    time: float
    ways: float = 1.0
    next: tuple[Letters, ...] = ()
    sure: bool = False
    shared: float = 0.0


def nanoseconds(pattern: str, effort: Effort) -> float:
    """Return what a search for a pattern takes for each character of its worst text.

    Raises:
        re.error: it is no regular expression.
        TooMuch: it would take more than the effort to tell.
    """
    tree = parser.parse(pattern)
    flags = tree.state.flags
    alphabet = _alphabet(frozenset(_codes(tree)))
    bits = {character: 1 << place for place, character in enumerate(alphabet)}
    reading = _Reading(alphabet=alphabet, bits=bits, flags=flags, effort=effort)
    rest = reading.all(tree, _Rest(0.0, sure=True))
    quick = rest.next and all(each.bit_count() == 1 for each in rest.next[:1])
    return (_LOOP if quick else _WAY) + (rest.time + rest.shared) / _period(rest.next)


@cache
def _alphabet(codes: frozenset[int]) -> str:
    """Characters of which each set of a pattern has its share: all kinds, and all that it names."""
    named = {code + step for code in codes for step in (-1, 0, 1)}
    usual = {*range(0x180), 0x2028, 0x4E2D, 0x661, 0x3000, sys.maxunicode}
    found = [chr(each) for each in named | usual if each in _UNICODE]
    cases = (other for each in found for other in each.lower() + each.upper())
    return "".join(sorted({*found, *cases}))


def _codes(part: Any) -> Iterator[int]:  # noqa: ANN401  (a part of a syntax tree, or parts)
    """The characters that parts name, escaped or not, the ends of ranges with them."""
    if not isinstance(part, list | tuple | parser.SubPattern):
        return
    match tuple(part):
        case (op.LITERAL | op.NOT_LITERAL, int(code)):
            yield code
        case (op.RANGE, (low, high)):
            yield from (low, high)
        case parts:
            for each in parts:
                yield from _codes(each)


_SURE = _Rest(0.0, sure=True)


#: What has to come where a pattern wants an end.
_ENDS = frozenset({op.AT_END, op.AT_END_STRING})


class _Reading(Struct, frozen=True):
    """Reads the parts of one pattern, the last first."""

    alphabet: str
    bits: Mapping[str, int]
    flags: int
    effort: Effort
    known: dict[tuple[Any, object], Letters | None] = field(default_factory=dict)

    def all(self, parts: Sequence[Any], rest: _Rest) -> _Rest:
        """What comes from the first of some parts on."""
        parts = list(parts)
        for place in reversed(range(len(parts))):
            before = self.letters(*parts[place - 1]) if place else None
            kind, what = parts[place]
            rest = self.one(kind, what, rest, before)
        return rest

    def one(self, kind: Any, what: Any, rest: _Rest, before: Letters | None) -> _Rest:  # noqa: ANN401
        """What comes from one part on; ``before`` is the set that stands before it."""
        self.effort.take(1)
        letters = self.letters(kind, what)
        if letters is not None or kind is op.AT:
            time = _CHARACTER + rest.time
            if letters is not None:
                known = (letters, *rest.next)
            else:
                known = (self.bits["\n"],) if what in _ENDS else rest.next
            return _Rest(time, rest.ways, known[:_KNOWN], shared=rest.shared)
        if kind in {op.MAX_REPEAT, op.MIN_REPEAT}:
            return self.repeat(what, rest, before)
        if kind in {op.BRANCH, op.GROUPREF_EXISTS}:
            choices = what[1] if kind is op.BRANCH else [each or () for each in what[1:]]
            return _either([self.all(each, rest) for each in choices])
        if kind is op.SUBPATTERN:
            return self.all(what[3], rest)
        return self.held(kind, what, rest, before)

    def held(self, kind: Any, what: Any, rest: _Rest, before: Letters | None) -> _Rest:  # noqa: ANN401
        """What comes from a part on that is matched in one way only."""
        if kind is op.POSSESSIVE_REPEAT:
            once = self.repeat(what, _SURE, before)
            known = self.repeat(what, _Rest(0.0, next=rest.next), before).next
        elif kind is op.ATOMIC_GROUP:
            once = self.all(what, _SURE)
            known = once.next
        elif kind in {op.ASSERT, op.ASSERT_NOT}:
            once = self.all(what[1], _SURE)
            known = rest.next
        else:  # a group again: any text
            once, known = _Rest(_LINE * _LOOP), ()
        return _Rest(
            _WAY + once.time + rest.time, rest.ways, known, rest.sure, once.shared + rest.shared
        )

    def repeat(self, what: Any, rest: _Rest, before: Letters | None) -> _Rest:  # noqa: ANN401
        """What comes from a part on that stands there several times."""
        least, most, body = what[0], min(what[1], _LINE), what[2]
        letters = self.letters(*body[0]) if len(body) == 1 else None
        if letters is not None and most > 1:
            fresh = before is not None and not before & letters
            self.effort.take(len(rest.next))
            return _characters(letters, least, most, rest, fresh=fresh)
        if most <= 1:
            taken = self.all(body, rest)
            return taken if least else _either([taken, rest])
        first = self.all(body, _Rest(0.0)).next
        after = _either([_Rest(0.0, next=first), rest]).next
        inner = self.all(body, _Rest(_WAY, next=after))
        one = inner.time + inner.shared + _WAY
        known = first if least else after
        if rest.sure:
            return _Rest(most * one + rest.time, next=known, shared=rest.shared)
        each = inner.ways if body.getwidth()[0] > 0 else _FOREVER
        if each > 1:
            ways = _power(each, most)
            return _Rest(ways * (one + rest.time + rest.shared), ways * rest.ways, known)
        ways = 1.0 if _apart(first, rest.next) else most - least + 1.0
        return _Rest(most * one + ways * (rest.time + rest.shared), ways * rest.ways, known)

    def letters(self, kind: Any, what: Any) -> Letters | None:  # noqa: ANN401  (as above)
        """The characters that a part takes one of; None where it is something else."""
        key = (kind, what if isinstance(what, int) else id(what))
        if key not in self.known:
            self.known[key] = self._letters(kind, what)
        return self.known[key]

    def _letters(self, kind: Any, what: Any) -> Letters | None:  # noqa: ANN401  (as above)
        everything = (1 << len(self.alphabet)) - 1
        if kind is op.ANY:
            return everything if self.flags & re.DOTALL else everything & ~self.bits["\n"]
        if kind is op.LITERAL:
            return self._bits(self._cases(chr(what)))
        if kind is op.NOT_LITERAL:
            return everything & ~self._bits(self._cases(chr(what)))
        if kind is op.IN:
            self.effort.take(len(what) * len(self.alphabet) // 100)
            found = self._bits(each for item in what for each in self._item(*item))
            return everything & ~found if what[0][0] is op.NEGATE else found
        return None

    def _bits(self, characters: Iterable[str]) -> Letters:
        found = 0
        for each in set(characters):
            found |= self.bits[each]
        return found

    def _item(self, kind: Any, what: Any) -> str:  # noqa: ANN401  (as above)
        if kind is op.LITERAL:
            return self._cases(chr(what))
        if kind is op.RANGE:
            low, high = what
            kept = "".join(each for each in self.alphabet if low <= ord(each) <= high)
            return self._cases(kept)
        if kind is op.CATEGORY:
            return _of_category(str(what), self.alphabet)
        return ""

    def _cases(self, characters: str) -> str:
        if not self.flags & re.IGNORECASE:
            return characters
        cases = (other for each in characters for other in each.lower() + each.upper())
        return "".join(filter(self.bits.__contains__, cases))


@cache
def _of_category(name: str, alphabet: str) -> str:
    kind = name.rpartition("_")[2].lower()
    letter = {"digit": "d", "space": "s", "word": "w"}[kind]
    return "".join(re.findall(rf"\{letter.upper() if '_NOT_' in name else letter}", alphabet))


def _characters(letters: Letters, least: int, most: int, rest: _Rest, *, fresh: bool) -> _Rest:
    """What comes from a repeated set of characters on; ``fresh``: it begins where a run does."""
    quick = bool(rest.next) and rest.next[0].bit_count() == 1
    again = 0.0 if rest.sure or least == most else _LOOP if quick else _WAY
    run = most * (_LOOP + again)
    ways = 1.0 if rest.sure else _ends(letters, most - least + 1, rest.next)
    seen = list(accumulate(rest.next, or_, initial=letters))[1:]
    known = (*(letters,) * min(least, _KNOWN), *(rest.next if least == most else seen))[:_KNOWN]
    if fresh and ways == 1:
        time = _LOOP + again + rest.time
        return _Rest(time, rest.ways, known, shared=run + rest.shared)
    time = run + ways * rest.time + rest.shared + (most * _LOOP if rest.shared else 0.0)
    return _Rest(time, ways * rest.ways, known)


def _ends(letters: Letters, places: int, after: tuple[Letters, ...]) -> float:
    """In how many places of a run of characters that what has to come ``after`` can begin."""
    for place, each in enumerate(after):
        if not each & letters:
            return min(place + 1, places)
    return places // _period(after) + 1 if places > 1 else 1


def _period(known: tuple[Letters, ...]) -> int:
    """The least distance of two places where the same characters can begin."""
    for step in range(1, len(known)):
        if all(one & other for one, other in zip(known, known[step:], strict=False)):
            return step
    return max(1, len(known))


def _either(choices: Sequence[_Rest]) -> _Rest:
    """What comes where any of some choices may be there: all, unless one excludes others."""
    alone = all(_apart(one.next, other.next) for one, other in combinations(choices, 2))
    total = max if alone else sum
    known = tuple(reduce(or_, each) for each in zip(*(c.next for c in choices), strict=False))
    return _Rest(
        _WAY * len(choices) + total(each.time for each in choices),
        total(each.ways for each in choices),
        known,
        all(each.sure for each in choices),
        total(each.shared for each in choices),
    )


def _apart(one: tuple[Letters, ...], other: tuple[Letters, ...]) -> bool:
    """Whether what begins in one way cannot begin in the other too."""
    return any(not a & b for a, b in zip(one, other, strict=False))


def _power(ways: float, times: int) -> float:
    return ways**times if times * (ways - 1) < _KNOWN and ways**times < _MANY else _FOREVER


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
