"""YAML as formats of locks need it: nodes that know their lines, comments, scalars. Pure.

A lock says in comments what its format has no key for. Texts are written on one
line of printable characters: nothing that somebody wrote into a name or a
reason can become another line of the file.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from envlock import standards
from envlock.documents import Malformed, yaml_node
from envlock.errors import UsageError
from envlock.formats.comments import one_line
from envlock.formats.faults import safe

_PLAIN = re.compile(r"[A-Za-z_][\w.-]*([=!+]+[\w.-]+)*", re.ASCII)
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})  # of YAML 1.1
#: What YAML 1.2 reads as something else than a text.
_TYPED = re.compile(
    r"~|null|Null|NULL|true|True|TRUE|false|False|FALSE"
    r"|[-+]?(?:\d+|0x[\da-fA-F]+|0o[0-7]+|0b[01]+)|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_FLOAT = re.compile(r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?")
_MARKED = re.compile(r"^(?:[#,\[\]{}&*!|>'\"%@`]|[?:-](?:\s|$)|---|\.\.\.)|:(?:\s|$)|\s#")
_BEYOND = re.compile(r"[\ufffe-\U0010ffff]")  # a class up to there is made in no time


def comments_under(lines: Sequence[str], number: int) -> list[str]:
    """Return the comments after a line, numbered from 1, without their ``#``."""
    under = map(str.strip, lines[number:])
    return [line[1:] for line in takewhile(lambda line: line.startswith("#"), under)]


def compose(name: str, text: str) -> Any:  # noqa: ANN401  (as below)
    """Return the nodes of a YAML document, or None for an empty one; ``name`` is for errors.

    Raises:
        UsageError: it is not YAML; with the line.
    """
    try:
        return yaml_node(text)
    except Malformed as error:
        place = f"{name}:{error.line}" if error.line else name
        raise UsageError(f"{place}: not YAML: {safe(error.why)}") from None


class Node:
    """A node of a file, with what it must hold."""

    def __init__(self, name: str, lines: Sequence[str], node: Any) -> None:  # noqa: ANN401  (yaml is imported late)
        self._name = name
        self._lines = lines
        self._node = node

    @classmethod
    def of(cls, name: str, text: str) -> Node:
        """Return the node of a whole file.

        Raises:
            UsageError: it is not YAML, or no map; with the line.
        """
        node = cls(name, text.splitlines(), compose(name, text))
        if node._node is None or node._node.id != "mapping":
            raise UsageError(f"{name}:1: not a lock: it is no map of keys")
        return node

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self._name}:{self._node.start_mark.line + 1}"

    def fault(self, text: str, *remedies: str) -> UsageError:
        """Return an error about this node."""
        return UsageError(f"{self.where}: {one_line(text)}", *remedies)

    def comments(self) -> list[str]:
        """Return the comments under the node, without their ``#``."""
        node = self._node
        while node.id != "scalar" and node.value and not node.flow_style:
            last = node.value[-1]
            node = last[1] if isinstance(last, tuple) else last
        return comments_under(self._lines, node.end_mark.line + 1)

    def pairs(self) -> Iterator[tuple[str, Node]]:
        """Yield the keys of a map and what they hold.

        Raises:
            UsageError: it is no map.
        """
        if self._node.id != "mapping":
            raise self.fault("expected a map of keys")
        for key, value in self._node.value:
            yield str(key.value), Node(self._name, self._lines, value)

    def items(self) -> Iterator[Node]:
        """Yield what a list holds.

        Raises:
            UsageError: it is no list.
        """
        if self._node.id != "sequence":
            raise self.fault("expected a list")
        standards.refuse_crowd(self.where, len(self._node.value))
        for value in self._node.value:
            yield Node(self._name, self._lines, value)

    def get(self, key: str) -> Node | None:
        """Return what a map holds under a key; None for nothing, and for null."""
        found = next((value for name, value in self.pairs() if name == key), None)
        return None if found is None or found.is_null else found

    @property
    def is_null(self) -> bool:
        """Whether it is YAML's null."""
        return str(self._node.tag).endswith(":null")

    def need(self, key: str) -> Node:
        """Return what a map holds under a key.

        Raises:
            UsageError: it holds nothing there.
        """
        found = self.get(key)
        if found is None:
            raise self.fault(f"there is no {key} here")
        return found

    @property
    def text(self) -> str:
        """The text of a scalar, as it is written.

        Raises:
            UsageError: it is a list or a map.
        """
        if self._node.id != "scalar":
            raise self.fault("expected one value")
        return str(self._node.value)

    def say(self, key: str) -> str:
        """Return the text under a key, or "" where there is none."""
        found = self.get(key)
        return "" if found is None else found.text

    def list(self, key: str) -> tuple[str, ...]:
        """Return the texts of a list under a key, or none."""
        found = self.get(key)
        return () if found is None else tuple(each.text for each in found.items())

    def number(self, key: str) -> int | None:
        """Return the number under a key, or None.

        Raises:
            UsageError: it is no whole number.
        """
        found = self.get(key)
        if found is None:
            return None
        try:
            return int(found.text)
        except ValueError:
            raise found.fault(f"{found.text!r} is not a whole number") from None


def quoted(text: str) -> str:
    """Write a text in double quotes, unless any YAML reader takes it as itself."""
    line = one_line(text)
    if _PLAIN.fullmatch(line) and line.lower() not in _WORDS:
        return line
    return json.dumps(line, ensure_ascii=False)


def exactly(text: str) -> str:
    """Write a text in double quotes with every character kept, line breaks and all."""
    return '"' + "".join(map(_kept, text)) + '"'


def _kept(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08X}"


def _escaped(match: re.Match[str]) -> str:
    return f"\\U{ord(match[0]):08X}"


def bare(text: str) -> str:
    """Write a text as rattler does: bare where YAML 1.2 allows it, or in single quotes."""
    line = one_line(text)
    if _BEYOND.search(line):
        plain = line.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + _BEYOND.sub(_escaped, plain) + '"'
    number = _FLOAT.fullmatch(line) and math.isfinite(float(line))
    if not line or _TYPED.fullmatch(line) or number or _MARKED.search(line):
        return "'" + line.replace("'", "''") + "'"
    return line
