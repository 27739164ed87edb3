"""What an envlock that was stopped left in an environment, put right by the next one.

A replacement is taken back, or cleaned up after, so that it is safe to be
stopped and done again. How far it came is told by folders that are renamed,
which needs no space on a full disk: as long as ``old`` is there, what is in the
environment is what was built; as long as ``aside`` is there, what is in neither
is missing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from envlock.environment.holding import alone, closed
from envlock.environment.inspect import find_environment, installed, place_of
from envlock.environment.journal import (
    ChangeState,
    Event,
    Journal,
    SavedFile,
    fixes,
    home,
    journals,
    kept_folder,
    trial_folder,
    unsettled,
)
from envlock.environment.repair import settle_fix
from envlock.environment.replaceable import inventory
from envlock.environment.whose import CONFIG, MARKER, mark, whose, write_mark
from envlock.errors import EnvlockError, WorkError
from envlock.locks import Busy
from envlock.progress import Progress
from envlock.system import contents, landing, make_folder, move, remove_tree, write_files
from envlock.trees import move_file, remove, remove_links, sync_folders

#: Where the records of packages are, which tell whose the rest is.
_WITH_RECORDS = {"lib", "Lib", "conda-meta"}
_MOST = 1 << 30  # bytes of a lock file that was written


def finish(folder: Path, journal: Journal, progress: Progress) -> None:
    """Remove what a replacement that is done left; what refuses is told, and stays."""
    if journal.old.is_dir():
        _keep(folder, journal, whose(journal.old, folder).theirs(), progress)
    for each in fixes(folder):
        remove(each.snapshot)
    # The lines go last: they tell what the rest is.
    for path in (journal.old, journal.aside, journal.built, journal.folder):
        remove_tree(path)  # as much as goes
        remove(path)


def take_back(
    folder: Path,
    journal: Journal,
    progress: Progress,
    *,
    keep_as: Path | None = None,
    stopped: bool = False,
) -> None:
    """Make the environment and its files what they were before a replacement.

    ``stopped``: by a kill, so that the user may have been at it since.

    Raises:
        WorkError: something cannot be moved or written.
    """
    if journal.old.is_dir():
        if stopped and _is_another(folder, journal):
            _leave(folder, journal, progress)
            return
        _take_apart(folder, journal, progress, keep_as=keep_as, stopped=stopped)
        move(journal.old, journal.aside)
        sync_folders(journal.folder)
    if journal.aside.is_dir():
        if (journal.aside / CONFIG).exists() and (folder / CONFIG).exists():
            _leave(folder, journal, progress)
            return
        _bring_back(folder, journal, progress)
    _restore_files(folder, journal, progress, stopped=stopped)
    remove(journal.built)
    remove(journal.folder)


def _is_another(folder: Path, journal: Journal) -> bool:
    """Whether somebody made an environment where a stopped envlock was building one."""
    keys = _configuration(folder)
    if keys is None or keys.get("envlock") == journal.first().get("id"):
        return False
    # uv has made it, and envlock has not marked it yet: then nothing is installed.
    unmarked = Event.VENV not in journal.events() and "uv" in keys
    return not (unmarked and not installed(folder))


def _configuration(folder: Path) -> dict[str, str] | None:
    """What pyvenv.cfg says; None where it is not there."""
    try:
        text = contents(folder / CONFIG).decode(errors="replace")
    except OSError:
        return None
    rows = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in rows}


def _leave(folder: Path, journal: Journal, progress: Progress) -> None:
    """Leave the environment that somebody made to them, and keep what was there before."""
    if mark(folder).get("transaction") == journal.first().get("id"):
        remove(folder / MARKER)
    _restore_files(folder, journal, progress, stopped=True)
    old = journal.old if journal.old.is_dir() else journal.aside
    target = kept_folder(folder) / journal.folder.name
    make_folder(target.parent)
    if any(old.iterdir()):
        move(old, target)
        progress.note(
            f"{folder}: it was made anew after an envlock that was stopped; what was there"
            f" before is kept in {target}"
        )
    remove(journal.folder)


def _take_apart(
    folder: Path, journal: Journal, progress: Progress, *, keep_as: Path | None, stopped: bool
) -> None:
    """Move what was built out of the way."""
    mine = whose(folder, folder, since=_last_line(journal))
    stayed = {*journal.first()["stayed"], MARKER}
    built = [name for name in mine.own_names() if name not in stayed]
    if stopped:
        _keep(folder, journal, mine.theirs(built), progress, folder)
    make_folder(journal.built)
    target = _set_apart(keep_as, journal, progress) if keep_as and built else journal.built
    for name in sorted(built, key=lambda each: each in _WITH_RECORDS):
        remove(target / name)
        move(folder / name, target / name)
    sync_folders(target, folder)
    remove(folder / MARKER)


def _last_line(journal: Journal) -> int:
    """When the last line was written: what is older was there while envlock was."""
    return journal.path.stat().st_mtime_ns


def _set_apart(keep_as: Path, journal: Journal, progress: Progress) -> Path:
    """Return where a failed environment goes, for a look: never over what is somebody else's."""
    try:
        if not keep_as.exists():
            why = ""
        elif not (why := _why_not_replaced(keep_as)):
            remove(keep_as)
        if not why and keep_as.parent.stat().st_dev != journal.folder.stat().st_dev:
            why = "it is on another file system"
        if not why:
            make_folder(keep_as)
            write_mark(keep_as, failed=True, transaction=journal.first().get("id"))
    except (OSError, EnvlockError) as error:
        why = str(error)
    if why:
        progress.note(f"the failed environment cannot be kept in {keep_as}: {why}")
        return journal.built
    progress.note(f"the failed environment is kept in {keep_as}")
    return keep_as


