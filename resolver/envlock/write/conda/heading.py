"""The first comments of a conda lock, written and read back side by side. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct, field

from envlock.conda.values import CondaLock, CondaPlatformLock, CondaSpec
from envlock.errors import UsageError
from envlock.formats.conda_spec import parse_spec
from envlock.formats.selectors import selected, selector
from envlock.write.channel_words import strip_channel
from envlock.write.comments import one_line

_SAID = re.compile(
    r"# (made by|request|environment|channels|platform|asked for|note|virtual \S+):(?: (.*))?"
)
_ASKED = re.compile(r"(?P<spec>.*?)(?:  # \[(?P<only>[^\]]*)\])?(?:  # (?P<origin>.*))?")
_NONE = "nodefaults"


class Heading(Struct, kw_only=True):
    """What the first comments of a conda lock say; empty where they do not.

    ``ours`` says that envlock wrote them: what is empty then is meant so.
    """

    ours: bool = False
    command: str = ""
    request_digest: str = ""
    name: str = ""
    channels: tuple[str, ...] = ()
    nodefaults: bool = False
    platform: str = ""
    virtual: dict[str, tuple[str, ...]] = field(default_factory=dict)
    requested: list[CondaSpec] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def heading(
    lock: CondaLock, platforms: Iterable[CondaPlatformLock], *, native: bool = False
) -> list[str]:
    """Return the comments a lock starts with: how to make it again, and what was asked for.

    ``native`` says that the format itself has keys for the name and channels.
    """
    platforms = tuple(platforms)
    lines = [f"# made by: {lock.command}", f"# request: {lock.request_digest}"]
    if not native:
        words = [*channel_words(lock), *([_NONE] if lock.nodefaults else [])]
        lines += [f"# environment: {lock.name}", f"# channels: {' '.join(words)}"]
    if len(platforms) == 1:
        lines.append(f"# platform: {platforms[0].subdir}")
    lines += (f"# virtual {p.subdir}: {'; '.join(p.virtual)}" for p in platforms if p.virtual)
    lines = [one_line(line) for line in lines]
    for spec in lock.requested:
        only = f"  # [{selector(spec.only)}]" if spec.only else ""
        lines.append(f"# asked for: {one_line(str(spec))}{only}  # {one_line(spec.origin)}")
    return [*lines, *(one_line(f"# note: {note}") for note in lock.notes)]


def read_heading(lines: Iterable[str]) -> Heading:
    """Read the comments before the first other line."""
    found = Heading()
    for line in lines:
        if not line.startswith("#"):
            break
        match = _SAID.fullmatch(line)
        if match is not None:
            _take(found, match[1], match[2] or "")
    return found


def _take(found: Heading, key: str, value: str) -> None:
    if key == "made by":
        found.command = value
        found.ours = True
    elif key == "request":
        found.request_digest = value
    elif key == "environment":
        found.name = value
    elif key == "platform":
        found.platform = value
    elif key == "note":
        found.notes.append(value)
    elif key == "channels":
        words = value.split()
        found.nodefaults = _NONE in words
        found.channels = tuple(word for word in words if word != _NONE)
    elif key == "asked for":
        found.requested += _asked(value)
    else:
        found.virtual[key.removeprefix("virtual ")] = tuple(value.split("; "))


def _asked(value: str) -> list[CondaSpec]:
    match = _ASKED.fullmatch(value)
    if match is None:
        return []
    only = selected(match["only"] or "") or ()
    try:
        return [parse_spec(match["spec"], origin=match["origin"] or "command line", only=only)]
    except UsageError:
        return []


def channel_words(lock: CondaLock) -> list[str]:
    """Return the channels as they were written, without credentials; variables stay."""
    return [strip_channel(word) for word in lock.channels]
