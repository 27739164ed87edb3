"""A traceback that no rule knows: where it comes from, and what is unusual beside it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName, canonicalize_name

from envlock.causes import Cause
from envlock.diagnose.rulings import Ruling, quoted
from envlock.findings import CONFLICT, Finding
from envlock.model import Remedy, RemedyKind, Severity
from envlock.rules.check import Known
from envlock.rules.frameworks import families, frameworks
from envlock.rules.traces import (
    Blame,
    Frame,
    Raised,
    blamed,
    distribution_of,
    last_raised,
    raised,
    top_of,
)

UNEXPLAINED = "unexplained"

#: Words of which one is in every line that tells an error without an exception.
_WORDS = (
    *("Segmentation fault", "Illegal instruction", "Aborted", "core dumped", "Killed"),
    *("ERROR: ", "error: ", "FATAL: ", "OP_REQUIRES failed", "Abort trap", ".cc:"),
)
_CRASH = re.compile(
    r".*\b(?:Segmentation fault|Illegal instruction|Aborted|core dumped|Killed)\b.*$"
)
_SAID = re.compile(
    r"(?:.*?\s)?(?:ERROR|error|FATAL): (?!pip's dependency resolver).+$"
    r"|.*?OP_REQUIRES failed at .+$|.*?Abort trap: \d.*$"
    # The errors of TensorFlow's own log, in its old form and in the new one.
    r"|(?:[^\n]{0,60}: )?[EF](?:\d{4} [\d:. ]{8,40})? ?[\w./-]{1,200}\.cc:\d+\] .+$"
)
#: What only code and its data raise: the first also where a package was asked for something.
_OF_DATA = frozenset(
    (
        *("KeyError", "FileNotFoundError", "NotADirectoryError", "IsADirectoryError"),
        *("UnicodeDecodeError", "UnicodeEncodeError", "JSONDecodeError", "EmptyDataError"),
        *("ParserError", "FileExistsError"),
    )
)
_OF_CODE = frozenset(
    (
        *("IndexError", "NameError", "UnboundLocalError", "ZeroDivisionError", "SyntaxError"),
        *("IndentationError", "TabError", "RecursionError", "EOFError", "StopIteration"),
        *("OverflowError", "BrokenPipeError"),
    )
)
_OF_IMPORT = re.compile(
    rf"ImportError|ModuleNotFoundError|ERROR: |undefined symbol|{_CRASH.pattern}"
)
_OF_TYPES = frozenset(("TypeError", "AttributeError", "ValueError", "AssertionError"))
_OF_VALUES = re.compile(
    r"\A\Z|'?NoneType'? object|unsupported operand type|can only concatenate|must be str, not"
    r"|string indices must be|list indices must be|tuple indices must be|object is not (?:callable"
    r"|iterable|subscriptable)|object does not support item assignment|invalid literal for int"
    r"|not enough values to unpack|too many values to unpack|'(?:int|float|str|list|dict|tuple)'"
    r" object has no attribute|unhashable type|The truth value of an array"
)
_FILE = re.compile(
    r"(?P<path>(?<![^\s\"'<>(])[^\s\"'<>(]*[/\\](?:site|dist)-packages[/\\][^\s\"':,)]+)"
)
_MISSING = re.compile(
    r"No module named ['\"]?(?P<module>\w+)(?P<within>(?:\.\w+)*)"
    r"|module ['\"]?(?P<owner>\w+)(?P<path>(?:\.\w+)*)['\"]? has no attribute ['\"]?(?P<name>\w+)"
    r"|cannot import name ['\"](?P<part>\w+)['\"] from ['\"](?P<origin>\w+)(?P<inner>(?:\.\w+)*)"
)

_TRIED = 500  # lines
#: How to get further: it tells which step of import, fit, save and load fails.
VERIFY = Remedy(kind=RemedyKind.COMMAND, text="envlock verify")
_LONGEST = 160  # characters of an error that are told
_BEFORE = 2000  # characters: a program says why it crashes before it does
_AFTER = 4000  # characters: an error's message may have many lines
_MOST = 5  # unusual versions that are told


class _Error(Struct, frozen=True, kw_only=True):
    """The last error of a text: from where its traceback starts to its end.

    ``package`` is the import package whose code raised it, in the file at ``place``; ``own``
    says that it is what code of the user's own raises, by its kind and by who raised it,
    ``spoken`` that it is a line which speaks of one, and no exception or crash.
    """

    start: int
    end: int
    line: str
    said: str
    package: str = ""
    place: str = ""
    own: bool = False
    spoken: bool = False


def unexplained(
    text: str,
    known: Known,
    candidates: Sequence[Ruling],
    ruled_out: Sequence[str] = (),
    packages: Collection[str] = (),
) -> Finding | None:
    """Return what can be said of an error that no candidate explains; None when there is none.

    ``ruled_out`` are rules whose symptom is in the text, and whose versions
    are not there, ``packages`` those that rules speak of: what another one
    raises says little of the environment.
    """
    error = _last_error(text)
    if error is None:
        return None
    symptoms = [each.symptom for each in candidates if each.symptom is not None]
    if any(error.start <= each.end <= error.end or error.spoken for each in symptoms):
        return None
    if error.own:
        return _of_code(error)
    where = f" in {error.package} ({error.place})" if error.place else ""
    name = distribution_of(error.package) if error.package else None
    return Finding(
        id=UNEXPLAINED,
        title="No rule knows this error",
        severity=_severity(error, name, packages),
        because=f"{error.said} was raised{where}, and no rule that envlock has explains it.",
        packages={name: known.versions.get(name)} if name else {},
        cause=None,
        confidence=0.3,
        remedies=(
            *_ruled_out(ruled_out),
            *_unusual(candidates),
            *_missing(error.said),
            *_crashed(error.said),
            VERIFY,
        ),
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
            error = _error(text, start, line, found)
            return replace(error, start=max(0, error.start - _BEFORE))
        if spoken is None and _SAID.match(line):
            spoken = (start, line)
    if last is not None:
        return _exception(text, last, found)
    return None if spoken is None else replace(_error(text, *spoken, found), spoken=True)


def _exception(text: str, last: Raised, found: Sequence[Raised]) -> _Error:
    end = text.find("\n", last.at)
    line = text[last.at : len(text) if end < 0 else end]
    error = _error(text, last.at, line, found)
    error = replace(error, spoken=not last.type.endswith(("Error", "Exception", "Interrupt")))
    blame = blamed(last)
    if _is_of_code(last, blame):
        frame = next((each for each in reversed(last.frames) if each.is_user), None)
        place = f"{frame.path}, line {frame.line}" if frame is not None and frame.line else ""
        return replace(error, place=place, own=True)
    if blame is None or not blame.package:
        own, _, name = last.type.rpartition(".")
        return replace(error, package=top_of(own)) if own and name else error
    return replace(error, package=blame.package, place=_place(blame.frame, last))


def _severity(error: _Error, name: NormalizedName | None, packages: Collection[str]) -> Severity:
    """Whether an import or a package that rules speak of failed: the rest may be anything."""
    sound = not _OF_IMPORT.search(error.said) and name not in packages
    return Severity.DEGRADES if sound else Severity.BREAKS


def _is_of_code(last: Raised, blame: Blame | None) -> bool:
    """Whether an exception is of a kind that only the code and its data bring about."""
    name = last.type.rpartition(".")[2]
    if blame is not None and blame.package:
        return name in _OF_DATA and blame.distribution not in _frameworks()
    values = name in _OF_TYPES and blame is not None and _OF_VALUES.search(last.message)
    return name in _OF_DATA or name in _OF_CODE or bool(values)


@cache
def _frameworks() -> frozenset[str]:
    """The distributions that raise such a thing when versions do not fit, too."""
    names = (*(each.name for each in frameworks()), "keras", "tf-keras", "h5py")
    return frozenset(m for name in names for m in families().members(canonicalize_name(name)))


def _of_code(error: _Error) -> Finding:
    place = f" in {error.place}" if error.place else ""
    look = f"Look at {error.place}" if error.place else "Look at the line that raised it"
    return Finding(
        id=UNEXPLAINED,
        title="No version is to blame for this",
        severity=Severity.DEGRADES,
        because=f"{error.said} was raised{place}, by what the code does with its data; every"
        " release of every package would do so.",
        packages={},
        cause=Cause.CODE,
        confidence=0.6,
        remedies=(
            Remedy(kind=RemedyKind.ADVICE, text=f"{look}, and at what it was given."),
            Remedy(
                kind=RemedyKind.ADVICE,
                text="Put python -m pdb -c continue before the script's name: it stops there.",
            ),
        ),
        evidence=error.line,
    )


def _crashed(said: str) -> list[Remedy]:
    if _CRASH.match(said) is None:
        return []
    text = (
        "Start it with python -X faulthandler, which shows the line of Python that it crashed in."
    )
    return [Remedy(kind=RemedyKind.ADVICE, text=text)]


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


def _unusual(candidates: Sequence[Ruling]) -> list[Remedy]:
    declared = [each.finding for each in candidates if each.finding.id == CONFLICT]
    return [
        Remedy(kind=RemedyKind.ADVICE, text=f"Unusual here: {each.because}")
        for each in declared[:_MOST]
    ]


def _missing(said: str) -> list[Remedy]:
    module = _MISSING.search(said)
    if module is None:
        return []
    name = module["module"] or module["owner"] or module["origin"]
    ends = f"{module['path'] or module['inner'] or ''}.{module['name'] or module['part']}"
    within = module["within"] if module["module"] else ends
    text = f"{name} is not installed in the Python that ran this; another one may have it."
    if within:
        text = (
            f"The {name} that this Python has is without {name}{within}: it is another release than"
            f" the code was written for, or a file of your own is called {name}."
        )
    where = f'python -c "import {name}; print({name}.__file__)"'
    check = [Remedy(kind=RemedyKind.COMMAND, text=where)] if within else []
    return [*check, Remedy(kind=RemedyKind.ADVICE, text=text)]
