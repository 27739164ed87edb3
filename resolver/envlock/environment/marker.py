"""The file that marks an environment as one that envlock made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from envlock.documents import Malformed, json_value
from envlock.system import contents, write_texts

MARKER = "envlock.json"


def mark(folder: Path) -> dict[str, Any]:
    """Return what the marker in a folder says; nothing where there is none, or another file."""
    try:
        said = json_value(contents(folder / MARKER))
    except (OSError, Malformed):
        return {}
    return said if isinstance(said, dict) and "envlock" in said else {}


def write_mark(folder: Path, **facts: object) -> None:
    """Mark a folder.

    Raises:
        WorkError: it cannot be written.
    """
    write_texts({folder / MARKER: json.dumps({"envlock": 1, **facts}) + "\n"})
