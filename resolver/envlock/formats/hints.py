"""How people write requirements that are none, and what they mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from envlock import standards

_NAME = r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?:\s*\[[^\]]*\])?)"
_VERSION = r"v?(?P<version>\d[\w.*+!]*)"
_BOUND = r"(?:[<>]=?|[!=~]=)\s*\d"
_QUOTES = "\"'\u201c\u201d\u2018\u2019"
_PATCH = 2  # dots in X.Y.Z


class _Habit(Struct, frozen=True):
    """A way of writing, what pip writes, and a sentence that tells them apart."""

    pattern: re.Pattern[str]
    plain: str | Callable[[re.Match[str]], str]
    cause: str


def _exact(match: re.Match[str]) -> str:
    """With two numbers a minor release is meant, with three a release."""
    name, version = match["name"], match["version"]
    wild = "" if version.endswith("*") or version.count(".") >= _PATCH else ".*"
    return f"{name}=={version}{wild}"


def _caret(match: re.Match[str]) -> str:
    """Poetry's: the first number that is not zero stays."""
    version = standards.version(match["version"])
    if version is None:
        return match[0]
    release = version.release
    upper = f"{release[0] + 1}" if release[0] or len(release) == 1 else f"0.{release[1] + 1}"
    return f"{match['name']}>={match['version']},<{upper}"


def _tilde(match: re.Match[str]) -> str:
    """Poetry's and npm's: the last of three numbers may grow."""
    name, version = match["name"], match["version"]
    return f"{name}~={version}" if version.count(".") >= _PATCH else f"{name}=={version}.*"


def _habit(pattern: str, plain: str | Callable[[re.Match[str]], str], cause: str) -> _Habit:
    return _Habit(re.compile(pattern), plain, cause)


_HABITS = (
    _habit(rf"^[{_QUOTES}](.*)[{_QUOTES}]$", r"\1", "the quotes are a part of it"),
    _habit(r"\s*,\s*$", "", "it ends in a comma"),
    _habit("≥", ">=", 'pip writes ">="'),
    _habit("≤", "<=", 'pip writes "<="'),
    _habit(r"(?<![<>=!~])=\s*([<>~!])(?!=)", r"\1=", 'the "=" of an operator comes last'),
    _habit(r"([<>])==", r"\1=", 'one "=" follows "<" or ">"'),
    _habit(r"([<>!~=])\s+=", r"\1=", "an operator is written without a space"),
    _habit(rf"^{_NAME}\s*=\s*{_VERSION}(?:=\S+)?$", _exact, 'pip writes "==" for conda\'s "="'),
    _habit(rf"^{_NAME}\s+{_VERSION}$", _exact, "there is no operator before the version"),
    _habit(r"\s*[=@:]+\s*latest$", "", "a name alone takes the newest release"),
    _habit(r"\s*[<>=!~]+$", "", "no version follows the operator"),
    _habit(rf"^{_NAME}\s*[@:]\s*{_VERSION}$", _exact, '"==" comes before a version'),
    _habit(rf"^{_NAME}\s*\^\s*{_VERSION}$", _caret, 'pip has no "^"'),
    _habit(rf"^{_NAME}\s*~\s*{_VERSION}$", _tilde, 'pip has no "~" without "="'),
    _habit(rf"^{_NAME}\s*~=\s*(?P<version>\d+)$", _tilde, '"~=" needs two numbers or more'),
    _habit(rf"({_BOUND}[\w.*+!]*)\s*(?={_BOUND})", r"\1,", "there is no comma between two bounds"),
    _habit(r"(?<=\d)\.[xX]\b", ".*", 'pip writes ".*" for any number'),
    _habit(r"((?:[<>]=?|~=)\s*\d[\w.]*?)\.\*", r"\1", '".*" goes with "==" and "!=" only'),
)
_UNQUOTED = re.compile(r"(python_(?:full_)?version\s*[<>=!~]+\s*)(\d[\d.]*)")


def plainly(text: str) -> tuple[str, str] | None:
    """Return a well-formed requirement that ``text`` may mean, and why it is none.

    None when no habit is known that makes it one.
    """
    if len(text) > standards.LONGEST:
        return None
    head, _, marker = text.partition(";")
    head, causes = _habits(head.strip())
    quoted = _UNQUOTED.sub(r"\1'\2'", marker.strip())
    if quoted != marker.strip():
        causes.append("the value in a marker is in quotes")
    elif ";" in text and not quoted:
        causes.append('nothing follows ";"')
    plain = f"{head}; {quoted}" if quoted else head
    meant = standards.requirement(plain)
    if meant is None or not causes or meant.url:
        return None
    return plain.replace('"', "'"), "; ".join(causes)


def _habits(head: str) -> tuple[str, list[str]]:
    causes: list[str] = []
    for habit in _HABITS:
        plain = habit.pattern.sub(habit.plain, head)
        if plain != head:
            head = plain
            causes.append(habit.cause)
    return head, causes
