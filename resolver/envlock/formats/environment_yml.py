"""An environment.yml as its entries, each with its line, whatever dialect it is in; and locks.

conda, micromamba, conda-lock, pixi and kipoi write such files. Read from YAML
nodes: they know their lines, and no tag is ever constructed. What is odd about
a file is said, and who reads it says whether that matters. Pure.

A lock has every package pinned, and is portable: no builds and no prefix, for a
build is of one channel state, a prefix of one machine. ``==`` is exact to
conda, one ``=`` a prefix of versions. A channel is named beside a package where
the request named it. A lock without conda's packages has Python from
conda-forge and everything else from PyPI. Python is asked for as X.Y there: the
pins hold for any patch of it, and a conda channel seldom has the very patch
that the lock was made with. pip is listed because conda warns when a pip
section has no pip. The section holds plain requirements, and a requirement
(PEP 508) has no place for hashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct, field

from envlock import standards
from envlock.conda.channels import strip_channel
from envlock.errors import UsageError
from envlock.formats.comments import channel_words, of_conda, of_pypi, one_line, remarks, told
from envlock.formats.conda_spec import parse_spec, selected
from envlock.formats.direct import line_of
from envlock.formats.faults import safe, shown
from envlock.formats.lockfile import LockEntries, read_pin
from envlock.formats.yaml_text import comments_under, compose, exactly, quoted
from envlock.index.secrets import redact
from envlock.model import CondaPackage, CondaSpec, Lock, Part

#: A node of yaml, which is imported when it is needed.
_Node: TypeAlias = Any
_COMMENT_SELECTOR = re.compile(r"#\s*\[([^\[\]]+)\]\s*(.*)$")
_SELECTOR = re.compile(r"sel\(([^()]+)\)")
_TAG = "tag:yaml.org,2002:"
NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
"""How YAML writes that there is no value."""
#: Tags that change nothing about a list or a text.
_HARMLESS = re.compile(r"tag:yaml\.org,2002:python/(?:tuple|list|str|unicode)")
#: Keys that hold one value or a plain list.
_PLAIN = frozenset({"channels", "name", "pip-repositories", "platforms"})
#: What envlock reads; ``uv`` is micromamba's word for a pip list that uv installs.
_PIP = frozenset({"pip", "uv"})
_EXACT = re.compile(r"(==?)([^*,|<>=~\s]+)")
#: What conda has in an environment of which pip installs the rest.
_FRAME = re.compile(r"(python|pip)(\s*[=<>!~].*)?")


class EntryOwner(StrEnum):
    """Whose an entry is: conda's, pip's, or (the whole entry is odd) nobody's."""

    CONDA = "conda"
    PIP = "pip"
    NOBODY = ""


class EnvironmentEntry(Struct, frozen=True, kw_only=True):
    """A text of the file, its first line and its last.

    ``selector`` is the platforms it is for, in the file's words, or "".
    ``odd`` is a sentence where the entry cannot be read as what it stands for;
    ``lost``: something that was asked for is then missing.
    """

    text: str
    line: int
    end: int = 0
    by: EntryOwner = EntryOwner.CONDA
    selector: str = ""
    odd: str = ""
    lost: bool = False


class EnvironmentFile(Struct, kw_only=True):
    """What one file holds. ``lists`` are its plain lists, ``values`` its plain values, by key.

    ``mapped`` is the line of a ``dependencies`` that is a map of lists.
    """

    values: dict[str, EnvironmentEntry] = field(default_factory=dict)
    lists: dict[str, list[EnvironmentEntry]] = field(default_factory=dict)
    variables: dict[str, EnvironmentEntry] = field(default_factory=dict)
    dependencies: list[EnvironmentEntry] = field(default_factory=list)
    mapped: int | None = None
    odd: list[EnvironmentEntry] = field(default_factory=list)


def parse_environment_yml(name: str, text: str) -> EnvironmentFile:
    """Read a conda environment file; ``name`` is for errors.

    Raises:
        UsageError: it is not YAML, or no environment file; with the line.
    """
    root = compose(name, text)
    members = dict(_members(root))
    if "dependencies" not in members:
        raise UsageError(f"{name}:1: not an environment file: it has no list of dependencies")
    reader = _Reader(name, text)
    reader.tags(root)
    reader.top(root)
    return reader.file


