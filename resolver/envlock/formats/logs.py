"""What programs printed: is a text a log, and does it speak of an error? Pure."""

from __future__ import annotations

import re
from itertools import islice

from envlock import standards
from envlock.errors import UsageError
from envlock.formats.pep508 import meaning
from envlock.formats.requirements import logical_lines, parse_options, split_line

_TROUBLE = re.compile(
    r"Traceback \(most recent call last\)"
    r"|^[ \t]*(?:[\w.]{1,100})?(?:Error|Exception|Warning)\b[^\n]{0,300}:"
    r"|\bERROR\b|\berror:|\.cc:\d{1,9}\]|\bCUDA_ERROR_|\bfatal: "
    r"|\b(?:core dumped|Abort trap|Illegal instruction|Segmentation fault)\b"
    r"|^[ \t]*File \"[^\"\n]+\", line \d+",
    re.MULTILINE,
)
#: One of these is in all that `_TROUBLE` finds, and is looked for thirty times as fast.
_SIGNS = (
    *(
        "Traceback (",
        "Error",
        "Exception",
        "Warning",
        "ERROR",
        "error:",
        'File "',
        ".cc:",
        "fatal: ",
    ),
    *("core dumped", "Abort trap", "Illegal instruction", "Segmentation fault"),
)
#: All that somebody knows of an error: no package is called so.
_ALONE = re.compile(r"(?:[A-Za-z_]\w{0,60}\.)*[A-Z]\w{0,60}(?:Error|Exception|Warning|Interrupt)")
_TRACEBACK = "Traceback (most recent call last):"
_MOST = 50_000  # lines: nobody has so many requirements
_SAMPLED = 1_000_000  # characters, and
_SAMPLE = 60  # lines that are looked at to tell requirements from a log
#: Shares of lines that cannot be requirements, above which a text is a log.
_HALF, _FEW = 0.5, 0.1
_DIRECT = re.compile(
    r"[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?\s*@\s|[a-z][a-z0-9+.-]*://\S+$", re.IGNORECASE
)
_BOUNDED = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?\s*(?:[<>]=?|[=!~]={1,2})\s*[\w.*+!]+")


def in_trouble(text: str) -> bool:
    """Whether a text speaks of an error."""
    return any(sign in text for sign in _SIGNS) and _TROUBLE.search(text) is not None


def is_log(text: str, *, named: bool) -> bool:
    """Whether a text is prose or a log; ``named``: its name says that it is requirements."""
    if text.count("\n") > _MOST or _ALONE.fullmatch(text.strip()):
        return True
    if _TRACEBACK in text and (
        not named or text.startswith(_TRACEBACK) or f"\n{_TRACEBACK}" in text
    ):
        return True
    if "\r" in text:  # of a line that was written over the last is seen, as `clean` has it
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    lines = [line for _, line in islice(logical_lines(text[:_SAMPLED], as_pip=True), _SAMPLE)]
    if not lines:
        return False
    strange = 1 - sum(map(_looks_like_requirement, lines)) / len(lines)
    troubled = in_trouble("\n".join(lines))
    if troubled and strange:  # of two lines one may be a word, which could be a package
        return strange > _FEW if not named else strange >= _HALF
    return strange > _HALF


def _looks_like_requirement(line: str) -> bool:
    """Whether a line could stand in a requirements file."""
    if len(line.partition(" --hash=")[0]) > standards.LONGEST:
        return False
    requirement, rest = split_line(line)
    if not requirement:
        try:
            return bool(parse_options(rest))
        except UsageError:
            return False
    return bool(
        _DIRECT.match(requirement)
        or standards.requirement(requirement) is not None
        or _BOUNDED.match(requirement)
        or meaning(requirement) is not None
    )