def _why_not_replaced(keep_as: Path) -> str:
    """Why what is kept from before stays: it is no failed one of envlock's, or has more in it."""
    marker = mark(keep_as)
    if keep_as.is_symlink() or not marker:
        return "another environment is there"
    made_anew = (keep_as / CONFIG).exists() and (_configuration(keep_as) or {}).get(
        "envlock"
    ) != marker.get("transaction")
    if not marker.get("failed") or made_anew:
        return "another environment is there"
    found = inventory(keep_as, environment=True)
    if found.repositories or found.mounts:
        return f"there is one with {(*found.repositories, *found.mounts)[0]} in it"
    return f"there is one with {found.words()}" if found.own else ""


def _bring_back(folder: Path, journal: Journal, progress: Progress) -> None:
    names = sorted(os.listdir(journal.aside), key=lambda each: each == CONFIG)  # noqa: PTH208
    for name in names:
        if os.path.lexists(folder / name):
            _keep(folder, journal, [folder / name], progress, folder)
        move(journal.aside / name, folder / name)
    sync_folders(folder, journal.aside)
    remove(journal.aside)


def _keep(
    folder: Path,
    journal: Journal,
    files: Iterable[Path],
    progress: Progress,
    root: Path | None = None,
) -> None:
    """Move what may be the user's to where it is kept, and tell it."""
    root = root or journal.old
    target = kept_folder(folder) / journal.folder.name
    kept = [*files]
    for file in kept:
        move_file(file, _room(target, file.relative_to(root)))
    if kept:
        names = ", ".join(sorted(str(each.relative_to(root)) for each in kept)[:3])
        more = f" and {len(kept) - 3} more" if len(kept) > 3 else ""  # noqa: PLR2004
        progress.note(
            f"{folder}: {names}{more}: envlock did not make this, and keeps it in {target}"
        )


def _room(target: Path, name: Path) -> Path:
    """Where a file is kept: a link in what is kept already may lead out of the environment."""
    number, folder = 0, target
    while not (folder / name).parent.resolve().is_relative_to(target.parent.resolve()):
        number += 1
        folder = target.with_name(f"{target.name}.{number}")
    return folder / name


def _restore_files(folder: Path, journal: Journal, progress: Progress, *, stopped: bool) -> None:
    """Put back the old bytes of the files that still hold what the replacement wrote."""
    for each in journal.saved():
        saved = None if each.before is None else journal.files / Path(each.before).name
        path = _place(each, folder, stopped=stopped)
        if path is None:
            _tell_others(Path(each.path), saved, progress)
        elif saved is None:
            remove(path)
        elif saved.is_file() and not saved.is_symlink():
            write_files({path: saved.read_bytes()})


