"""What a lock has from a place and not from an index, as it is installed: after all else."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from envlock.builds import Direct, DirectKind
from envlock.environment.create import install
from envlock.errors import UsageError
from envlock.formats.comments import own_command
from envlock.formats.declared import Declared, declared
from envlock.formats.direct import line_of, path_of
from envlock.model import IndexSettings, Lock, LockedPackage, Part
from envlock.progress import Progress
from envlock.system.looking import is_file, is_folder


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
    lines: dict[bool, list[str]] = {False: [], True: []}
    for package in part.pypi:
        direct = package.direct
        if direct is None:
            continue
        found = _base_of(package, direct, base)
        if direct.kind is DirectKind.DIRECTORY:
            where = path_of(direct, found)
            progress.note(f"{package.name} is built of {where}, which runs its code")
        lines[direct.editable].append(line_of(package, base=found))
    for each in lines.values():
        if each:
            install(python, each, settings, progress, alone=True)


def _base_of(package: LockedPackage, direct: Direct, base: Path) -> Path:
    """What a path is from: the folder of the lock, or the current one where it was made.

    Raises:
        UsageError: neither has it.
    """
    if not direct.is_local:
        return base
    for each in (base, Path()):
        place = path_of(direct, each)
        if direct.kind is DirectKind.ARCHIVE and is_file(place):
            return each
        said = declared(place) if is_folder(place) else Declared(is_project=False)
        if said.is_project and canonicalize_name(said.name) in {"", package.name}:
            return each
    raise UsageError(
        f"{package.name} is from {direct.url}, and it is not there from {base.absolute()}",
        "bring it there, or lock anew where it is: envlock lock",
    )


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
