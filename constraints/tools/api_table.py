"""Surfaces of releases ↔ the text of a table: since when and until when each name is there. Pure.

The text has a head of lines ``key<TAB>values``, an empty line, and a line for
each name, sorted: ``name<TAB>spans<TAB>tokens``. Spans are positions in
``releases``: ``3-5,8-`` is from the fourth to the sixth and from the ninth on;
nothing means all. Tokens are as in `tools.api_surface`; ``f(x);7:f(x,y=)``
is another one from the eighth release on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

FORMAT = "envlock-api 1"

Surface = Mapping[str, str]


def render(head: Mapping[str, Sequence[str]], surfaces: Mapping[str, Surface]) -> str:
    """Return the text of a table; ``surfaces`` maps releases, oldest first, to their names."""
    releases = list(surfaces)
    lines = [FORMAT, *("\t".join((k, " ".join(v))) for k, v in head.items())]
    lines += ["\t".join(("releases", " ".join(releases))), ""]
    for name in sorted({name for surface in surfaces.values() for name in surface}):
        tokens = [surface.get(name) for surface in surfaces.values()]
        lines.append(f"{name}\t{spans([token is not None for token in tokens])}\t{changes(tokens)}")
    return "\n".join(lines) + "\n"


def spans(there: Sequence[bool]) -> str:
    """Return the runs of true positions; nothing for all of them."""
    found = []
    start: int | None = None
    for position, present in enumerate((*there, False)):
        if present and start is None:
            start = position
        elif not present and start is not None:
            last = position - 1
            first_shown = str(start) if start else ""
            found.append(f"{first_shown}-{last if position < len(there) else ''}")
            start = None
    return "" if found == ["-"] else ",".join(found)


def changes(tokens: Iterable[str | None]) -> str:
    """Return the first token and, with its position, each that differs from the one before."""
    found: list[str] = []
    before: str | None = None
    for position, token in enumerate(tokens):
        if token is not None and token != before:
            found.append(f"{position}:{token}" if found else token)
            before = token
    return ";".join(found)


def differences(old: Mapping[str, Surface], new: Mapping[str, Surface]) -> list[str]:
    """Return one line for each release that is new, gone or told otherwise."""
    lines = [f"{release}: gone" for release in old if release not in new]
    for release, surface in new.items():
        before = old.get(release)
        if before is None:
            lines.append(f"{release}: {len(surface)} names")
        elif before != surface:
            changed = sum(before.get(n) != surface.get(n) for n in {*before, *surface})
            lines.append(f"{release}: {changed} names changed")
    return lines
