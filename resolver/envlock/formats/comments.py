"""The comments of a lock and its heading, written and read back side by side so that they agree.

A comment is one line whatever a name, a note or a reason holds: a line break
in one of them would otherwise end the comment and become a requirement.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from operator import attrgetter
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.version import Version

from envlock import standards
from envlock.builds import Built
from envlock.conda.channels import strip_channel
from envlock.errors import UsageError
from envlock.formats.conda_spec import parse_spec, selected, selector
from envlock.index.secrets import redact
from envlock.model import CondaSpec, Lock, LockedPackage, Part, Recorded, Requested, RuleId

_WIDTH = 100
_BECAUSE = re.compile(r"because ([^\s:]+)(?:: (.*))?")
_BUILT = re.compile(r"built with((?: [a-z0-9]+(?:-[a-z0-9]+)*==[A-Za-z0-9.!+]+)+)")
_MENDED = re.compile(r"mended (.+?) ->(?: (.+))?")
_WAS_BUILT = "(built)"
_IS = re.compile(r"is ([a-z0-9]+(?:-[a-z0-9]+)*) (\S+?)(?: of (\S+))?( \(built\))?")
_FROM = re.compile(r"from ((?:https?|file):\S+)")
_VERSION = re.compile(r"\d+(\.\d+){0,2}")
#: Options that no lock is made again with: they start, delete or trust what the lock would choose.
_NEVER_WRITTEN = frozenset(
    {
        *("-p", "--probe", "--env", "--force", "--trusted-host"),
        *("--cert", "--client-cert", "--keyring-provider"),
    }
)
_SAID = re.compile(
    r"# (made by|request|content|requirement|constraint|verified(?: \S+)?|environment|channels"
    r"|platform|sets|asked for|note|virtual \S+|with [a-z-]+):(?: (.*))?"
)
_TARGET = re.compile(r"# python (?P<python>\S+) on (?P<platform>\S+)")
_INDEXES = re.compile(r"# indexes: (?P<indexes>.*) \((?P<index_strategy>[a-z-]+)\)")
_ASKED = re.compile(r"(?P<spec>.*?)(?:  # \[(?P<only>[^\]]*)\])?(?:  # (?P<origin>.*))?")
_NONE = "nodefaults"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: More platforms than there are: what says so is not envlock's.
_MOST = 64


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


class WithReasons(Protocol):
    """A pin that says who asked for it and which rules moved it."""

    @property
    def via(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def because(self) -> tuple[RuleId, ...]: ...  # noqa: D102


def told(lock: Lock, part: Part) -> list[LockedPackage]:
    """Return the Python packages by name, with the index of each only where several were asked."""
    packages = sorted(part.pypi, key=attrgetter("name"))
    return packages if lock.indexes else [replace(package, index="") for package in packages]


def remarks(package: WithReasons, reasons: Mapping[RuleId, str], *, indent: str) -> list[str]:
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
    if isinstance(package, LockedPackage) and package.direct is not None:
        of = f" of {package.direct.revision}" if package.direct.revision else ""
        built = f" {_WAS_BUILT}" if package.built is not None else ""
        lines.append(f"{indent}{one_line(f'# is {package.name} {package.version}{of}{built}')}")
    if isinstance(package, LockedPackage) and package.built is not None:
        lines += (f"{indent}{one_line(f'# {each}')}" for each in _of_build(package.built))
    return lines


def _of_build(built: Built) -> Iterator[str]:
    if built.tools:
        yield f"built with {' '.join(built.tools)}"
    yield from (f"mended {each}" for each in built.mended)


def read_built(said: Iterable[str]) -> Built | None:
    """Read what a source distribution was built with, as `remarks` says it."""
    tools: list[str] = []
    mended: list[str] = []
    for text in said:
        if match := _BUILT.fullmatch(text):
            tools += match[1].split()
        elif match := _MENDED.fullmatch(text):
            mended.append(text.removeprefix("mended "))
    return Built(tools=tuple(tools), mended=tuple(mended)) if tools or mended else None


class Remarks(Struct, frozen=True, kw_only=True):
    """What the comments under a pin say.

    ``release`` is of what is from a place: its name, its version and the revision asked for.
    """

    via: tuple[str, ...]
    because: Mapping[RuleId, str]
    index: str
    built: Built | None = None
    release: tuple[str, Version, str] | None = None


def read_remarks(comments: Sequence[str]) -> Remarks:
    """Read the comments under a pin.

    ``comments`` are the texts after each ``#``. The styles of pip-compile
    (lines and split) and uv are read too.
    """
    via: list[str] = []
    because: dict[RuleId, str] = {}
    index = ""
    release: tuple[str, Version, str] | None = None
    was_built = listing = False
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
        elif (match := _IS.fullmatch(text)) and (version := standards.version(match[2])):
            release, was_built = (match[1], version, match[3] or ""), bool(match[4])
    plain = Built() if was_built else None
    built = read_built(comment.strip() for comment in comments) or plain
    via_sorted = tuple(sorted(via))
    return Remarks(via=via_sorted, because=because, index=index, built=built, release=release)


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
    requirements: list[Requested] = field(default_factory=list)
    constraints: list[Requested] = field(default_factory=list)
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    content: str = ""
    verified: dict[str, str] = field(default_factory=dict)
    targets: list[tuple[str, str]] = field(default_factory=list)
    subdir: str = ""
    name: str = ""
    channels: tuple[str, ...] = ()
    nodefaults: bool = False
    virtual: dict[str, tuple[str, ...]] = field(default_factory=dict)
    requested: list[CondaSpec] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    indexes: tuple[str, ...] = ()
    index_strategy: str = ""

    @property
    def asked(self) -> Recorded:
        """What the lock was asked for."""
        return Recorded(
            requirements=tuple(self.requirements),
            constraints=tuple(self.constraints),
            options=self.options,
        )

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
        *_recorded(lock.asked),
        *_of_content(lock),
        *(
            f"# verified{f' {part.platform}' if len(parts) > 1 else ''}: {part.verified}"
            for part in parts
            if part.verified
        ),
        *([f"# indexes: {' '.join(lock.indexes)} ({lock.index_strategy})"] if lock.indexes else []),
        *_of_variables(lock),
        *(f"# note: {note}" for note in lock.notes),
    ]
    return [one_line(line) for line in lines]


def of_conda(lock: Lock, parts: Iterable[Part], *, native: bool = False) -> list[str]:
    """Return the lines that conda's packages start with: how to make them again, and from what.

    ``native`` says that the format itself has keys for the name and channels.
    """
    parts = tuple(parts)
    lines = [f"# made by: {lock.command}", f"# request: {lock.request_digest}"]
    lines += _recorded(lock.asked)
    lines += _of_content(lock)
    if not native:
        words = [*channel_words(lock), *([_NONE] if lock.nodefaults else [])]
        lines += [f"# environment: {lock.name}", f"# channels: {' '.join(words)}"]
        lines += _of_variables(lock)
    if len(parts) == 1:
        lines.append(f"# platform: {parts[0].subdir}")
    lines += (f"# verified {p.subdir}: {p.verified}" for p in parts if p.verified)
    lines += (f"# virtual {p.subdir}: {'; '.join(p.virtual)}" for p in parts if p.virtual)
    lines = [one_line(line) for line in lines]
    for spec in lock.requested:
        only = f"  # [{selector(spec.only)}]" if spec.only else ""
        lines.append(f"# asked for: {one_line(str(spec))}{only}  # {one_line(spec.origin)}")
    return [*lines, *(one_line(f"# note: {note}") for note in lock.notes)]


def _recorded(asked: Recorded) -> Iterator[str]:
    """What was asked for, a requirement on each line, and a setting with its values."""
    for kind, wishes in (("requirement", asked.requirements), ("constraint", asked.constraints)):
        yield from (f"# {kind}: {each.requirement} # {each.origin}" for each in wishes)
    yield from (f"# with {key}: {shlex.join(texts)}" for key, texts in asked.options.items())


def read_requested(text: str) -> Iterator[Requested]:
    """Yield what a line ``REQUIREMENT # ORIGIN`` of a lock asks for, unless it is none."""
    wish, _, origin = text.partition(" # ")
    requirement = standards.requirement(wish)
    if requirement is not None:
        yield Requested(requirement=requirement, origin=one_line(origin) or "command line")


