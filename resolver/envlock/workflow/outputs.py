"""The files that a command writes: tried before the work, and written only where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from envlock.choices import STANDARD_OUTPUT
from envlock.progress import Progress
from envlock.system import refuse_unwritable, write_texts


def try_outputs(paths: Iterable[Path], progress: Progress) -> None:
    """Make sure that files can be written; what they will lose by it is told.

    Raises:
        UsageError: one is a folder, a pipe, a device or the like.
        WorkError: one cannot be written.
    """
    for sentence in refuse_unwritable(path for path in paths if path != STANDARD_OUTPUT):
        progress.note(sentence)


def write_changed(texts: Mapping[Path, str]) -> tuple[Path, ...]:
    """Write the texts that differ from what is there, all or none; return those.

    Raises:
        WorkError: they cannot be written; then none has changed.
    """
    changed = differing(texts)
    write_texts(changed)
    return tuple(changed)


def differing(texts: Mapping[Path, str]) -> dict[Path, str]:
    """Return the texts that are not what their files hold."""
    return {
        path: text
        for path, text in texts.items()
        if not path.exists() or path.read_bytes() != text.encode()
    }