def _place(file: SavedFile, folder: Path, *, stopped: bool) -> Path | None:
    """Where a file is and holds what was written; what is around it may have been moved.

    What a journal says is believed of the folder around the environment alone.
    """
    with suppress(OSError, RuntimeError, ValueError):
        near = Path(os.path.normpath(folder / file.near))
        around = near.parent.resolve().is_relative_to(folder.parent.resolve())
        if around and _holds(near, file.after):
            return near
    path = Path(file.path)
    return path if not stopped and _holds(path, file.after) else None


def _holds(path: Path, digest: str) -> bool:
    try:
        return hashlib.sha256(contents(path, _MOST)).hexdigest() == digest
    except (OSError, ValueError):
        return False


def _tell_others(path: Path, saved: Path | None, progress: Progress) -> None:
    """Tell of a file that is neither what it was before nor what was written."""
    with suppress(OSError, ValueError):
        if contents(path, _MOST) != (contents(saved, _MOST) if saved else None):
            progress.note(f"{path}: it was changed since, and stays as it is")


def environment_at(path: Path, progress: Progress, *, wait: bool = False) -> Path:
    """Return the Python of an environment, as `find_environment`, once it is put right.

    Raises:
        UsageError: there is no environment.
        WorkError: files cannot be restored, or with ``wait`` another envlock
            is at work there for too long.
    """
    place = place_of(path)
    if place is not None:
        recover(place, progress, wait=wait)
    return find_environment(path)


def recover(prefix: Path, progress: Progress, *, wait: bool = False) -> None:
    """Finish or take back what a stopped envlock left in an environment, and say so.

    Without ``wait`` one that another envlock changes, or that may not be
    written, is left as it is, and that is said.

    Raises:
        WorkError: files cannot be restored, or with ``wait`` another envlock
            is at work there for too long.
    """
    if not unsettled(prefix):
        return
    prefix = prefix.absolute()
    if not wait and closed(prefix) is not None:
        progress.note(
            f"{prefix}: an envlock was stopped while it changed this, and it may not be written"
            f" here; `envlock history {prefix}` puts it right where it may"
        )
        return
    try:
        with alone(prefix, progress, None if wait else 0):
            settle(prefix, progress)
    except WorkError as error:
        if wait:
            raise
        # Who only looks is told what there is to see.
        busy = isinstance(error, Busy)
        what = error.message if busy else f"{prefix}: an envlock was stopped, and {error.message}"
        progress.note(f"{what}; what is said here may be of before or after")


def settle(prefix: Path, progress: Progress) -> None:
    """Do the work of `recover` for who holds the environment already.

    The journal may have come with a stranger's folder: nothing is followed
    out of the environment, and no file beyond the folder around it is written.

    Raises:
        WorkError: files cannot be restored.
    """
    remove_links(home(prefix))
    remove_links(kept_folder(prefix))
    try:
        remove(trial_folder(prefix))
    except WorkError as error:
        progress.note(f"{prefix}: {error.message}; the next envlock tries it again")
    for journal in journals(prefix):
        remove_links(journal.folder)
        if not journal.lines():
            _remove_nameless(prefix, journal, progress)
            continue
        if journal.replaces or journal.state() is ChangeState.UNFINISHED:
            landing([prefix])
        if journal.replaces:
            _settle_replacement(prefix, journal, progress)
        elif journal.state() is ChangeState.UNFINISHED:
            settle_fix(prefix, journal, progress)


def _remove_nameless(prefix: Path, journal: Journal, progress: Progress) -> None:
    """Remove a journal that was never begun; one that was damaged may hold what there was."""
    if journal.holds():
        progress.note(f"{prefix}: {journal.path} is damaged; what it was to bring back stays there")
    else:
        remove(journal.folder)


def _settle_replacement(prefix: Path, journal: Journal, progress: Progress) -> None:
    if Event.COMMIT not in journal.events():
        take_back(prefix, journal, progress, stopped=True)
        progress.note(f"{prefix}: an installation that was stopped has been rolled back")
        return
    try:
        finish(prefix, journal, progress)
    except WorkError as error:
        progress.note(
            f"{prefix}: what was replaced cannot be removed: {error.message};"
            " the next envlock tries it again"
        )
