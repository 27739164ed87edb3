"""A traceback that no rule knows: where it comes from, and what is unusual beside it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from envlock.diagnose.rulings import Candidate, quoted
from envlock.findings import CONFLICT, Finding
from envlock.model import Remedy, RemedyKind, Severity
from envlock.rules.check import Known
from envlock.rules.traces import Frame, Raised, blamed, distribution_of, last_raised, raised

UNEXPLAINED = "unexplained"

#: Words of which one is in every line that tells an error without an exception.
_WORDS = (
    *("Segmentation fault", "Illegal instruction", "Aborted", "core dumped", "Killed"),
    *("ERROR: ", "error: ", "FATAL: "),
)
_CRASH = re.compile(
    r".*\b(?:Segmentation fault|Illegal instruction|Aborted|core dumped|Killed)\b.*$"
)
_SAID = re.compile(r"(?:.*?\s)?(?:ERROR|error|FATAL): (?!pip's dependency resolver).+$")
_FILE = re.compile(
    r"(?P<path>(?<![^\s\"'<>(])[^\s\"'<>(]*[/\\](?:site|dist)-packages[/\\][^\s\"':,)]+)"
)
_MISSING = re.compile(r"No module named ['\"]?(?P<module>\w+)(?P<within>(?:\.\w+)*)")

_TRIED = 500  # lines
#: How to get further: it tells which step of import, fit, save and load fails.
VERIFY = Remedy(kind=RemedyKind.COMMAND, text="envlock verify")
_LONGEST = 160  # characters of an error that are told
_AFTER = 4000  # characters: an error's message may have many lines
_MOST = 5  # unusual versions that are told


class _Error(Struct, frozen=True, kw_only=True):
    """The last error of a text: from where its traceback starts to its end.

    ``package`` is the import package whose code raised it, in the file at ``place``.
    """

    start: int
    end: int
    line: str
    said: str
    package: str = ""
    place: str = ""


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
    where = f" in {error.package} ({error.place})" if error.place else ""
    name = distribution_of(error.package) if error.package else None
    return Finding(
        id=UNEXPLAINED,
        title="No rule knows this error",
        severity=Severity.BREAKS,
        because=f"{error.said} was raised{where}, and no rule that envlock has explains it.",
        packages={name: known.versions.get(name)} if name else {},
        cause=None,
        confidence=0.3,
        remedies=(*_ruled_out(ruled_out), *_unusual(candidates), *_missing(error.said), VERIFY),
        evidence=error.line,
    )


def _last_error(text: str) -> _Error | None:
    """The last exception or crash, or else the last line that speaks of an error."""
    found = raised(text)
    last = last_raised(found)
    spoken: tuple[int, str] | None = None
    for start, line in islice(_backwards(text), _TRIED):
        if last is not None and start <= last.at:
            break
        if _CRASH.match(line):
            return _error(text, start, line, found)
        if spoken is None and _SAID.match(line):
            spoken = (start, line)
    if last is not None:
        return _exception(text, last, found)
    return None if spoken is None else _error(text, *spoken, found)


def _exception(text: str, last: Raised, found: Sequence[Raised]) -> _Error:
    end = text.find("\n", last.at)
    error = _error(text, last.at, text[last.at : len(text) if end < 0 else end], found)
    blame = blamed(last)
    if blame is None or not blame.package:
        return error
    return replace(error, package=blame.package, place=_place(blame.frame, last))


def _place(frame: Frame | None, last: Raised) -> str:
    """The file that raised, with its line; or the one that the message names."""
    if frame is not None and frame.package:
        return f"{frame.path}, line {frame.line}" if frame.line else frame.path
    file = _FILE.search(last.message)
    return file["path"] if file else ""


def _error(text: str, start: int, line: str, found: Sequence[Raised]) -> _Error:
    said = " ".join(line.split())
    first = next((each.start for each in found if each.is_error and each.frames), start)
    return _Error(
        start=min(first, start),
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
    name, within = module["module"], module["within"]
    text = f"{name} is not installed in the Python that ran this; another one may have it."
    if within:
        text = (
            f"The {name} that this Python has is without {name}{within}: it is another release than"
            f" the code was written for, or a file of your own is called {name}."
        )
    return [Remedy(kind=RemedyKind.ADVICE, text=text)]
