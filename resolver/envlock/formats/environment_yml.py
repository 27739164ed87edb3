"""An environment.yml as its entries, each with its line, whatever dialect it is in.

conda, micromamba, conda-lock, pixi and kipoi write such files. Read from YAML
nodes: they know their lines, and no tag is ever constructed. What is odd about
a file is said, and who reads it says whether that matters. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct, field

from envlock import standards
from envlock.documents import Malformed, yaml_node
from envlock.errors import UsageError
from envlock.formats.faults import safe, shown
from envlock.formats.selectors import selected

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


class By(StrEnum):
    """Whose an entry is: conda's, pip's, or (the whole entry is odd) nobody's."""

    CONDA = "conda"
    PIP = "pip"
    NOBODY = ""


class Entry(Struct, frozen=True, kw_only=True):
    """A text of the file, its first line and its last.

    ``selector`` is the platforms it is for, in the file's words, or "".
    ``odd`` is a sentence where the entry cannot be read as what it stands for;
    ``lost``: something that was asked for is then missing.
    """

    text: str
    line: int
    end: int = 0
    by: By = By.CONDA
    selector: str = ""
    odd: str = ""
    lost: bool = False


class EnvironmentFile(Struct, kw_only=True):
    """What one file holds. ``lists`` are its plain lists, ``values`` its plain values, by key.

    ``mapped`` is the line of a ``dependencies`` that is a map of lists.
    """

    values: dict[str, Entry] = field(default_factory=dict)
    lists: dict[str, list[Entry]] = field(default_factory=dict)
    variables: dict[str, Entry] = field(default_factory=dict)
    dependencies: list[Entry] = field(default_factory=list)
    mapped: int | None = None
    odd: list[Entry] = field(default_factory=list)


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


def compose(name: str, text: str) -> _Node:
    """Return the nodes of a YAML document, or None for an empty one; ``name`` is for errors.

    Raises:
        UsageError: it is not YAML; with the line.
    """
    try:
        return yaml_node(text)
    except Malformed as error:
        place = f"{name}:{error.line}" if error.line else name
        raise UsageError(f"{place}: not YAML: {safe(error.why)}") from None


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
                self._add(item, By.CONDA)
            else:
                for key, value in _members(item):
                    self._section(key, value)

    def _section(self, key: str, value: _Node) -> None:
        selector = _SELECTOR.fullmatch(key)
        listed = value.value if value.id == "sequence" else [value]
        if selector is not None and all(each.id == "scalar" for each in listed):
            for each in listed:
                self._add(each, By.CONDA, selector[1].strip())
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
                self._add(item, By.PIP)

    def _add(self, node: _Node, by: By, selector: str = "") -> None:
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

    def _entry(self, node: _Node, by: By = By.CONDA, selector: str = "") -> Entry:
        if node.id != "scalar":
            odd = "this is not one value"
            return Entry(text="", line=_line(node), by=by, odd=odd, lost=True)
        number = node.start_mark.line
        line = self._lines[number] if number < len(self._lines) else ""
        return Entry(
            text=node.value.strip(),
            line=_line(node),
            end=node.end_mark.line + 1,
            by=by,
            selector=selector or _selector(line),
        )

    def _odd_entry(self, node: _Node, text: str, *, lost: bool = True) -> None:
        entry = Entry(text="", line=_line(node), by=By.NOBODY, odd=text, lost=lost)
        self.file.dependencies.append(entry)

    def _odd(self, node: _Node, text: str, *, lost: bool = False) -> None:
        entry = Entry(text="", line=_line(node), by=By.NOBODY, odd=text, lost=lost)
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
