"""One text as one YAML scalar, in two hands. Pure.

Texts are put on one line of printable characters first: nothing that somebody
wrote into a name or a reason can become another line of the file.
"""

from __future__ import annotations

import json
import math
import re

from envlock.formats.comments import one_line

_PLAIN = re.compile(r"[A-Za-z_][\w.-]*([=!+]+[\w.-]+)*", re.ASCII)
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})  # of YAML 1.1
#: What YAML 1.2 reads as something else than a text.
_TYPED = re.compile(
    r"~|null|Null|NULL|true|True|TRUE|false|False|FALSE"
    r"|[-+]?(?:\d+|0x[\da-fA-F]+|0o[0-7]+|0b[01]+)|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_FLOAT = re.compile(r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?")
_MARKED = re.compile(r"^(?:[#,\[\]{}&*!|>'\"%@`]|[?:-](?:\s|$)|---|\.\.\.)|:(?:\s|$)|\s#")
_BEYOND = re.compile(r"[^\x00-\ufffd]")


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
