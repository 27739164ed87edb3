"""Bytes of a log or list, in whatever encoding somebody's shell wrote them → text."""

from __future__ import annotations

import codecs
from pathlib import Path

from envlock.errors import UsageError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LARGEST = 64 << 20  # bytes
_LOOKED_AT = 8192  # bytes in which a binary file shows itself


def decode(content: bytes) -> str:
    """Return the text of bytes that are UTF-8, UTF-16 with its mark, or of an old code page."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def read_lenient(path: Path) -> str:
    """Return the text of a file.

    Raises:
        UsageError: it is missing, unreadable, no text, or larger than any log
            that somebody wants explained.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(
                f"{path}: larger than {_LARGEST >> 20} MB", "give the part with the error in it"
            )
        content = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    if b"\0" in content[:_LOOKED_AT] and not content.startswith(tuple(m for m, _ in _MARKS[1:])):
        raise UsageError(
            f"{path}: not a text; envlock reads lists of packages, environment files and logs",
            f"envlock diagnose --model {path}",
        )
    return decode(content)
