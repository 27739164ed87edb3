"""The first comments of a lock, written and read back side by side. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from envlock.errors import UsageError
from envlock.formats.channel_words import strip_channel
from envlock.formats.comments import one_line
from envlock.formats.conda_spec import parse_spec
from envlock.formats.selectors import selected, selector
from envlock.model import CondaSpec, Lock, Part

_SAID = re.compile(
    r"# (made by|request|verified(?: \S+)?|environment|channels|platform|asked for|note"
    r"|virtual \S+):(?: (.*))?"
)
_TARGET = re.compile(r"# python (?P<python>\S+) on (?P<platform>\S+)")
_INDEXES = re.compile(r"# indexes: (?P<indexes>.*) \((?P<index_strategy>[a-z-]+)\)")
_ASKED = re.compile(r"(?P<spec>.*?)(?:  # \[(?P<only>[^\]]*)\])?(?:  # (?P<origin>.*))?")
_NONE = "nodefaults"
#: More platforms than there are: what says so is not envlock's.
_MOST = 64


class Heading(Struct, kw_only=True):
    """What the first comments of a lock say; empty where they do not.

    ``ours`` says that envlock wrote them: what is empty then is meant so.
    ``targets`` are the Pythons and envlock's names of the platforms of pip's
    packages, ``subdir`` is conda's name of the only one; what is ``verified``
    stands under the platform, or "" where there is one.
    """

    ours: bool = False
    command: str = ""
    request_digest: str = ""
    verified: dict[str, str] = field(default_factory=dict)
    targets: list[tuple[str, str]] = field(default_factory=list)
    subdir: str = ""
    name: str = ""
    channels: tuple[str, ...] = ()
    nodefaults: bool = False
    virtual: dict[str, tuple[str, ...]] = field(default_factory=dict)
    requested: list[CondaSpec] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    indexes: tuple[str, ...] = ()
    index_strategy: str = ""

    @property
    def target(self) -> tuple[str, str]:
        """The Python and the platform, both "" unless there is one."""
        return self.targets[0] if len(self.targets) == 1 else ("", "")

    @property
    def several(self) -> Mapping[str, str]:
        """The platforms of pip's packages, each with its Python, where they are several."""
        return {platform: python for python, platform in self.targets[:_MOST] if self.targets[1:]}


def of_pypi(lock: Lock, parts: Sequence[Part]) -> list[str]:
    """Return the lines that Python packages start with: how to make them again, and for what."""
    lines = [
        f"# made by: {lock.command}",
        *(f"# python {part.python} on {part.platform}" for part in parts),
        *([f"# request: {lock.request_digest}"] if lock.request_digest else []),
        *(
            f"# verified{f' {part.platform}' if len(parts) > 1 else ''}: {part.verified}"
            for part in parts
            if part.verified
        ),
        *([f"# indexes: {' '.join(lock.indexes)} ({lock.index_strategy})"] if lock.indexes else []),
        *(f"# note: {note}" for note in lock.notes),
    ]
    return [one_line(line) for line in lines]


def of_conda(lock: Lock, parts: Iterable[Part], *, native: bool = False) -> list[str]:
    """Return the lines that conda's packages start with: how to make them again, and from what.

    ``native`` says that the format itself has keys for the name and channels.
    """
    parts = tuple(parts)
    lines = [f"# made by: {lock.command}", f"# request: {lock.request_digest}"]
    if not native:
        words = [*channel_words(lock), *([_NONE] if lock.nodefaults else [])]
        lines += [f"# environment: {lock.name}", f"# channels: {' '.join(words)}"]
    if len(parts) == 1:
        lines.append(f"# platform: {parts[0].subdir}")
    lines += (f"# verified {p.subdir}: {p.verified}" for p in parts if p.verified)
    lines += (f"# virtual {p.subdir}: {'; '.join(p.virtual)}" for p in parts if p.virtual)
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
        if match := _SAID.fullmatch(line):
            _take(found, match[1], match[2] or "")
        elif match := _TARGET.fullmatch(line):
            found.targets.append((match["python"], match["platform"]))
        elif match := _INDEXES.fullmatch(line):
            found.indexes = tuple(map(one_line, match["indexes"].split()))
            found.index_strategy = match["index_strategy"]
    return found


def _take(found: Heading, key: str, value: str) -> None:
    match key:
        case "made by":
            found.command, found.ours = value, True
        case "request":
            found.request_digest = value
        case "environment":
            found.name = value
        case "platform":
            found.subdir = value
        case "note":
            found.notes.append(value)
        case "channels":
            words = value.split()
            found.nodefaults = _NONE in words
            found.channels = tuple(word for word in words if word != _NONE)
        case "asked for":
            found.requested += _asked(value)
        case _ if key.startswith("verified"):
            found.verified[key.removeprefix("verified").strip()] = value
        case _:
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


def channel_words(lock: Lock) -> list[str]:
    """Return the channels as they were written, without credentials; variables stay."""
    return [strip_channel(word) for word in lock.channels]
