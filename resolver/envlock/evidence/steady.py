"""Messages without what differs from run to run and from machine to machine. Pure."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec.structs import replace

from envlock.outcomes import Failed, Outcome

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,}")
_SCRATCH = re.compile(r"[^\s'\"=(]*[/\\]envlock-[\w-]+[/\\]")


def steady(text: str, folder: Path) -> str:
    """Return a text without addresses in memory, scratch folders and the path of ``folder``."""
    text = text.replace(f"{folder}/", "").replace(f"{folder}\\", "")
    return _ADDRESS.sub("0x…", _SCRATCH.sub("", text))


def steady_outcome(outcome: Outcome, folder: Path) -> Outcome:
    """Return an outcome whose words are `steady`."""
    if isinstance(outcome, Failed):
        return replace(outcome, detail=steady(outcome.detail, folder))
    return outcome
