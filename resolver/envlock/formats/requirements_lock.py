"""requirements.txt: exact pins with hashes, as pip ``--require-hashes`` and uv take them.

A pin is ``name==version`` with hashes and the comments under it; those of
pip-compile and uv are read as well as envlock's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace
from packaging.markers import Marker

from envlock import standards
from envlock.choices import Format
from envlock.formats.comments import remarks, told
from envlock.formats.gathered import Gathered
from envlock.formats.heading import of_pypi
from envlock.formats.pins import read_pin
from envlock.formats.registry import FORMATS
from envlock.formats.together import gather
from envlock.model import Lock, LockedPackage, Part

_INDENT = "    "
_COMMENT = re.compile(r"(?:^|\s)#")


def render(lock: Lock) -> Mapping[str, str]:
    """Write a requirements file for each platform; neither index addresses nor options."""
    row, alone = FORMATS[Format.REQUIREMENTS], len(lock.parts) == 1
    return {row.filename_for(each, alone=alone): text_of(lock, each) for each in lock.parts}


def text_of(lock: Lock, part: Part) -> str:
    """Return the hashed requirements of one platform, which an installer takes."""
    return _text(lock, [part], ((package, None) for package in told(lock, part)))


def together(lock: Lock) -> str:
    """Return the hashed requirements of all platforms, each with a marker where not all have it.

    Raises:
        UsageError: the parts are not each for a platform, or not for one Python.
    """
    parts = tuple(replace(part, pypi=tuple(told(lock, part))) for part in lock.parts)
    return _text(lock, parts, gather(replace(lock, parts=parts)))


def _text(
    lock: Lock, parts: Sequence[Part], pins: Iterable[tuple[LockedPackage, Marker | None]]
) -> str:
    lines = of_pypi(lock, parts)
    for package, marker in pins:
        lines += _pin(package, marker)
        lines += remarks(package, lock.reasons, indent=_INDENT)
    return "\n".join(lines) + "\n"


def _pin(package: LockedPackage, marker: Marker | None) -> list[str]:
    """Write the requirement and its hashes: every line but the last goes on after a backslash.

    A comment may follow only a line that does not go on: pip joins lines
    before it drops comments.
    """
    words = [
        f"{package.name}=={package.version}{f' ; {marker}' if marker else ''}",
        *(f"{_INDENT}--hash={each}" for each in sorted(package.hashes)),
    ]
    return [*(f"{word} \\" for word in words[:-1]), words[-1]]


def read(name: str, text: str, gathered: Gathered) -> None:
    """Read exact pins, their hashes and the comments under them.

    Raises:
        UsageError: a line is none; says which.
    """
    wishes: list[tuple[str, str, list[str]]] = []
    for number, line in _joined(text):
        wish, *comment = _COMMENT.split(line, maxsplit=1)
        if wish.strip():
            wishes.append((f"{name}:{number}", wish.strip(), []))
        if wishes:
            wishes[-1][-1].extend(comment)
        standards.refuse_crowd(name, len(wishes))
    for pin in [read_pin(*each) for each in wishes]:
        gathered.pin(pin)


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Give each line with its number, joined as pip joins them: a comment always ends one."""
    parts: list[str] = []
    start = 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start if parts else number
        comment = line.lstrip().startswith("#")
        goes_on = line.endswith("\\") and not comment
        parts.append(line[:-1] if goes_on else f" {line}" if comment else line)
        if not goes_on:
            yield start, "".join(parts)
            parts = []
    if parts:
        yield start, "".join(parts)
