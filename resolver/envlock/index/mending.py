"""What requirements in metadata meant that no installer of today reads. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envlock import standards

#: ``>=3.`` and ``<2.1.``: a dot with nothing behind it.
_OPEN = re.compile(r"(?<=\d)\.(?=\s*(?:[,);]|$))")
#: ``>=3.6.*``: a star where only = and != may have one.
_STAR = re.compile(r"((?:[<>]=?|~=)\s*[\w.]+?)\.\*")
#: ``>=1.0<2``: no comma between two bounds.
_JOINED = re.compile(r"(?<=[\w*])\s*(?=(?:[<>!~=]=|[<>])\s*\d)")
_FIELD = re.compile(rb"(?m)^Requires-Dist:[ \t]*(.*?)\r?$")


def reading(said: str) -> str | None:
    """Return what a requirement that cannot be read may have meant, by the smallest change."""
    return next((each for each in _readings(said) if standards.requirement(each)), None)


def mended(metadata: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return metadata in which what cannot be read says what it meant, and what that was.

    Where nobody can guess it stays as it is.
    """
    head, mark, rest = metadata.partition(b"\n\n")
    wrong: list[str] = []

    def instead(match: re.Match[bytes]) -> bytes:
        said = " ".join(match[1].decode("utf-8", "replace").split())
        meant = None if standards.requirement(said) else reading(said)
        if meant is None:
            return match[0]
        wrong.append(said)
        return f"Requires-Dist: {meant}".encode()

    return _FIELD.sub(instead, head) + mark + rest, tuple(wrong)


def _readings(said: str) -> Iterator[str]:
    """What a requirement may have meant: the smallest change first."""
    bounds, semicolon, marker = said.partition(";")
    for pattern, replacement in ((_OPEN, ""), (_STAR, r"\1"), (_JOINED, ",")):
        bounds = re.sub(pattern, replacement, bounds)
        yield f"{bounds.rstrip()} {semicolon}{marker}".strip() if semicolon else bounds.strip()
