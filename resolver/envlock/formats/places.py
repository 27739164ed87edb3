"""Where a text pins a package, whatever its format. Pure."""

from __future__ import annotations

import re


def pinned_at(text: str, name: str) -> int:
    """Return the line of a lock that pins a package, 0 where none is found.

    That is the first line that is no comment and has the name with a version
    after it, else the first that has it at all.
    """
    word = re.sub(r"[-_.]+", "[-_.]+", re.escape(name).replace(r"\-", "-"))
    own = re.compile(rf"(?<![\w.-]){word}(?![\w-])", re.IGNORECASE)
    exact = re.compile(rf"(?<![\w.-]){word}(?:\[[^\]]*\])?(?:==?|-)\d", re.IGNORECASE)
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if not _is_comment(line)]
    for pattern in (exact, own):
        for number, line in lines:
            if pattern.search(line):
                return number
    return 0


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#") and not line.startswith("# pip ")
