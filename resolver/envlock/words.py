"""Words for a person: counted, and fit for a terminal."""

from __future__ import annotations

import re


def counted(count: int, noun: str, several: str = "") -> str:
    """A number with its noun: "1 package", "2,000 packages"; ``several`` is an odd plural."""
    return f"{count:,} {noun if count == 1 else several or f'{noun}s'}"


def withdrawn(name: str, version: object, why: str = "") -> str:
    """Say that a release was taken back by its author; locks hold this sentence as a note."""
    return f"{name} {version} is yanked{f': {why[:200]}' if why else ''}"


_OBEYED = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff]"
)

_LINES = {ord("\n"): None, ord("\t"): None}


def visible(text: str) -> str:
    r"""Return a text for a terminal: line ends and tabs stay, all else it obeys is written out.

    An escape becomes ``\x1b``, a right-to-left override ``\u202e``.
    """
    if _is_plain(text):
        return text
    return re.sub(_OBEYED, _written_out, text.replace("\r\n", "\n"))


def visible_json(text: str) -> str:
    """Return JSON with what a terminal would obey in the escapes of JSON: it stays the same value.

    Outside of its strings JSON has none of it, and inside ``json.dumps`` left some.
    """
    if _is_plain(text):
        return text
    return re.sub(_OBEYED, lambda match: f"\\u{ord(match[0]):04x}", text)


def _is_plain(text: str) -> bool:
    """Whether a text has nothing that a terminal obeys, as nearly all: the pattern costs 1 ms."""
    return text.translate(_LINES).isprintable()


def printable(text: str) -> str:
    """Return a text for a quotation: on one line, and nothing in it unseen."""
    return "".join(each if each.isprintable() else _escape(each) for each in text)


def _written_out(match: re.Match[str]) -> str:
    return _escape(match[0])


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


#: Lines that say only that something failed, or where.
_EMPTY = re.compile(
    r"\s*$|\s*(?:error: Failed to|cause: |hint: |\[std(?:err|out)\]|File \"|Building wheel|[\^~]+$)"
)
_FAILS = re.compile(r"\s*(?:[\w.]*(?:Error|Exception|Exit)\b|error\b|fatal error\b)")
_LONGEST = 200


def last_error(said: str) -> str:
    """Return what the output of a program that failed ends with, as one line; "" for nothing."""
    lines = [line for line in said.splitlines() if not _EMPTY.match(line)]
    named = [line for line in lines if _FAILS.match(line)]
    last = (named or lines or [""])[-1]
    return " ".join(last.split())[:_LONGEST]
