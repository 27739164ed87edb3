"""The lock that lies in a folder: which file it is, and what it was made with."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path

from msgspec import Struct

from envlock.choices import Format
from envlock.errors import EnvlockError, UsageError
from envlock.formats.comments import read_heading
from envlock.formats.lock_rows import for_platform
from envlock.formats.registry import LOCKS, beside, format_of, read_lock
from envlock.model import Recorded
from envlock.system import read_text
from envlock.system.looking import current_folder, exists, is_file
from envlock.targets.platforms import KNOWN

#: In which order the formats count, where a folder has several: what pip installs first.
_ORDER = (
    Format.REQUIREMENTS,
    Format.PYLOCK,
    Format.CONDA_LOCK,
    Format.PIXI,
    Format.EXPLICIT,
    Format.ENVIRONMENT,
)


class Beside(Struct, frozen=True, kw_only=True):
    """A lock in a folder, as its heading describes it.

    ``ours`` says that envlock wrote it, ``python`` is the X.Y of pip's
    packages, "" where there are several or the file does not tell; ``places``
    are its platforms, empty where it does not tell.
    """

    path: Path
    format: Format
    ours: bool
    of_conda: bool
    python: str
    places: frozenset[str]
    digest: str
    asked: Recorded


def look(path: Path) -> Beside | None:
    """Return what the heading of a lock says; None of a file that is none, or cannot be read."""
    with suppress(EnvlockError, OSError):
        text = read_text(path)
        kind = format_of(path, text)
        if kind is None:
            return None
        heading = read_heading(text.splitlines())
        of_conda = LOCKS[kind].conda and (kind is not Format.ENVIRONMENT or not heading.targets)
        found = Beside(
            path=path,
            format=kind,
            ours=heading.ours,
            of_conda=of_conda,
            python=heading.target[0],
            places=frozenset((heading.subdir, *(each for _, each in heading.targets))) - {""},
            digest=heading.request_digest,
            asked=heading.asked,
        )
        return _in_tables(path, text) if kind is Format.PYLOCK else found
    return None


def _in_tables(path: Path, text: str) -> Beside:
    """What a pylock.toml says of itself."""
    lock = read_lock(path.name, text)
    pythons = {each.python for each in lock.parts}
    return Beside(
        path=path,
        format=Format.PYLOCK,
        ours=bool(lock.request_digest),
        of_conda=False,
        python=pythons.pop() if len(pythons) == 1 else "",
        places=frozenset(each.platform for each in lock.parts) - {""},
        digest=lock.request_digest,
        asked=lock.asked,
    )


def locks_in(folder: Path) -> Iterator[Beside]:
    """Yield the locks of envlock in a folder, in the order in which they count.

    Raises:
        UsageError: it is the current folder, and that is gone.
    """
    if folder == Path():
        current_folder()
    seen: set[Path] = set()
    for path in _names(folder):
        if path in seen or not is_file(path):
            continue
        seen.add(path)
        found = look(path)
        if found is not None and found.ours:
            yield found


def usual_lock(found: Sequence[Beside]) -> Path:
    """Return the lock that is meant where none is named: envlock's first, else another tool's."""
    if found:
        return found[0].path
    return next((each for each in _OF_OTHERS if is_file(each)), _OF_OTHERS[0])


#: Locks of other tools, where envlock wrote none.
_OF_OTHERS = (Path("requirements.txt"), Path("pylock.toml"), Path("conda-lock.yml"))


def refuse_missing(path: Path, command: str) -> None:
    """Refuse a lock that is not there, and name the one in this folder for the ``command``.

    Raises:
        UsageError: it is not there.
    """
    if exists(path):
        return
    there = next(locks_in(Path()), None)
    raise UsageError(
        f"{path}: there is no such lock",
        f"{command} {shlex.quote(there.path.as_posix())}" if there else "envlock lock",
    )


def _names(folder: Path) -> Iterator[Path]:
    """Every name that envlock gives to a lock: the plain ones, then those of one platform."""
    rows = [LOCKS[kind] for kind in _ORDER]
    plain = [each for row in rows for own in [Path(row.filename)] for each in (own, beside(own))]
    yield from (folder / each for each in plain)
    known = sorted(KNOWN, key=attrgetter("conda"))
    for path in plain:
        yield from (folder / for_platform(path, str(each.platform)) for each in known)
    for row in rows:
        yield from (folder / row.name_on(each.conda, alone=False) for each in known)
