"""Bytes of a log or list, in whatever encoding somebody's shell wrote them → text."""

from __future__ import annotations

from pathlib import Path

from envlock.errors import UsageError
from envlock.system import Ends, encoding_of, read_ends, read_text

#: Files of which a part is no file.
_STRUCTURED = frozenset({".ipynb", ".lock", ".toml", ".yaml", ".yml"})
_LOOKED_AT = 8192  # bytes in which a binary file shows itself


def decode(content: bytes) -> str:
    """Return the text of bytes in the encoding that they say, in UTF-8 or of an old code page."""
    mark, said = encoding_of(content)
    if mark:
        return content[len(mark) :].decode(said, errors="replace")
    try:
        return content.decode(said or "utf-8")
    except (LookupError, UnicodeError):
        return content.decode("cp1252", errors="replace")


def is_binary(content: bytes) -> bool:
    """Whether bytes are no text, by their beginning."""
    return b"\0" in content[:_LOOKED_AT] and not encoding_of(content)[0]


def read_lenient(path: Path) -> tuple[str, str]:
    """Return the text of a file, and where only its ends were read a sentence that says so.

    Raises:
        UsageError: it is missing, unreadable or no text, or it is of a kind of
            which a part says nothing, and beyond its ceiling.
    """
    if path.suffix.lower() in _STRUCTURED:
        return read_text(path), ""
    ends = read_ends(path)
    if is_binary(ends.content):
        raise UsageError(
            f"{path}: not a text; envlock reads lists of packages, environment files and logs",
            f"envlock diagnose --model {path}",
        )
    return decode(ends.content), cut(ends)


def cut(ends: Ends) -> str:
    """Say which part of a long text was read; "" where it was all of it."""
    if not ends.size:
        return ""
    return f"it has {ends.size >> 20} MB; its first 2 MB and its last 8 MB are read"
