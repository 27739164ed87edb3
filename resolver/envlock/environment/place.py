"""The folder of an environment: whose it is, and how it is replaced without loss.

A virtual environment cannot be moved into place when it is ready, since its
scripts hold its path. So the old one steps aside, the new one is built where
it will stay, and whatever goes wrong brings the old one back: an error,
Ctrl-C, or a kill, after which the next start does it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from envlock.environment.replaceable import occupant
from envlock.progress import Progress
from envlock.system import cache_folder, exclusive, make_folder, move, remove_tree, write_texts

_MARKER = "envlock.json"
_MARK = {"envlock": 1}


def made_by_envlock(folder: Path) -> bool:
    """Tell whether envlock made this environment, and so may replace it."""
    try:
        return "envlock" in json.loads((folder / _MARKER).read_bytes())
    except (OSError, ValueError, TypeError):
        return False


def kept_as(folder: Path) -> Path:
    """Return where an environment that failed is kept for a look."""
    return _beside(folder, "failed")


@contextmanager
def fresh_environment(
    folder: Path, progress: Progress, *, force: bool = False, keep: bool = False
) -> Iterator[Path]:
    """Give an empty folder, marked as envlock's, in place of ``folder``.

    When the block fails, ``folder`` is again what it was; with ``keep`` the
    failed environment is first moved beside it, and ``progress`` told where.
    ``force`` also replaces what envlock did not make. The path given is
    absolute, with links resolved.

    Raises:
        UsageError: the folder is a file, or holds what envlock did not make.
        WorkError: it cannot be made or moved, or another envlock is at it.
    """
    folder = folder.resolve()
    with _alone(folder):
        _recover(folder)
        _refuse_foreign(folder, force=force)
        before = _Before(
            folder=folder,
            old=_beside(folder, "before-envlock"),
            missing=next((p for p in (*reversed(folder.parents), folder) if not p.exists()), None),
            empty=folder.is_dir() and _is_empty(folder),
        )
        try:
            if before.missing is None and not before.empty:
                move(folder, before.old)
            make_folder(folder)
            write_texts({folder / _MARKER: json.dumps(_MARK) + "\n"})
            yield folder
        except BaseException:
            _put_back(before, progress if keep else None)
            raise
        # The rename is what makes the new environment the one to keep.
        done_with = _beside(folder, "replaced-by-envlock")
        if before.old.exists():
            move(before.old, done_with)
            remove_tree(done_with)


class _Before(Struct, frozen=True, kw_only=True):
    """What was there: ``missing`` is the outermost folder that was not, or None."""

    folder: Path
    old: Path
    missing: Path | None
    empty: bool


def _put_back(before: _Before, keep: Progress | None) -> None:
    if not (before.old.exists() or before.missing or before.empty):
        return  # the old environment never moved
    if keep is not None and made_by_envlock(before.folder):
        _set_apart(before.folder, keep)
    remove_tree(before.missing or before.folder)
    if before.old.exists():
        move(before.old, before.folder)
    elif before.empty:
        make_folder(before.folder)


def _is_empty(folder: Path) -> bool:
    """Tell whether nothing is there but, perhaps, a marker that a kill left half-written."""
    return all(child.name.startswith(f".{_MARKER}.") for child in folder.iterdir())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    locks = cache_folder() / "locks"
    make_folder(locks)
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    with exclusive(locks / f"environment-{name}.lock"):
        yield


def _beside(folder: Path, what: str) -> Path:
    return folder.with_name(f"{folder.name}.{what}")


def _recover(folder: Path) -> None:
    """Finish what a killed run left: bring the old environment back, or remove it."""
    remove_tree(_beside(folder, "replaced-by-envlock"))
    old = _beside(folder, "before-envlock")
    if old.exists():
        remove_tree(folder)
        move(old, folder)


def _refuse_foreign(folder: Path, *, force: bool) -> None:
    occupant(folder, ours=made_by_envlock(folder), force=force)


def _set_apart(folder: Path, progress: Progress) -> None:
    failed = kept_as(folder)
    if made_by_envlock(failed):
        remove_tree(failed)
    move(folder, failed)
    progress.note(f"the failed environment is kept in {failed}")
