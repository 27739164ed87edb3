"""What this run has told beside its result, for the JSON that tells all. Imports nothing."""

from __future__ import annotations

#: The places that files of the folder chose: where that is written, and the place, redacted.
PLACES: list[dict[str, str]] = []


def forget() -> None:
    """Begin a run."""
    PLACES.clear()
