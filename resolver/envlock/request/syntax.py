"""One requirement as text → `Requirement`, or a `UsageError` in words. Pure.

Every requirement comes in through `parse_requirement`, wherever it was
written, so that none can carry an option, a place or a line break to a solver.
"""

from __future__ import annotations

import re
import unicodedata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envlock import standards
from envlock.errors import UsageError
from envlock.request.parsed import safe, shown
from envlock.request.places import address_fault, refuse_places

_EXAMPLE = 'write it like "numpy>=1.22,<2" or "numpy==1.22.*"'
_VARIABLE = re.compile(r"\$\{[A-Za-z0-9_]+\}")
_OPTION = re.compile(r"(?:^|\s)(-\S*)")
_TYPED = re.compile(
    r"-[rcif]\b|--(?:requirement|constraint|(?:extra-)?index-url|find-links|no-index|trusted-host)\b"
)
_INTERPRETER = re.compile(r"python(?:[\s=<>~!]+(\d[\d.]*)\S*)?", re.IGNORECASE)


def parse_requirement(text: str) -> Requirement:
    """Parse one PEP 508 requirement on a package of an index.

    Raises:
        UsageError: it is malformed, holds an option, a variable or a character
            that cannot be seen, or names a file, an address or the interpreter.
    """
    text = text.strip(" \t")
    _refuse_unreadable(text)
    _refuse_smuggled(text)
    refuse_places(text)
    try:
        requirement = Requirement(text)
    except (InvalidRequirement, RecursionError) as error:  # packaging before 26.4 has no depth
        raise _malformed(text, error) from None
    if requirement.url is not None:
        raise _hint(text, text.index("@") + 1) or address_fault(text)
    if canonicalize_name(requirement.name) == "python":
        raise _interpreter(text)
    if requirement.marker is not None and standards.requirement(text) is None:
        raise UsageError(
            f"{shown(text)} is not a requirement: its marker holds a backslash or a quote, and"
            " would read otherwise when it is written again",
            _suggest(text.partition(";")[0].strip()),
        )
    return requirement


def _malformed(text: str, error: InvalidRequirement | RecursionError) -> UsageError:
    """Say in words what packaging found wrong, and where.

    Its text is the reason, then the requirement and a caret below the first
    character that does not fit, both indented by four; or the reason alone.
    """
    if _INTERPRETER.fullmatch(text):
        return _interpreter(text)
    if isinstance(error, RecursionError) or "nested more than" in str(error):
        return UsageError(
            f"{shown(text)} is not a requirement: its parentheses are nested too deeply", _EXAMPLE
        )
    reason, *_, caret = (*str(error).splitlines(), "")[:3]
    position = caret.index("^") - 3 if "^" in caret else 1
    why = reason[:1].lower() + reason[1:]
    return _hint(text, position) or UsageError(
        f"{shown(text)} is not a requirement: {why} at character {position}", _EXAMPLE
    )


def is_malformed(text: str) -> bool:
    """Whether a text is no PEP 508 requirement, whatever it asks for."""
    return standards.requirement(text) is None


def _hint(text: str, position: int) -> UsageError | None:
    from envlock.request.hints import (  # noqa: PLC0415  (3 ms of patterns, only errors hint)
        plainly,
    )

    meant = plainly(text)
    if meant is None:
        return None
    plain, why = meant
    return UsageError(
        f"{shown(text)} is not a requirement: {why} (character {position})", _suggest(plain)
    )


def _suggest(text: str) -> str:
    """Return a remedy: this text if it would be taken, or else the form it has."""
    try:
        parse_requirement(text)
    except UsageError:
        return _EXAMPLE
    return f"write {shown(text)}"


def _refuse_unreadable(text: str) -> None:
    if not text:
        raise UsageError('"" is not a requirement: it is empty', _EXAMPLE)
    if len(text) > standards.LONGEST:
        raise UsageError(
            f"{shown(text)} is not a requirement: it has {len(text)} characters", _EXAMPLE
        )
    for position, character in enumerate(text, 1):
        if not character.isprintable() and character != "\t":
            name = unicodedata.name(character, "a control character")
            seen = "".join(c if c.isprintable() else " " * c.isspace() for c in text)
            raise UsageError(
                f"{shown(text)} is not a requirement:"
                f" character {position} is U+{ord(character):04X} ({name})",
                _suggest(seen.strip()),
            )


def _refuse_smuggled(text: str) -> None:
    option = _OPTION.search(text)
    if option is not None and option.start() == 0:
        raise UsageError(
            f"{shown(text)} is an option, not a requirement",
            f"type it as words of its own: {safe(text)}" if _TYPED.match(text) else "leave it out",
        )
    if option is not None:
        raise UsageError(
            f"{shown(text)} carries the option {shown(option[1])}:"
            " a requirement passes none to pip",
            _suggest(text[: option.start()].strip()),
        )
    variable = _VARIABLE.search(text)
    if variable is not None:
        raise UsageError(
            f"{shown(text)} holds {variable[0]}:"
            " envlock puts no environment variable in the place of ${…}",
            f"write the value of {variable[0]} out",
        )


def _interpreter(text: str) -> UsageError:
    version = _INTERPRETER.fullmatch(text.partition(";")[0].strip())
    wanted = (version and version[1]) or "3.11"
    return UsageError(
        f"{shown(text)} asks for the interpreter, which is not a package",
        f"leave it out and choose the interpreter with --python {wanted}",
    )
