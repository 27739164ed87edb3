"""TOML that a user wrote → its tables. Pure."""

from __future__ import annotations

from pathlib import Path

from envlock.documents import Malformed, toml_tables


def parse_toml(text: str, path: Path) -> dict[str, object]:
    """Return the tables of a TOML text; ``path`` is for the error.

    Raises:
        UsageError: it is not TOML, with file:line.
    """
    try:
        return toml_tables(text)
    except Malformed as error:
        raise error.named(str(path), "TOML") from None