def _of_variables(lock: Lock) -> Iterator[str]:
    """What is set in the environment, a variable on each line."""
    yield from (f"# sets: {name}={value}" for name, value in sayable(lock.variables).items())


def sayable(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a comment can hold as they are, without any secret."""
    return {
        name: variables[name]
        for name in sorted(variables)
        if _VARIABLE.fullmatch(name) and one_line(variables[name]) == variables[name]
    }


def _of_content(lock: Lock) -> list[str]:
    return [f"# content: {lock.content}"] if lock.content else []


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
        case "content":
            found.content = value
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
        case _ if key.startswith("verified"):
            found.verified[key.removeprefix("verified").strip()] = value
        case _ if key.startswith("virtual "):
            found.virtual[key.removeprefix("virtual ")] = tuple(value.split("; "))
        case _:
            _take_asked(found, key, value)


def _take_asked(found: Heading, key: str, value: str) -> None:
    """Take in what a line says of the request."""
    match key:
        case "sets":
            name, _, text = value.partition("=")
            found.variables |= sayable({name: text})
        case "requirement":
            found.requirements += read_requested(value)
        case "constraint":
            found.constraints += read_requested(value)
        case "asked for":
            found.requested += _asked(value)
        case _:
            with suppress(ValueError):  # a quotation that is not closed
                found.options[key.removeprefix("with ")] = tuple(shlex.split(value))


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