class _Reader:
    def __init__(self, name: str, text: str) -> None:
        self.file = EnvironmentFile()
        self._name = name
        self._lines = text.splitlines()

    def top(self, root: _Node) -> None:
        """Take in the whole file, key by key."""
        seen = set[str]()
        for key, value in _members(root):
            if key in seen:
                self._odd(value, f"{shown(key)} is there a second time", lost=True)
            elif key == "dependencies":
                self._dependencies(value)
            elif key == "variables":
                self._variables(value)
            elif value.id == "scalar":
                self.file.values[key] = self._entry(value)
            elif value.id == "sequence":
                self.file.lists[key] = [self._entry(each) for each in value.value]
            else:
                self._odd(value, f"{shown(key)} is a map, and is not read", lost=key in _PLAIN)
            seen.add(key)

    def tags(self, root: _Node) -> None:
        """Say which tags are not followed."""
        for node in _walk(root):
            if node.tag.startswith((f"{_TAG}python/", "!")):
                tag = safe(node.tag.replace(_TAG, "!!"))
                lost = _HARMLESS.fullmatch(node.tag) is None
                self._odd(node, f"the tag {tag} is not followed", lost=lost)

    def _dependencies(self, node: _Node) -> None:
        if isinstance(node.value, str):
            if node.value not in NOTHING:
                raise UsageError(f"{self._name}:{_line(node)}: dependencies is not a list")
        elif node.id == "mapping":
            self.file.mapped = _line(node)
            for key, value in _members(node):
                if key == "conda" and value.id == "sequence":
                    self._list(value)
                elif key in _PIP:
                    self._pip(value)
                else:
                    self._odd_entry(value, f"{shown(key)} is not read: no installer")
        else:
            self._list(node)

    def _list(self, node: _Node) -> None:
        for item in node.value:
            if item.id == "sequence":
                self._odd_entry(item, "a list inside the list is not read")
            elif item.id == "scalar":
                self._add(item, EntryOwner.CONDA)
            else:
                for key, value in _members(item):
                    self._section(key, value)

    def _section(self, key: str, value: _Node) -> None:
        selector = _SELECTOR.fullmatch(key)
        listed = value.value if value.id == "sequence" else [value]
        if selector is not None and all(each.id == "scalar" for each in listed):
            for each in listed:
                self._add(each, EntryOwner.CONDA, selector[1].strip())
        elif key in _PIP:
            self._pip(value)
        else:
            self._odd_entry(value, f"{shown(key)} is not an installer")

    def _pip(self, node: _Node) -> None:
        items = [node] if isinstance(node.value, str) else node.value
        for item in items:
            if isinstance(item, tuple) or item.id != "scalar":
                where = item[0] if isinstance(item, tuple) else item
                self._odd_entry(where, "this entry is not a requirement")
            elif item is not node or item.value not in NOTHING:
                self._add(item, EntryOwner.PIP)

    def _add(self, node: _Node, by: EntryOwner, selector: str = "") -> None:
        entry = self._entry(node, by, selector)
        if not entry.text or node.tag == f"{_TAG}null":
            self._odd_entry(node, "an empty entry is left out", lost=False)
        else:
            self.file.dependencies.append(entry)
            standards.refuse_crowd(self._name, len(self.file.dependencies))

    def _variables(self, node: _Node) -> None:
        for key, value in _members(node):
            if value.id == "scalar":
                self.file.variables[key] = self._entry(value)
            else:
                self._odd(value, f"the variable {shown(key)} is not one value, and is left out")

    def _entry(
        self, node: _Node, by: EntryOwner = EntryOwner.CONDA, selector: str = ""
    ) -> EnvironmentEntry:
        if node.id != "scalar":
            odd = "this is not one value"
            return EnvironmentEntry(text="", line=_line(node), by=by, odd=odd, lost=True)
        number = node.start_mark.line
        line = self._lines[number] if number < len(self._lines) else ""
        return EnvironmentEntry(
            text=node.value.strip(),
            line=_line(node),
            end=node.end_mark.line + 1,
            by=by,
            selector=selector or _selector(line),
        )

    def _odd_entry(self, node: _Node, text: str, *, lost: bool = True) -> None:
        entry = EnvironmentEntry(
            text="", line=_line(node), by=EntryOwner.NOBODY, odd=text, lost=lost
        )
        self.file.dependencies.append(entry)

    def _odd(self, node: _Node, text: str, *, lost: bool = False) -> None:
        entry = EnvironmentEntry(
            text="", line=_line(node), by=EntryOwner.NOBODY, odd=text, lost=lost
        )
        self.file.odd.append(entry)


def _selector(line: str) -> str:
    """The selector in the comment of a line; with words after it, only if it names platforms."""
    comment = _COMMENT_SELECTOR.search(line)
    if comment is None or (comment[2] and selected(comment[1]) is None):
        return ""
    return comment[1].strip()


def _line(node: _Node) -> int:
    return int(node.start_mark.line) + 1


def _members(node: _Node) -> Iterator[tuple[str, _Node]]:
    if node is not None and node.id == "mapping":
        for key, value in node.value:
            yield key.value if key.id == "scalar" else "{…}", value


