"""The files that a command writes: tried before the work, and written only where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from envlock.choices import STANDARD_OUTPUT
from envlock.errors import UsageError, WorkError
from envlock.progress import Progress
from envlock.system import contents, refuse_unwritable, write_texts

#: What files held when a command began; None of one that was not there.
Seen = Mapping[Path, bytes | None]


def try_outputs(paths: Iterable[Path], progress: Progress) -> None:
    """Make sure that files can be written; what they will lose by it is told.

    Raises:
        UsageError: one is a folder, a pipe, a device or the like.
        WorkError: one cannot be written.
    """
    for sentence in refuse_unwritable(path for path in paths if path != STANDARD_OUTPUT):
        progress.note(sentence)


def try_new(option: str, path: Path | None, progress: Progress) -> None:
    """Make sure that a new file can be written, and that nothing is there yet.

    Raises:
        UsageError: something is.
        WorkError: it cannot be written.
    """
    if path is None:
        return
    if path.exists():
        kind = path.suffix or ".yaml"
        raise UsageError(
            f"{option} {path}: it is there already, and is left as it is", f"{option} OTHER{kind}"
        )
    try_outputs((path,), progress)


def seen(paths: Iterable[Path]) -> Seen:
    """Return what files hold before a command reads them, for `refuse_changed`."""
    return {path: _held(path) for path in paths}


def refuse_changed(before: Seen, texts: Mapping[Path, str]) -> None:
    """Make sure that nobody wrote into the files since; who wrote the same did no harm.

    Raises:
        WorkError: one holds neither what it held nor what it is to hold.
    """
    for path, content in before.items():
        now = _held(path)
        wanted = texts[path].encode() if path in texts else content
        if now not in (content, wanted):
            gone = "removed" if now is None else "changed"
            raise WorkError(
                f"{path} was {gone} by somebody else while envlock was at work; it is left as it"
                " is, and nothing was changed",
                f"look at {path}, and try again",
            )


def _held(path: Path) -> bytes | None:
    with suppress(OSError):  # whoever reads it tells why it cannot be read
        return contents(path)
    return None


def write_changed(texts: Mapping[Path, str], before: Seen) -> tuple[Path, ...]:
    """Write the texts that differ from what is there, all or none; return those.

    Raises:
        WorkError: they cannot be written, or are no longer what they were
            ``before``; then none has changed.
    """
    refuse_changed(before, texts)
    changed = differing(texts)
    write_texts(changed, users=True)
    return tuple(changed)


def differing(texts: Mapping[Path, str]) -> dict[Path, str]:
    """Return the texts that are not what their files hold."""
    return {
        path: text
        for path, text in texts.items()
        if not path.exists() or path.read_bytes() != text.encode()
    }
