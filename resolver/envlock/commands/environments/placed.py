"""What a lock has from a place and not from an index, as it is installed: after all else."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from envlock.builds import DirectKind
from envlock.environment.create import install
from envlock.errors import UsageError
from envlock.formats.comments import own_command
from envlock.formats.direct import line_of
from envlock.model import IndexSettings, Lock, LockedPackage, Part
from envlock.progress import Progress


def listed(part: Part) -> Part:
    """Return a part with the packages that an index lists alone."""
    return replace(part, pypi=tuple(each for each in part.pypi if each.direct is None))


def install_places(
    python: Path, part: Part, base: Path, settings: IndexSettings, progress: Progress
) -> None:
    """Install what is from a place, without what it needs; folders that are worked on last.

    Raises:
        WorkError: one cannot be fetched, built or installed, or is not what was locked.
    """
    placed = [each for each in part.pypi if each.direct is not None]
    for editable in (False, True):
        lines = [
            line_of(each, base=base)
            for each in placed
            if (each.direct is not None and each.direct.editable) is editable
        ]
        if lines:
            install(python, lines, settings, progress, alone=True)


def refuse_unallowed(lock: Lock, part: Part) -> None:
    """Refuse to build what nobody allowed to be built when it was locked.

    A folder of this machine is the user's own.

    Raises:
        UsageError: it is source of a repository or an archive, and the lock says nothing of it.
    """
    sources = [each.name for each in part.pypi if _is_source(each) and each.built is None]
    if sources:
        again = own_command(lock.command) or "envlock lock"
        allowed = " ".join(f"--allow-build {name}" for name in sources)
        raise UsageError(
            f"{' and '.join(sources)} {'are' if sources[1:] else 'is'} locked as source, and to"
            " install it is to build it, which runs its code",
            f"{again} {allowed}",
        )


def _is_source(package: LockedPackage) -> bool:
    direct = package.direct
    if direct is None or direct.kind is DirectKind.DIRECTORY:
        return False
    return direct.is_git or not direct.url.lower().endswith(".whl")
