"""A bundle on disk: ``DIR/LOCK``, ``DIR/wheels`` and a note of whose it is.

It is made beside its place, and takes the place whole. What came of one that
was stopped stays beside it, and is not fetched again.

One that is read may be a stranger's: a lock's hashes say which files are
installed, no link in it is followed, and a file whose name is that of no
distribution is refused, since an installer may read a page for its links.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.bundle.wanted import named
from envlock.errors import DiskFull, UsageError, WorkError
from envlock.formats.registry import format_of
from envlock.index.downloads import download
from envlock.model import DistributionFile, IndexSettings, Part
from envlock.progress import Progress
from envlock.system import (
    digest_of,
    exclusive,
    make_folder,
    remove_file,
    remove_tree,
    room_in,
    room_words,
    share,
    size_words,
    swap,
    write_texts,
)
from envlock.system.looking import current_folder, exists, is_folder
from envlock.words import counted

WHEELS = "wheels"
MARK = "envlock-bundle.json"
_HELD = ".held"


class Bundle(Struct, frozen=True, kw_only=True):
    """A bundle: its lock, the folder of its wheels, and what is in that."""

    lock: Path
    wheels: Path
    there: Mapping[tuple[NormalizedName, Version], tuple[str, ...]]

    def settings(self, settings: IndexSettings) -> IndexSettings:
        """Return the settings of an install that takes files from here alone."""
        return replace(
            settings,
            no_index=True,
            extra_index_urls=(),
            find_links=(self.wheels.absolute().as_uri(),),
            sources=(),
            offline=True,
            refresh=False,
        )

    def refuse_lacking(self, part: Part) -> None:
        """Make sure that each pin has a file.

        Raises:
            WorkError: some have none.
        """
        lacks = [
            f"{p.name} {p.version}" for p in part.pypi if (p.name, p.version) not in self.there
        ]
        if lacks:
            place = f" for {part.platform}" if part.platform else ""
            raise WorkError(
                f"the bundle {self.wheels.parent} lacks {', '.join(lacks)}{place}",
                "where there is a network: envlock bundle LOCK -o DIR, and copy it here",
            )


class Written(Struct, frozen=True, kw_only=True):
    """What was made: the files of a bundle, those that were fetched, and all of their bytes."""

    files: tuple[str, ...]
    fetched: tuple[str, ...]
    size: int


def read_bundle(folder: Path) -> Bundle:
    """Return the bundle in a folder.

    Raises:
        UsageError: it is none, or has something in it that is in none.
    """
    wheels = folder / WHEELS
    if not is_folder(wheels) or wheels.is_symlink():
        raise UsageError(
            f"{folder}: no bundle: there is no folder {wheels}", "envlock bundle LOCK -o DIR"
        )
    locks = [
        each
        for each in sorted(folder.iterdir())
        if each.name != MARK and not each.is_symlink() and each.is_file() and format_of(each)
    ]
    if len(locks) != 1:
        found = " and ".join(each.name for each in locks) or "none"
        raise UsageError(f"{folder}: no bundle: one lock is wanted there, and there is {found}")
    there: dict[tuple[NormalizedName, Version], tuple[str, ...]] = {}
    for each in sorted(wheels.iterdir()):
        key = named(each.name)
        if each.is_symlink() or not each.is_file() or key is None:
            what = "a link" if each.is_symlink() else "not the file of a distribution"
            raise UsageError(f"{each}: {what}, which a bundle has not", "make the bundle anew")
        there[key] = (*there.get(key, ()), each.name)
    return Bundle(lock=locks[0], wheels=wheels, there=there)


def refuse_occupied(folder: Path) -> None:
    """Make sure that a bundle may take the place of what is there.

    Raises:
        UsageError: it is something else, or around where envlock works.
    """
    if not exists(folder):
        if not is_folder(folder.absolute().parent):
            raise UsageError(
                f"{folder}: there is no folder {folder.parent}", f"mkdir {folder.parent}"
            )
        return
    if current_folder().is_relative_to(folder.resolve()):
        raise UsageError(f"-o {folder}: a bundle is a folder of its own", "-o bundle")
    if not is_folder(folder) or (not (folder / MARK).exists() and any(folder.iterdir())):
        raise UsageError(
            f"{folder} is there, and is no bundle of envlock's; it is left as it is", "-o OTHER"
        )


class Content(Struct, frozen=True, kw_only=True):
    """What goes into a bundle: the name and the text of the lock, and its files."""

    lock: str
    text: str
    files: tuple[DistributionFile, ...]
    platforms: tuple[str, ...]


def write_bundle(
    place: Path, content: Content, settings: IndexSettings, progress: Progress
) -> Written:
    """Make a bundle, whole or not at all.

    Raises:
        DiskFull: it does not fit.
        IndexFailure: a file cannot be fetched; what came is kept for the next time.
        InstallFailure: a file is not the one that was locked.
        WorkError: something cannot be written.
    """
    place = place.resolve() if exists(place) else place.absolute()
    staged = place.with_name(f".{place.name}.partial")
    make_folder(staged / WHEELS)
    with exclusive(staged / _HELD, tell=progress.note), _kept(staged, place, progress):
        make_folder(staged / WHEELS)  # whoever was waited for may have taken it away
        lacks = _lacking(place / WHEELS, staged / WHEELS, content.files)
        _refuse_cramped(staged, lacks)
        total = sum(file.size or 0 for file in lacks)
        title = f"fetch {counted(len(lacks), 'file')}" + (f", {size_words(total)}" if total else "")
        if lacks:
            with progress.phase(title):
                download(lacks, staged / WHEELS, settings, progress)
        mark = {"schema": 1, "lock": content.lock, "platforms": content.platforms}
        texts = {staged / content.lock: content.text, staged / MARK: json.dumps(mark) + "\n"}
        write_texts(texts)
    remove_file(staged / _HELD)
    swap(staged, place)
    names = tuple(file.filename for file in content.files)
    size = sum((place / WHEELS / name).stat().st_size for name in names)
    return Written(files=names, fetched=tuple(file.filename for file in lacks), size=size)


@contextmanager
def _kept(staged: Path, place: Path, progress: Progress) -> Iterator[None]:
    """Keep what has come where the block fails, and say where; without any, leave nothing."""
    try:
        yield
    except BaseException:
        there = [each.name for each in (staged / WHEELS).iterdir()]
        came = [name for name in there if not exists(place / WHEELS / name)]
        if came:
            progress.note(
                f"the same command goes on from what has come: {counted(len(came), 'file')} in"
                f" {staged}"
            )
        else:
            remove_tree(staged)
        raise


def _lacking(
    before: Path, wheels: Path, files: Iterable[DistributionFile]
) -> tuple[DistributionFile, ...]:
    """The files that have to be fetched; what an older bundle has is taken over."""
    lacks: list[DistributionFile] = []
    wanted = {file.filename: file for file in files}
    for each in wheels.iterdir():
        file = wanted.get(each.name)
        if file is None or digest_of(each) != file.hashes["sha256"]:
            remove_file(each)
    for name, file in wanted.items():
        if exists(wheels / name):
            continue
        if digest_of(before / name) == file.hashes["sha256"]:
            share(before / name, wheels / name)
        else:
            lacks.append(file)
    return tuple(lacks)


def _refuse_cramped(folder: Path, files: Sequence[DistributionFile]) -> None:
    wanted = sum(file.size or 0 for file in files)
    with suppress(OSError):
        _, free = room_in(folder)
        if wanted > free:
            raise DiskFull(
                f"the bundle does not fit: {size_words(wanted)} are still to come, and"
                f" {room_words(folder)}",
                "-o /a/folder/with/room",
            )
