"""Files in which nothing was recognised: "nothing is wrong" is only said of what was read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from envlock.errors import UsageError
from envlock.findings import Examined, Kind
from envlock.formats.logs import in_trouble
from envlock.formats.registry import ROWS, FileFormat, format_at
from envlock.system.looking import is_file

#: Endings of what programs print, which need not speak of packages,
_PRINTED = frozenset({"", ".log", ".out", ".err"})
#: and what that is read as; a Dockerfile or a Pipfile, which has no ending, asks for something.
_PLAIN = frozenset({None, FileFormat.LOG, FileFormat.REQUIREMENTS, FileFormat.FREEZE})


def refuse_unread(parts: Iterable[Examined]) -> None:
    """Refuse files in which nothing was recognised, where nothing else was named.

    Raises:
        UsageError: that is so; with what is known of each.
    """
    if not all(map(_says_nothing, parts)):
        return
    lines = []
    for each in parts:
        found = format_at(Path(each.origin))
        read = "a text" if found is None else ROWS[found].what
        lines += [f"no requirement recognised in {each.origin}, read as {read}", *each.notes]
    raise UsageError(
        "\n".join(lines),
        "give a requirements file, an environment.yml, a lock or the text of an error",
    )


def _says_nothing(part: Examined) -> bool:
    """Whether a file names no package, and is no log by its name or its words."""
    if (
        part.kind is Kind.ENVIRONMENT
        or part.uses
        or part.packages
        or part.loose
        or in_trouble(part.text)
    ):
        return False
    path = Path(part.origin)
    is_printed = path.suffix.lower() in _PRINTED and format_at(path) in _PLAIN
    return is_file(path) and not is_printed
