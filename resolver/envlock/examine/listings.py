"""What pip and conda print of an environment: ``freeze``, ``list`` and explicit lists. Pure.

A listing is complete: what is not on it is not installed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from envlock import standards
from envlock.errors import UsageError
from envlock.examine.conda_spec import parse_conda_spec, pypi_name
from envlock.examine.gathered import Gathered, Given
from envlock.examine.places import folder_platform
from envlock.examine.requirement_lines import RequirementLines
from envlock.findings import Examined, Kind
from envlock.model import Platform
from envlock.request.parsed import shown
from envlock.rules.frameworks import framework

_PIP_HEAD = re.compile(r"^[ \t]*Package[ \t]+Version\b.*\n[ \t]*---[ \t-]*$", re.MULTILINE)
_CONDA_HEAD = re.compile(
    r"^# +(?:packages in environment at (?P<place>.*):|Name +Version\b.*)$", re.MULTILINE
)
_EXPLICIT = re.compile(r"^@EXPLICIT\s*$", re.MULTILINE)
_ROW = re.compile(r"^\s*(?P<name>[A-Za-z0-9_][\w.-]*)\s+(?P<version>\d\S*)(?P<rest>.*)$")
_SUBDIR = re.compile(r"/(linux|osx|win)-(64|aarch64|arm64)/")
_SUBDIR_SYSTEMS = {"linux": "linux", "osx": "macos", "win": "windows"}
_FROZEN = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[\w,.-]*\])?(?:={2,3}\S+| @ \S+)$")
_HEAD = 20_000  # characters in which the head of a list is looked for
_WHOLE = 15  # sorted pins, and not fewer: a freeze rather than a short list of wishes
#: What pip freeze leaves out although it is there.
_UNTOLD = tuple(map(canonicalize_name, ("distribute", "pip", "setuptools", "wheel")))


def is_listing(text: str) -> bool:
    """Whether a text is a list of what is installed, in a form known here."""
    start = text[:_HEAD]
    heads = (_PIP_HEAD, _CONDA_HEAD, _EXPLICIT)
    if any(head.search(start) for head in heads) or is_json_listing(text):
        return True
    return _frozen(start.rpartition("\n")[0]) is not None and is_freeze(text)


def is_json_listing(text: str) -> bool:
    """Whether a text is the output of ``pip list --format json`` or ``conda list --json``."""
    return _rows(text) is not None


def is_freeze(text: str) -> bool:
    """Whether a text is the output of ``pip freeze``: many pins, sorted, and nothing else."""
    pins = _frozen(text)
    if pins is None or len(pins) < _WHOLE:
        return False
    names = [re.split(r"[\[=@ ]", line)[0].lower() for line in pins]
    return _ascends(names) or _ascends([canonicalize_name(name) for name in names])


def _frozen(text: str) -> list[str] | None:
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


def examine_listing(origin: str, text: str, given: Given) -> Examined:
    """Examine a text that `is_listing`."""
    gathered = Gathered(origin=origin, given=given, manager="pip", complete=True)
    rows = _rows(text)
    pip, conda = _PIP_HEAD.search(text), _CONDA_HEAD.search(text)
    if rows is not None:
        for row in rows:
            gather_row(gathered, row.name, row.version, row.channel or "", origin)
    elif _EXPLICIT.search(text):
        _explicit(gathered, text)
    elif conda is not None:
        _table(gathered, text, conda.end(), conda=True)
        gathered.platform = folder_platform(conda["place"] or "")
    elif pip is not None:
        _table(gathered, text, pip.end(), conda=False)
    else:
        _freeze(gathered, text)
    return gathered.examined(Kind.FILE)


class _Row(Struct):
    """One package of ``pip list --format json`` or ``conda list --json``."""

    name: str
    version: str
    channel: str | None = None


def _rows(text: str) -> list[_Row] | None:
    if not text[:_HEAD].lstrip().startswith("["):
        return None
    try:
        return msgspec.json.decode(text, type=list[_Row]) or None  # ends at the first other thing
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _table(gathered: Gathered, text: str, start: int, *, conda: bool) -> None:
    first = text.count("\n", 0, start) + 1
    for number, line in enumerate(text[start:].split("\n"), first):
        match = _ROW.match(line)
        if match is None:
            continue
        words = match["rest"].split()
        channel = (words[1] if len(words) > 1 else "defaults") if conda else ""
        gather_row(
            gathered, match["name"], match["version"], channel, f"{gathered.origin}:{number}"
        )


def gather_row(gathered: Gathered, name: str, version: str, channel: str, where: str) -> None:
    """Keep one package; those of conda have a channel, and ``pypi`` where pip brought them."""
    by_conda = channel not in {"", "pypi", "<pip>"}
    own = pypi_name(name) if by_conda else canonicalize_name(name)
    if own in framework().decisive:
        gathered.manager = "conda" if by_conda else "pip"
    known = standards.version(version)
    if known is None:
        gathered.bound(own, SpecifierSet(), where)
        return
    if own == "python":
        gathered.python = known
    else:
        gathered.pin(own, known, where)


def _explicit(gathered: Gathered, text: str) -> None:
    """Addresses of conda packages; those of PyPI are not in such a list."""
    gathered.manager = "conda"
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{gathered.origin}:{number}"
        if not line.strip() or line.startswith(("#", "@")):
            continue
        try:
            spec = parse_conda_spec(line.strip())
        except UsageError:
            gathered.note(where, f"{shown(line.strip())} is no address of a conda package")
            continue
        subdir = _SUBDIR.search(line)
        if subdir is not None:
            machine = {"64": "x86_64"}.get(subdir[2], subdir[2])
            gathered.platform = Platform(system=_SUBDIR_SYSTEMS[subdir[1]], machine=machine)
        if spec.name == "python":
            gathered.python = spec.version
        elif spec.version is not None:
            gathered.pin(spec.name, spec.version, where)


def _freeze(gathered: Gathered, text: str) -> None:
    reader = RequirementLines(gathered=gathered)
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            reader.line(line.strip(), f"{gathered.origin}:{number}")
    for name in _UNTOLD:
        if name not in gathered.mentions:
            gathered.bound(NormalizedName(name), SpecifierSet(), gathered.origin)
