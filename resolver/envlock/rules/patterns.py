"""Symptoms as regular expressions that bear broken lines, and are quick on long logs. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from msgspec import Struct

_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_ESCAPE = r"\\(?:N\{[^}]*\}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|0[0-7]{0,2}|\d{1,3}|.)"
#: Copied as they are: a class, and a look behind, which has to be of one width.
_WHOLE = re.compile(rf"{_CLASS.pattern}|\(\?<[=!](?:\\.|[^)])*\)|{_ESCAPE}", re.DOTALL)
_ESCAPED = re.compile(_ESCAPE, re.DOTALL)
_GROUP = re.compile(r"\((?P<kind>\?(?:<?[=!]|[aiLmsux-]*:|P?<\w+>))?")
_FLAGS = re.compile(r"\(\?[aiLmsux]+\)")
_REPEAT = re.compile(r"(?:(?P<none>[*?]|\{0?,\d*\})|\+|\{\d+(?:,\d*)?\})[?+]?")
_PLAIN_ESCAPE = re.compile(r"\\[^A-Za-z0-9]")
#: Blanks, and what says how often the last of them stands there.
_BLANKS = re.compile(r"( +)(?:(?P<times>[*+?]|\{(?!\})(?P<least>\d*)(?:,\d*)?\})[?+]?)?")
#: Characters that stand for themselves, but for the last: what follows may say how often it does.
_LETTERS = re.compile(r"[A-Za-z0-9 _,:;'\"/=<>@#%&~!-]+(?=[A-Za-z0-9 _,:;'\"/=<>@#%&~!-])")
_TIMES = re.compile(r"(?:(?P<endless>[*+]|\{(?P<least>\d*),\})|\{\d*,?\d+\}|\?)(?P<how>[?+]?)")
#: How a symptom begins that must not be where something else is, and goes on.
_NOWHERE = r"\A(?![\s\S]*"
_THEN = r")[\s\S]*?"
REACH = 200  # characters that a repeat without an end covers
_SHORTEST = 4  # letters that are worth looking for by themselves


class Sought(Struct, frozen=True):
    """A symptom, compiled: what has to be in a text, and what must not be anywhere in it."""

    wanted: re.Pattern[str]
    unless: re.Pattern[str] | None = None

    def search(self, text: str) -> re.Match[str] | None:
        """Return where the symptom is in a text."""
        match = self.wanted.search(text)
        if match is None or (self.unless is not None and self.unless.search(text)):
            return None
        return match

    def all(self, text: str) -> Iterator[re.Match[str]]:
        """Yield every place where the symptom is."""
        if self.unless is None or not self.unless.search(text):
            yield from self.wanted.finditer(text)


@cache
def flexible(pattern: str) -> Sought:
    """Compile a symptom so that each blank in it also matches a line break with indentation.

    What repeats without an end does so `REACH` times at most: a search then
    takes a time that grows as the text does (`envlock.rules.cost`).
    """
    wanted, unless = apart(pattern)
    return Sought(re.compile(bounded(wanted)), re.compile(bounded(unless)) if unless else None)


def apart(pattern: str) -> tuple[str, str]:
    """Part a symptom that begins with what a whole text must not have; "" where it does not.

    Each is then looked for by itself, in a time that grows as the text does.
    """
    if not pattern.startswith(_NOWHERE):
        return pattern, ""
    _, end = _alternatives(pattern, len(_NOWHERE))
    rest = pattern[end:]
    if not rest.startswith(_THEN):
        return pattern, ""
    return rest.removeprefix(_THEN), pattern[len(_NOWHERE) : end]


def bounded(pattern: str) -> str:
    """Return a pattern whose blanks are flexible and whose repeats all have an end."""
    found: list[str] = []
    place = 0
    while place < len(pattern):
        blanks = _BLANKS.match(pattern, place)
        times = _TIMES.match(pattern, place)
        whole = blanks or times or _WHOLE.match(pattern, place)
        if blanks is not None:
            once = blanks["least"] is None and blanks["times"] not in {"*", "?"}
            least = len(blanks[1]) - 1 + (once or int(blanks["least"] or 0))
            found.append(rf"\s{{{least},{REACH}}}+")  # all of a run: never less of it
        elif times is not None and times["endless"]:
            least = int(times["least"] or (times["endless"] == "+"))
            found.append(f"{{{least},{least + REACH}}}{times['how']}")
        else:
            found.append(whole[0] if whole else pattern[place])
        place = whole.end() if whole else place + 1
    return "".join(found)


def repeats(pattern: str) -> Iterator[tuple[int, int, int]]:
    """Yield where each repeat in a pattern begins, where its number stands, and where it ends."""
    opened: list[int] = []
    last = place = 0
    while place < len(pattern):
        times = _TIMES.match(pattern, place)
        group = _GROUP.match(pattern, place)
        whole = times or _WHOLE.match(pattern, place) or group
        end = whole.end() if whole else place + 1
        if times is not None:
            yield last, place, end
        elif group is not None:
            opened.append(place)
        else:
            last = opened.pop() if pattern[place] == ")" and opened else place
        place = end


class Needs(Struct, frozen=True):
    """What a pattern asks of any text that it matches.

    At least one of ``texts`` is in it once every run of blanks and line ends is
    one blank, where there are any texts; ``letters`` is how many characters
    the pattern spells out, which is how specific it is.
    """

    texts: frozenset[str] = frozenset()
    letters: int = 0

    def are_in(self, there: Callable[[str], bool]) -> bool:
        """Whether a text can match at all; ``there`` looks for one in it, blanks made single."""
        return not self.texts or any(map(there, self.texts))


@cache
def needs(pattern: str) -> Needs:
    """Return what a pattern asks for, found without compiling it."""
    flags = _FLAGS.match(pattern)
    found, _ = _alternatives(pattern, flags.end() if flags else 0)
    return Needs(letters=found.letters) if flags else found


def _alternatives(pattern: str, place: int) -> tuple[Needs, int]:
    choices: list[Needs] = []
    while True:
        choice, place = _sequence(pattern, place)
        choices.append(choice)
        if pattern[place : place + 1] != "|":
            break
        place += 1
    every = all(choice.texts for choice in choices)
    texts = frozenset[str]().union(*(each.texts for each in choices)) if every else frozenset[str]()
    return Needs(texts, min(choice.letters for choice in choices)), place


def _sequence(pattern: str, place: int) -> tuple[Needs, int]:
    parts: list[Needs] = []
    run = ""
    while place < len(pattern) and pattern[place] not in "|)":
        plain = _LETTERS.match(pattern, place)
        if plain is not None:
            run += plain[0]
            place = plain.end()
            continue
        group = _GROUP.match(pattern, place)
        if group is not None:
            part, place = _alternatives(pattern, group.end())
            place += 1
            if group["kind"] in {"?=", "?!", "?<=", "?<!"}:
                part = Needs()
            letter = ""
        else:
            letter, place = _atom(pattern, place)
            part = Needs()
        repeat = _REPEAT.match(pattern, place)
        optional = repeat is not None and repeat["none"] is not None
        place = repeat.end() if repeat else place
        if letter and not optional:
            run += letter
        if not letter or repeat is not None:
            parts += [_literal(run), Needs() if optional else part]
            run = ""
    return _best([*parts, _literal(run)]), place


def _atom(pattern: str, place: int) -> tuple[str, int]:
    """The character that a piece of a pattern stands for, or "" for several, and its end."""
    whole = _CLASS.match(pattern, place)
    if whole is not None:
        return "", whole.end()
    if pattern[place] == "\\":
        escaped = _ESCAPED.match(pattern, place)
        plain = _PLAIN_ESCAPE.match(pattern, place)
        return (pattern[place + 1] if plain else ""), escaped.end() if escaped else place + 2
    return ("" if pattern[place] in ".^$" else pattern[place]), place + 1


def _literal(run: str) -> Needs:
    return Needs(frozenset([run]) if len(run) >= _SHORTEST else frozenset(), len(run))


def _best(parts: Iterable[Needs]) -> Needs:
    """What a sequence asks for: the texts that are the longest, and the letters of all."""
    best = max(parts, key=lambda part: min(map(len, part.texts), default=0))
    return Needs(best.texts, sum(part.letters for part in parts))
