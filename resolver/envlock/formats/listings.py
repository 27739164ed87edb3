"""What pip and conda print of an environment: ``list``, ``freeze`` and explicit lists. Pure.

A listing is complete: what is not on it is not installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct
from packaging.utils import canonicalize_name

from envlock import standards
from envlock.errors import UsageError
from envlock.formats.conda_spec import parse_archive
from envlock.formats.faults import shown
from envlock.formats.pep508 import release_at

HEAD = 20_000
"""Characters in which the head of a list or file is looked for."""

_PIP_HEAD = re.compile(r"^[ \t]*Package[ \t]+Version\b.*\n[ \t]*---[ \t-]*\r?$", re.MULTILINE)
_CONDA_HEAD = re.compile(
    r"^# +(?:packages in environment at (?P<folder>.*):|Name +Version\b.*"
    r"|This file may be used to create an environment using:)\r?$",
    re.MULTILINE,
)
_EXPLICIT = re.compile(r"^@EXPLICIT\s*$", re.MULTILINE)
_ROW = re.compile(r"^\s*(?P<name>[A-Za-z0-9_][\w.-]*)\s+(?P<version>\d\S*)(?P<rest>.*)$")
#: Of ``conda list --export``: the build is ``pypi_0`` where pip brought it.
_EXPORTED = re.compile(r"^(?P<name>[\w.-]+)=(?P<version>[^\s=]+)=(?P<build>[^\s=]+)\s*$")
_SUBDIR = re.compile(r"/((?:linux|osx|win)-(?:64|aarch64|arm64))/")
_OF_PIP = "# pip "  # as conda-lock and envlock write what pip brings
_FROZEN = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[\w,.-]*\])?(?:={2,3}\S+| @ \S+)$")
_PIN = re.compile(r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?:\[[\w,. -]*\])?={2,3}(\S+)", re.ASCII)
_WHOLE = 15  # sorted pins, and not fewer: a freeze rather than a short list of wishes


class _Listed(Struct):
    name: str
    version: str
    channel: str | None = None


class _Inspected(Struct):
    metadata: _Listed


class _Report(Struct):
    installed: list[_Inspected]


class ListedRow(Struct, frozen=True):
    """One package; ``channel`` is conda's, ``pypi`` or none where pip brought it.

    ``where`` is its line, 0 where there are none; ``fault`` why it is no package.
    """

    name: str
    version: str
    channel: str | None = None
    where: int = 0
    subdir: str = ""
    fault: UsageError | None = None


def is_table(text: str) -> bool:
    """Whether a text is the output of ``pip list`` or ``conda list``."""
    return any(head.search(text, 0, HEAD) for head in (_PIP_HEAD, _CONDA_HEAD))


def is_explicit(text: str) -> bool:
    """Whether a text is a list of addresses for conda."""
    return _EXPLICIT.search(text, 0, HEAD) is not None


def is_json(text: str) -> bool:
    """Whether a text is what ``pip list --format json``, ``pip inspect`` or conda's JSON prints."""
    return bool(_of_json(text))


def is_freeze(text: str) -> bool:
    """Whether a text is the output of ``pip freeze``: many pins, sorted, and nothing else."""
    if _pins_alone(text[:HEAD].rpartition("\n")[0]) is None:  # most texts show themselves early
        return False
    pins = _pins_alone(text)
    if pins is None or len(pins) < _WHOLE:
        return False
    names = [re.split(r"[\[=@ ]", line)[0].lower() for line in pins]
    return _ascends(names) or _ascends([canonicalize_name(name) for name in names])


def _pins_alone(text: str) -> list[str] | None:
    """The pins of a text that has nothing else; None where it has."""
    pins: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line and not line.startswith(("-e ", "# Editable", "## !!")):
            if not _FROZEN.match(line):
                return None
            pins.append(line)
        if len(pins) > standards.MOST_PACKAGES:
            break
    return pins


def _ascends(names: Sequence[str]) -> bool:
    return list(names) == sorted(names)


def folder_of(text: str) -> str:
    """Return the folder of the environment that ``conda list`` tells, or ""."""
    head = _CONDA_HEAD.search(text)
    return (head["folder"] or "") if head else ""


def rows(text: str) -> Iterator[ListedRow]:
    """Read a listing of any kind but ``pip freeze``, whose lines are requirements."""
    conda = _CONDA_HEAD.search(text)
    head = conda or _PIP_HEAD.search(text)
    if is_json(text):
        yield from _of_json(text)
    elif is_explicit(text):
        for number, line in enumerate(map(str.strip, text.splitlines()), 1):
            if line.startswith(_OF_PIP) or (line and not line.startswith(("#", "@"))):
                yield _address(line, number)
    elif head is not None:
        first = text.count("\n", 0, head.end()) + 1
        for number, line in enumerate(text[head.end() :].split("\n"), first):
            exported = _EXPORTED.match(line) if conda else None
            if exported is not None:
                by = "pypi" if exported["build"] == "pypi_0" else "conda"
                yield ListedRow(exported["name"], exported["version"], by, number)
            match = None if exported else _ROW.match(line)
            if match is not None:
                words = match["rest"].split()
                channel = (words[1] if len(words) > 1 else "defaults") if conda else None
                yield ListedRow(match["name"], match["version"], channel, number)


def frozen(text: str) -> Iterator[ListedRow]:
    """Read the pins that ``pip freeze`` prints; a line that names no version has a fault."""
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line.startswith("#"):
            continue
        found = _PIN.fullmatch(line)
        if found is None or standards.version(found[2]) is None:
            yield ListedRow(
                "", "", where=number, fault=UsageError(f"{shown(line)} names no version")
            )
        else:
            yield ListedRow(canonicalize_name(found[1]), found[2], where=number)


def _of_json(text: str) -> list[ListedRow]:
    start = text[:HEAD].lstrip()[:1]
    if start == "{" and '"pip_version"' in text[:HEAD]:
        return _of_report(text)
    if start != "[":
        return []
    try:
        listed = msgspec.json.decode(text, type=list[_Listed])  # ends at the first other thing
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return []
    return [ListedRow(each.name, each.version, each.channel) for each in listed]


def _of_report(text: str) -> list[ListedRow]:
    """What ``pip inspect`` prints."""
    try:
        report = msgspec.json.decode(text, type=_Report)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return []
    return [ListedRow(each.metadata.name, each.metadata.version) for each in report.installed]


def _address(line: str, number: int) -> ListedRow:
    if line.startswith(_OF_PIP):
        name, version = release_at(line.removeprefix(_OF_PIP))
        if name is not None and version is not None:
            return ListedRow(name, str(version), "pypi", number)
    archive, subdir = parse_archive(line), _SUBDIR.search(line)
    if archive is None:
        fault = UsageError(f"{shown(line)} is no address of a conda package")
        return ListedRow("", "", None, number, fault=fault)
    return ListedRow(archive.name, archive.version, "conda", number, subdir[1] if subdir else "")
