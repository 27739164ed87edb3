"""A traceback that no rule knows: where it comes from, and what is unusual beside it. Pure."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct
from packaging.utils import canonicalize_name

from envlock.diagnose.rulings import Candidate, quoted
from envlock.findings import CONFLICT, Finding
from envlock.model import Remedy, RemedyKind, Severity
from envlock.rules.check import Known

UNEXPLAINED = "unexplained"

_TRACEBACK = "Traceback (most recent call last)"
#: Words of which one is in every line that tells an error.
_WORDS = (
    *("Error", "Exception", "Interrupt", "Exit", "Failure", "Impossible", "NotFound"),
    *("Segmentation fault", "Illegal instruction", "Aborted", "core dumped", "Killed"),
    *("ERROR: ", "error: ", "FATAL: "),
)
_ERROR = re.compile(
    r"\s*(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Failure|Impossible|NotFound)"
    r"(?::.*|\s*$)"
    r"|.*\b(?:Segmentation fault|Illegal instruction|Aborted|core dumped|Killed)\b.*$"
)
_SAID = re.compile(r"(?:.*?\s)?(?:ERROR|error|FATAL): (?!pip's dependency resolver).+$")
_FRAME = re.compile(
    r"(?P<path>(?<![^\s\"'<>])[^\s\"'<>]*[/\\](?:site|dist)-packages[/\\](?P<package>[A-Za-z_]\w*)[^\s\"':,]*)"
    r"(?:\"?, line |:)?(?P<line>\d+)?"
)
_MISSING = re.compile(r"No module named ['\"]?(?P<module>\w+)")

_TRIED = 500  # lines
#: How to get further: it tells which step of import, fit, save and load fails.
VERIFY = Remedy(kind=RemedyKind.COMMAND, text="envlock verify")
_LONGEST = 160  # characters of an error that are told
_BEFORE = 50_000  # characters before an error that its traceback may have
_AFTER = 4000  # characters: an error's message may have many lines
_MOST = 5  # unusual versions that are told


class _Error(Struct, frozen=True, kw_only=True):
    """The last error of a text: from where its traceback starts to its end."""

    start: int
    end: int
    line: str
    said: str


def unexplained(
    text: str, known: Known, candidates: Sequence[Candidate], ruled_out: Sequence[str] = ()
) -> Finding | None:
    """Return what can be said of an error that no candidate explains; None when there is none.

    ``ruled_out`` are rules whose symptom is in the text, and whose versions
    are not there.
    """
    error = _last_error(text)
    if error is None:
        return None
    symptoms = [each.symptom for each in candidates if each.symptom is not None]
    if any(error.start <= each.end <= error.end for each in symptoms):
        return None
    frame = _last_frame(text[max(0, error.end - _BEFORE) : error.end])
    library = frame["package"] if frame else ""
    place = f" in {library} ({frame['path']}{_number(frame)})" if frame else ""
    name = canonicalize_name(library) if library else None
    return Finding(
        id=UNEXPLAINED,
        title="No rule knows this error",
        severity=Severity.BREAKS,
        because=f"{error.said} was raised{place}, and no rule that envlock has explains it.",
        packages={name: known.versions.get(name)} if name else {},
        cause=None,
        confidence=0.3,
        remedies=(*_ruled_out(ruled_out), *_unusual(candidates), *_missing(error.said), VERIFY),
        evidence=error.line,
    )


def _last_error(text: str) -> _Error | None:
    """The last line that is an exception or crash, or else the last that speaks of an error."""
    spoken: tuple[int, str] | None = None
    for start, line in islice(_backwards(text), _TRIED):
        if _ERROR.match(line):
            return _error(text, start, line)
        if spoken is None and _SAID.match(line):
            spoken = (start, line)
    return None if spoken is None else _error(text, *spoken)


def _error(text: str, start: int, line: str) -> _Error:
    said = " ".join(line.split())
    first = text.find(_TRACEBACK)
    return _Error(
        start=0 if first < 0 else min(first, start),
        end=start + len(line) + _AFTER,
        line=quoted(text, start),
        said=said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…",
    )


def _backwards(text: str) -> Iterator[tuple[int, str]]:
    """The lines that may tell an error, with their places, the last first."""
    words = [word for word in _WORDS if word in text]
    end = len(text)
    while words:
        place = max(text.rfind(word, 0, end) for word in words)
        if place < 0:
            return
        start = text.rfind("\n", 0, place) + 1
        stop = text.find("\n", place)
        yield start, text[start : len(text) if stop < 0 else stop]
        end = start


def _last_frame(text: str) -> re.Match[str] | None:
    return next(iter(deque(_FRAME.finditer(text), maxlen=1)), None)


def _number(frame: re.Match[str]) -> str:
    return f", line {frame['line']}" if frame["line"] else ""


def _ruled_out(rules: Sequence[str]) -> list[Remedy]:
    if not rules:
        return []
    text = (
        f"The words are those of {' and '.join(rules)}, which these versions rule out; "
        "look whether they are the versions of the environment that the text came from."
    )
    return [Remedy(kind=RemedyKind.ADVICE, text=text)]


def _unusual(candidates: Sequence[Candidate]) -> list[Remedy]:
    declared = [each.finding for each in candidates if each.finding.id == CONFLICT]
    return [
        Remedy(kind=RemedyKind.ADVICE, text=f"Unusual here: {each.because}")
        for each in declared[:_MOST]
    ]


def _missing(said: str) -> list[Remedy]:
    module = _MISSING.search(said)
    if module is None:
        return []
    text = (
        f"{module['module']} is not installed in the Python that ran this; another one may have it."
    )
    return [Remedy(kind=RemedyKind.ADVICE, text=text)]
