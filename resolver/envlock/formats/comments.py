"""The comments of a lock, written and read back side by side so that they agree.

A comment is one line whatever a name, a note or a reason holds: a line break
in one of them would otherwise end the comment and become a requirement.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from envlock.index.redact import redact
from envlock.model import Lock, LockedPackage, Part, RuleId

_WIDTH = 100
_BECAUSE = re.compile(r"because ([^\s:]+)(?:: (.*))?")
_FROM = re.compile(r"from ((?:https?|file):\S+)")


_VERSION = re.compile(r"\d+(\.\d+){0,2}")
#: Options that no lock is made again with: they start, delete or trust what the lock would choose.
_NEVER_WRITTEN = frozenset(
    {
        *("-p", "--probe", "--env", "--force", "--trusted-host"),
        *("--cert", "--client-cert", "--keyring-provider"),
    }
)


def one_line(text: str) -> str:
    """Put a text on one line of printable characters, without credentials."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    return redact(" ".join(printable.split()), certain=True)


def own_command(text: str) -> str:
    """Return the command that a lock says made it where it can be proposed, or else "".

    Who types it does what a lock says, and that may be a stranger's: so it is
    envlock's own words for a lock, quoted for a shell, and starts no program
    that it names.
    """
    try:
        words = shlex.split(text)
    except ValueError:
        return ""
    if words[:1] != ["envlock"] or words[1:2] not in (["lock"], ["create"], ["docker"], ["export"]):
        return ""
    options = {word.partition("=")[0] for word in words}
    programs = [value for option, value in pairwise(words) if option == "--python"]
    if options & _NEVER_WRITTEN or not all(map(_VERSION.fullmatch, programs)):
        return ""
    return text if shlex.join(words) == text else ""


class Explained(Protocol):
    """A pin that says who asked for it and which rules moved it."""

    @property
    def via(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def because(self) -> tuple[RuleId, ...]: ...  # noqa: D102


def told(lock: Lock, part: Part) -> list[LockedPackage]:
    """Return the Python packages by name, with the index of each only where several were asked."""
    packages = sorted(part.pypi, key=attrgetter("name"))
    return packages if lock.indexes else [replace(package, index="") for package in packages]


def remarks(package: Explained, reasons: Mapping[RuleId, str], *, indent: str) -> list[str]:
    """Say who asked for a package, which rules moved it and where it came from, as comments."""
    via = sorted(map(one_line, package.via))
    lines = [f"{indent}# via {', '.join(via)}"] if via else []
    if any(len(line) > _WIDTH or "," in each for line in lines for each in via):
        lines = [f"{indent}# via", *(f"{indent}#   {each}" for each in via)]
    for rule in sorted(package.because):
        reason = f": {reasons[rule]}" if reasons.get(rule) else ""
        lines.append(f"{indent}{one_line(f'# because {rule}{reason}')}")
    if isinstance(package, LockedPackage) and package.index:
        lines.append(f"{indent}{one_line(f'# from {package.index}')}")
    return lines


class Remarks(Struct, frozen=True, kw_only=True):
    """What the comments under a pin say."""

    via: tuple[str, ...]
    because: Mapping[RuleId, str]
    index: str


def read_remarks(comments: Sequence[str]) -> Remarks:
    """Read the comments under a pin.

    ``comments`` are the texts after each ``#``. The styles of pip-compile
    (lines and split) and uv are read too.
    """
    via: list[str] = []
    because: dict[RuleId, str] = {}
    index = ""
    listing = False
    for comment in comments:
        text = comment.strip()
        if listing and comment.startswith("   "):
            via.append(text)
            continue
        listing = text == "via"
        if text.startswith("via "):
            via += text.removeprefix("via ").split(", ")
        elif match := _BECAUSE.fullmatch(text):
            because[RuleId(match[1])] = match[2] or ""
        elif match := _FROM.fullmatch(text):
            index = match[1]
    return Remarks(via=tuple(sorted(via)), because=because, index=index)
