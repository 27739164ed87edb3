"""Scripts and the cells of notebooks → a syntax tree, Python 2 and magics tolerated. Pure.

What no Python 3 reads is put aside line by line, with its indentation kept, so
that one statement of Python 2 does not hide a whole script. Line numbers stay.
"""

from __future__ import annotations

import ast
import re

from msgspec import Struct

from envlock.formats.sources import parsed

#: Statements of Python 2 in words that Python 3 reads.
_PRINT = re.compile(r"^(\s*)print\s+(?![(=])(?:>>.*?,)?(.*?)(?:,\s*)?$")
_EXCEPT = re.compile(r"^(\s*except\s+[\w.()\s,]+?),\s*(\w+)\s*:")
_RAISE = re.compile(r"^(\s*raise\s+[\w.]+)\s*,.*$")
_EXEC = re.compile(r"^(\s*)exec\s+(?!\().*$")
#: A line that IPython or a shell reads: ``%magic``, ``!command``, ``?help``, ``x = !command``.
_MAGIC = re.compile(r"^(\s*)(?:[%!?].*|.*\?\??\s*|\w+\s*=\s*[!%].*)$")
_BACKTICKS = re.compile(r"`([^`]*)`")
_MOST_LINES = 200  # that may be put aside: a text with more is no script
_LONGEST = 2_000_000  # characters of a script


class Script(Struct, frozen=True, kw_only=True):
    """A syntax tree with the lines that it was made of; ``aside`` are those not understood."""

    tree: ast.Module
    lines: tuple[str, ...]
    aside: tuple[int, ...] = ()


def read_script(text: str) -> Script | None:
    """Return the tree of a script; None: it is none, in any Python."""
    lines = text[:_LONGEST].replace("\t", "        ").splitlines()
    shown = tuple(lines)
    aside: list[int] = []
    for _ in range(_MOST_LINES):
        found = parsed("\n".join(lines) + "\n")
        if not isinstance(found, int):
            return Script(tree=found, lines=shown, aside=tuple(aside))
        at = found - 1
        if not 0 <= at < len(lines):
            return None
        if (meant := _newer(lines[at])) != lines[at]:
            lines[at] = meant
        elif lines[at].strip() in {"", "pass"}:
            return None
        else:
            aside.append(at + 1)
            lines[at] = f"{_indent(lines[at])}pass"
    return None


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _newer(line: str) -> str:
    """A line of Python 2, or of IPython, as Python 3 reads it."""
    found = _EXCEPT.sub(r"\1 as \2:", line)
    found = _RAISE.sub(r"\1", found)
    found = _EXEC.sub(r"\1pass", found)
    if (printed := _PRINT.match(found)) is not None:
        found = f"{printed[1]}print({printed[2]})"
    found = _BACKTICKS.sub(r"repr(\1)", found)
    return _MAGIC.sub(r"\1pass", found)


def without_magics(text: str) -> str:
    """Return a cell whose magics are ``pass``: one of another language is nothing at all."""
    if text.lstrip().startswith("%%"):
        first, _, rest = text.lstrip().partition("\n")
        is_python = first.split()[0] in {"%%time", "%%timeit", "%%capture", "%%prun"}
        return f"pass\n{rest}" if is_python else ""
    return "\n".join(
        _MAGIC.sub(r"\1pass", line) if line.lstrip()[:1] in {"%", "!", "?"} else line
        for line in text.splitlines()
    )
