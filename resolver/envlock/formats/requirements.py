"""Requirements and constraints files in pip's format → `Line`s, includes followed; and locks.

A pin of a lock is ``name==version`` with hashes and the comments under it, as
pip ``--require-hashes`` and uv take it; those of pip-compile and uv are read as
well as envlock's. Pure apart from reading. Sources: pip's documentation,
"Requirements File Format", and its ``_internal/req/req_file.py``
(``SUPPORTED_OPTIONS``).
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.markers import Marker
from packaging.requirements import Requirement

from envlock import standards
from envlock.errors import UsageError
from envlock.formats.comments import of_pypi, remarks, told
from envlock.formats.direct import line_of
from envlock.formats.faults import shown
from envlock.formats.lockfile import LockEntries, read_pin
from envlock.formats.pep508 import parse_requirement, refuse_long
from envlock.formats.together import gather
from envlock.model import Lock, LockedPackage, Part
from envlock.system import read_text
from envlock.system.looking import exists

_LINE_END = re.compile(r"\r\n|\r|\n")
_ROOT_MARKS = ("pyproject.toml", ".git")
_LONG = {
    "-C": "--config-settings",
    "-c": "--constraint",
    "-e": "--editable",
    "-f": "--find-links",
    "-i": "--index-url",
    "-r": "--requirement",
    "--config-setting": "--config-settings",
    "--pypi-url": "--index-url",
}
INCLUDES = frozenset({"--constraint", "--requirement"})
INDEX = frozenset(
    {"--extra-index-url", "--find-links", "--index-url", "--no-index", "--trusted-host"}
)
PASSED_TO_PIP = frozenset({"--config-settings", "--global-option", "--install-option"})
#: Options that say which files of which packages are taken.
KINDS = frozenset({"--all-releases", "--no-binary", "--only-binary", "--only-final", "--pre"})
IGNORED = {
    "--hash": "the lock gets the hashes of what it pins",
    "--prefer-binary": "envlock chooses between wheels and sources itself",
    "--require-hashes": "a lock always has hashes",
    "--use-feature": "it is about pip itself",
}
"""Options that are read and left out, and why that is fine."""
_FLAGS = frozenset({"--no-index", "--pre", "--prefer-binary", "--require-hashes"})
_KNOWN = {"--editable", *INCLUDES, *INDEX, *PASSED_TO_PIP, *KINDS, *IGNORED}
#: What is editable goes to the end of its line, as it may have a marker.
_EDITABLE = re.compile(r"(?:-e\s*|--editable(?:\s+|=))(\S.*)")
_PAIR = 2
_INDENT = "    "
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_COMMENT_START = re.compile(r"(?:^|\s)#")


def find_root(path: Path) -> Path:
    """Return the folder whose files ``path`` may include.

    That is the nearest one upward with a pyproject.toml or .git, or else the
    file's own.
    """
    folder = path.absolute().parent
    for parent in (folder, *folder.parents):
        if any(exists(parent / mark) for mark in _ROOT_MARKS):
            return parent
    return folder


def logical_lines(text: str, *, as_pip: bool = False) -> Iterator[tuple[int, str]]:
    """Yield the number and text of each line that says something.

    Lines that end in a backslash are joined, under the number of the first;
    comments and blank lines are left out. A comment ends a joined line.
    ``as_pip`` ends lines at form feeds and the like too, as pip does; uv takes
    them for a part of the line, where they are refused.
    """
    lines = text.splitlines() if as_pip else _LINE_END.split(text)
    for number, line in joined_lines(lines, glue=" "):
        said = _COMMENT.sub("", line).strip(" \t")
        if said:
            yield number, said


def joined_lines(lines: Iterable[str], *, glue: str = "") -> Iterator[tuple[int, str]]:
    """Yield each line and the number of its first, joined after a backslash as pip joins them.

    A comment always ends a line, also where it ends in a backslash.
    """
    parts: list[str] = []
    start = 0
    for number, line in enumerate((*lines, ""), 1):  # what the last line begins ends with it
        start = start if parts else number
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            parts.append(f"{line[:-1]}{glue}")
            continue
        yield start, "".join((*parts, f" {line}" if comment else line))
        parts = []


class Option(Struct, frozen=True):
    """One option under its long name; ``value`` is empty for a flag."""

    name: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.value}".rstrip()


class Line(Struct, frozen=True, kw_only=True):
    """What one line says: a requirement, options, or both; ``where`` is file:line.

    ``text`` is the requirement as it is written, "" where there is none.
    ``requirement`` is what it means, None where ``fault`` says why it is none.
    """

    text: str
    where: str
    requirement: Requirement | None = None
    options: tuple[Option, ...] = ()
    constraint: bool = False
    fault: UsageError | None = None


class RequirementsReader(Struct, kw_only=True):
    """Reads files and what they include from inside ``root``, each file once.

    ``root`` is `find_root` of the first file unless given, ``label`` the name
    of a file in places. With ``as_pip`` lines end as in `logical_lines`. Of a
    text that is no file ``follows`` is False: it includes nothing. ``parse``
    reads one requirement.
    """

    root: Path | None = None
    label: Callable[[Path], str] = str
    as_pip: bool = False
    follows: bool = True
    parse: Callable[[str], Requirement] = parse_requirement
    done: set[tuple[Path, bool]] = field(default_factory=set)
    count: int = 0

    def file(
        self, path: Path, text: str, *, constraint: bool = False, chain: tuple[Path, ...] = ()
    ) -> Iterator[Line]:
        """Yield the lines of one file; ``chain`` holds the files that led here.

        Raises:
            UsageError: there are more than anybody has.
        """
        resolved = real_path(path)
        if (resolved, constraint) in self.done:
            return
        self.done.add((resolved, constraint))
        label = self.label(path)
        for number, line in logical_lines(text, as_pip=self.as_pip):
            yield from self.line(
                path, line, f"{label}:{number}", constraint=constraint, chain=chain
            )

    def line(
        self,
        path: Path,
        line: str,
        where: str,
        *,
        constraint: bool = False,
        chain: tuple[Path, ...] = (),
    ) -> Iterator[Line]:
        """Yield one line without its comment, then what it includes from beside ``path``.

        Raises:
            UsageError: there were more than anybody has.
        """
        self.count += 1
        standards.refuse_crowd(self.label(path), self.count)
        read = self._read(line, where, constraint=constraint)
        yield read
        if read.text or read.fault or not self.follows:
            return
        for option in read.options:
            if option.name in INCLUDES:
                bounds = constraint or option.name == "--constraint"
                try:
                    included, text = self._included(path, option.value, (*chain, path))
                except UsageError as fault:
                    yield Line(text="", where=where, constraint=bounds, fault=fault)
                else:
                    yield from self.file(included, text, constraint=bounds, chain=(*chain, path))

    def _included(self, path: Path, name: str, chain: tuple[Path, ...]) -> tuple[Path, str]:
        if re.match(r"[a-z][a-z0-9+.-]+:", name, re.IGNORECASE):
            raise UsageError(
                f"{shown(name)} is an address: files are included from inside the project only",
                "download it into the project and include that file",
            )
        if "${" in name or not name.isprintable():
            raise UsageError(
                f"{shown(name)} is not the plain name of a file:"
                " envlock puts no environment variable in the place of ${…}",
                "write the name of the file out",
            )
        root = self.root = self.root or real_path(find_root(path))
        included = path.parent / name
        if not real_path(included).is_relative_to(root):
            raise UsageError(
                f"{shown(name)} is outside the project {root}: it is not included",
                f"copy it into {root} and include that file",
            )
        if real_path(included) in map(real_path, chain):
            names = " -> ".join(self.label(each) for each in (*chain, included))
            raise UsageError(f"an include cycle: {names}", "remove this line")
        try:
            return included, read_text(included)
        except UsageError as error:
            raise UsageError(
                f"{shown(name)} cannot be included: {error.message}",
                *(error.remedies or ("put the file there or remove this line",)),
            ) from None

    def _read(self, line: str, where: str, *, constraint: bool) -> Line:
        text, rest = split_line(line)
        requirement: Requirement | None = None
        options: tuple[Option, ...] = ()
        faults: list[UsageError] = []
        try:
            refuse_long(line.partition(" --hash=")[0])
            options = parse_options(rest)
        except UsageError as fault:
            faults.append(fault)
        if text and len(text) <= standards.LONGEST:
            try:
                requirement = self.parse(text)
            except UsageError as fault:
                faults.append(fault)
        return Line(
            text=text,
            where=where,
            requirement=requirement,
            options=options,
            constraint=constraint,
            fault=faults[0] if faults else None,
        )


def real_path(path: Path) -> Path:
    """The path without symbolic links; unlike `Path.resolve`, a loop of them is no error."""
    return Path(os.path.realpath(path))


def split_line(line: str) -> tuple[str, str]:
    """Part a line into its requirement and its options; either may be empty."""
    requirement, *rest = re.split(r"(?:^|(?<=\s))(?=-)", line, maxsplit=1)
    return requirement.strip(), "".join(rest)


def parse_options(text: str) -> tuple[Option, ...]:
    """Read the options of a line.

    Raises:
        UsageError: an option is unknown, lacks its value or has one too many.
    """
    if found := _EDITABLE.fullmatch(text):
        value, *rest = re.split(r"\s+(?=--[a-z])", found[1], maxsplit=1)
        whole = value[0] == value[-1] in {'"', "'"} and value.count(value[0]) == _PAIR
        more = parse_options(rest[0]) if rest else ()
        return (Option("--editable", value[1:-1] if whole else value), *more)
    try:
        words = shlex.split(text)
    except ValueError:
        raise UsageError(
            f"{shown(text)}: a quotation is not closed", "close it or remove the quotation mark"
        ) from None
    options: list[Option] = []
    while words:
        name, value = _apart(words.pop(0))
        if name not in _FLAGS and value is None:
            if not words:
                raise UsageError(f"{name} needs a value", f"write a value after {name}")
            value = words.pop(0)
        options.append(Option(name, value or ""))
    return tuple(options)


def _apart(word: str) -> tuple[str, str | None]:
    """The long name of an option, and the value written in the same word."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        given = value if equals else None
    else:
        name, given = word[:2], word[2:] or None
    name = _LONG.get(name, name)
    if name not in _KNOWN or (name in _FLAGS and given is not None):
        raise UsageError(
            f"{shown(word)} is not an option of a requirements file",
            "remove it, or pass it to the command line if envlock has it",
        )
    return name, given


def render(lock: Lock) -> list[str]:
    """Write a requirements file for each platform; neither index addresses nor options."""
    return [text_of(lock, each) for each in lock.parts]


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
    if package.direct is not None:
        hashes = package.hashes if package.direct.is_local else ()
        start = line_of(package, marker)
    else:
        hashes = package.hashes
        start = f"{package.name}=={package.version}{f' ; {marker}' if marker else ''}"
    words = [start, *(f"{_INDENT}--hash={each}" for each in sorted(hashes))]
    return [*(f"{word} \\" for word in words[:-1]), words[-1]]


def read(name: str, text: str, gathered: LockEntries) -> None:
    """Read exact pins, their hashes and the comments under them.

    Raises:
        UsageError: a line is none; says which.
    """
    wishes: list[tuple[str, str, list[str]]] = []
    for number, line in joined_lines(text.splitlines()):
        wish, *comment = _COMMENT_START.split(line, maxsplit=1)
        if wish.strip():
            wishes.append((f"{name}:{number}", wish.strip(), []))
        if wishes:
            wishes[-1][-1].extend(comment)
        standards.refuse_crowd(name, len(wishes))
    for pin in [read_pin(*each) for each in wishes]:
        gathered.pin(pin)