def _walk(root: _Node) -> Iterator[_Node]:
    """Every node once, anchors and their aliases together."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if node.id == "mapping":
            waiting.extend(part for pair in node.value for part in pair)
        elif node.id == "sequence":
            waiting.extend(node.value)


def render(lock: Lock) -> list[str]:
    """Write the lock as conda environments, a text for each platform."""
    of = _of_conda if lock.of_conda else _of_pypi
    return ["\n".join(of(lock, part)) + "\n" for part in lock.parts]


def _of_pypi(lock: Lock, part: Part) -> Iterator[str]:
    yield from of_pypi(lock, [part])
    yield f"name: {quoted(lock.name)}"
    yield from ("channels:", "  - conda-forge", "dependencies:")
    yield f"  - {quoted(f'python={part.python}')}"
    yield "  - pip"
    yield from _pip_list(lock, part)


def _of_conda(lock: Lock, part: Part) -> Iterator[str]:
    yield from of_conda(lock, [part], native=True)
    if lock.name:
        yield f"name: {quoted(lock.name)}"
    channels = [*channel_words(lock), *(["nodefaults"] if lock.nodefaults else [])]
    yield from _list("channels:", channels)
    yield "dependencies:" if part.conda or part.pypi else "dependencies: []"
    named = {each.name: each.channel for each in lock.requested if each.channel}
    for package in sorted(part.conda, key=lambda each: each.name):
        channel = strip_channel(named.get(package.name, ""))
        spec = CondaSpec(name=package.name, version=f"=={package.version}", channel=channel)
        yield f"  - {quoted(str(spec))}"
        yield from remarks(package, lock.reasons, indent="    ")
    yield from _pip_list(lock, part)
    yield from _variables(lock.variables)


def _list(head: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield head
    yield from (f"  - {quoted(each)}" for each in items)


def _pip_list(lock: Lock, part: Part) -> Iterator[str]:
    packages = told(lock, part)
    if packages:
        yield "  - pip:"
    for package in packages:
        pin = f"{package.name}=={package.version}"
        yield f"      - {quoted(pin if package.direct is None else line_of(package))}"
        yield from remarks(package, lock.reasons, indent="        ")


def _variables(variables: Mapping[str, str]) -> Iterator[str]:
    """The variables, without those whose value is a secret of a URL."""
    if variables:
        yield "variables:"
    for name, value in sorted(variables.items()):
        if redact(value, certain=True) == value:
            yield f"  {quoted(name)}: {exactly(value)}"
        else:
            yield f"  # {one_line(f'{name} is left out: it holds a credential')}"


def read(name: str, text: str, gathered: LockEntries) -> None:
    """Read exact pins of conda and pip; where conda has no more than python and pip, of pip.

    Raises:
        UsageError: it is no such file; says the line.
    """
    lines = text.splitlines()
    file = parse_environment_yml(name, text)
    if file.mapped is not None:
        raise UsageError(f"{name}:{file.mapped}: dependencies is a map, and not a list")
    for entry in file.dependencies:
        if entry.lost:
            raise UsageError(f"{name}:{entry.line}: {entry.odd}")
    head = gathered.heading
    said = file.values.get("name")
    head.name = "" if said is None or said.text in NOTHING else said.text
    if not head.subdir and all(map(_is_frame, file.dependencies)):
        gathered.of("")
        for entry in file.dependencies:
            if entry.by is EntryOwner.PIP:
                under = comments_under(lines, entry.end)
                gathered.pin(read_pin(f"{name}:{entry.line}", entry.text, under))
        return
    words = [each.text for each in file.lists.get("channels", ())]
    head.nodefaults = "nodefaults" in words
    head.channels = tuple(word for word in words if word != "nodefaults")
    gathered.variables = {key: each.text for key, each in file.variables.items()}
    _take(name, lines, file.dependencies, gathered)


def _is_frame(entry: EnvironmentEntry) -> bool:
    return entry.by is EntryOwner.PIP or bool(entry.odd) or _FRAME.fullmatch(entry.text) is not None


def _take(
    name: str, lines: Sequence[str], entries: Iterable[EnvironmentEntry], gathered: LockEntries
) -> None:
    subdir = gathered.heading.subdir
    gathered.of(subdir)
    for entry in entries:
        where = f"{name}:{entry.line}"
        under = comments_under(lines, entry.end)
        if entry.by is EntryOwner.PIP:
            gathered.add(where, subdir, read_pin(where, entry.text, under).package, under)
        elif not entry.odd:
            gathered.add(where, subdir, _pinned(where, entry.text), under)


def _pinned(where: str, text: str) -> CondaPackage:
    try:
        spec = parse_spec(text, origin=where)
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", *error.remedies) from None
    match = _EXACT.fullmatch(spec.version)
    if match is None or (match[1] == "=" and not spec.build):
        raise UsageError(
            f"{where}: {one_line(text)!r} is not an exact pin (name==version)",
            f"make a lock from this file: envlock lock -r {where.rpartition(':')[0]}",
        )
    return CondaPackage(
        name=spec.name,
        version=match[2],
        build=spec.build,
        build_number=0,
        subdir="",
        channel=spec.channel,
        url="",
    )
