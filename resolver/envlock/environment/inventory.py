"""What is in a folder that an environment is to replace, as it is told."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from envlock.environment.whose import Owner, Whose, device_of, entries_of, whose
from envlock.system.looking import mounted_below, shown
from envlock.words import counted

#: A repository has these, as a folder or as the file that leads to one.
_REPOSITORIES = frozenset(
    {".git", ".hg", ".svn", ".bzr", "_darcs", ".fossil", ".fslckout", "_FOSSIL_", ".jj", ".pijul"}
    | {"CVS", "RCS", "SCCS", "_MTN"}
)
_ENOUGH = 100_000  # files, after which it is only said that there are more
_NAMED = 3


class Inventory(Struct, kw_only=True):
    """What was found below a folder.

    ``own`` is how many files are somebody's own, ``named`` the first of them,
    ``repositories`` and ``mounts`` are folders below it, all as paths from it.
    """

    files: int = 0
    own: int = 0
    named: list[str] = []
    repositories: list[str] = []
    mounts: list[str] = []

    def words(self) -> str:
        """How many files no environment has, and which."""
        more = ", ..." if self.own > len(self.named) else ""
        return f"{files(self.own)} that no environment has: {', '.join(self.named)}{more}"


def files(number: int) -> str:
    """A number of files as it is told."""
    return f"more than {_ENOUGH:,} files" if number > _ENOUGH else counted(number, "file")


def inventory(folder: Path, *, environment: bool) -> Inventory:
    """Look at everything below a folder; where it is no ``environment``, all is somebody's own.

    Raises:
        UsageError: something there may not be looked at.
    """
    found = Inventory(mounts=[shown(each) for each in mounted_below(folder)])
    device = folder.stat().st_dev
    tells = whose(folder, folder) if environment else Whose(root=folder, prefix=folder)
    for entry, name, owner in tells.entries():
        if entry.name in _REPOSITORIES:
            found.repositories.append(shown(name))
        if entry.is_dir(follow_symlinks=False):
            if device_of(entry) not in {device, None}:
                found.mounts.append(shown(name))
            continue
        found.files += 1
        if owner is Owner.SOMEBODY or not environment:
            found.own += 1
            if len(found.named) < _NAMED:
                found.named.append(shown(name))
        if found.own > _ENOUGH:
            break
    return found


def is_empty(folder: Path) -> bool:
    """Whether nothing is there but what a file system, or a start that was stopped, leaves."""
    return all(
        name in {"lost+found", ".envlock"} or name.startswith(".envlock.json.")
        for name in (each.name for each in entries_of(str(folder)))
    )
