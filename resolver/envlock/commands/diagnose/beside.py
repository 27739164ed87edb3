"""How an environment differs from the lock beside it: a note, since nothing breaks by that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from envlock.commands.environments.drift import Closeness, Drift, drift_brief, drift_of
from envlock.commands.files.diff import Way
from envlock.errors import EnvlockError
from envlock.findings import Examined
from envlock.formats.registry import read_lock
from envlock.locking.beside import locks_in
from envlock.model import Lock, Part
from envlock.system import read_text
from envlock.system.looking import current_folder
from envlock.system.typed import command
from envlock.targets.subdirs import platform_of
from envlock.versions import minor_of


def beside(examined: Examined) -> Iterator[str]:
    """Yield a note where the environment is not what the lock in the folder around it says.

    Of several locks the one that differs least counts. Only envlock's own do:
    of another file nobody can tell whether it holds all that is installed.
    """
    prefix = Path(examined.origin)
    found = [(_drift(prefix, part), path) for path, part in _parts(prefix, examined)]
    drift, path = min(found, key=lambda each: len(each[0].moved), default=(None, Path()))
    if drift is not None and drift.moved:
        place, lock = _near(prefix), _near(path)
        where = () if place == Path(".venv") else ("--env", place)
        sync = command("envlock", "sync", lock, *where)
        told = "; ".join(drift_brief(drift))
        yield f"{place} differs from {lock}: {told}; `{sync}` makes it equal"


def _drift(prefix: Path, part: Part) -> Drift:
    """The difference, but for what can be chosen and was not."""
    drift = drift_of(prefix, part, Closeness(files=False))
    chosen = {each.name for each in part.pypi if each.only}
    moved = (each for each in drift.moved if each.way is not Way.ADDED or each.name not in chosen)
    return replace(drift, moved=tuple(moved))


def _parts(prefix: Path, examined: Examined) -> Iterator[tuple[Path, Part]]:
    """The locks around an environment that are for its Python and platform."""
    if examined.python is None or examined.platform is None:
        return
    place = f"{examined.platform.system}-{examined.platform.machine}"
    for found in locks_in(prefix.parent):
        try:
            lock = read_lock(found.path.name, read_text(found.path))
        except EnvlockError:  # who installs it is told why
            continue
        part = _part(lock, place)
        if part is not None and part.python in {"", minor_of(examined.python)}:
            yield found.path, part


def _part(lock: Lock, place: str) -> Part | None:
    """The part for a platform."""
    for each in lock.parts:
        own = each.platform or (str(platform_of(each.subdir)) if each.subdir else "")
        if own in {"", place}:
            return each
    return None


def _near(path: Path) -> Path:
    """A path from the current folder, where it is inside."""
    here = current_folder()
    return path.relative_to(here) if path.is_relative_to(here) else path
