"""Files that are fetched: kept under their names only once they are what was asked for."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from envlock.errors import WorkError
from envlock.system.disks import cannot_write
from envlock.system.writing import landing, taken_back

_CHUNK = 1 << 20


class Mismatch(Exception):
    """What came is not what was asked for; ``digest`` is its sha256, "" where it was too long."""

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest


def store(
    target: Path, parts: Iterable[bytes], wanted: Collection[str] | None, most: int | None
) -> str:
    """Write what comes beside a file, and give it the file's name if its sha256 is a wanted one.

    ``most`` are the bytes that it may have; None wants any. The sha256 is returned.

    Raises:
        Mismatch: it is something else, and nothing is kept of it.
        WorkError: it cannot be written, or the disk is full.
    """
    beside = target.with_name(f".{target.name}.part")
    digest, size = hashlib.sha256(), 0
    try:
        with beside.open("wb") as stream:
            for part in parts:
                size += len(part)
                if most is not None and size > most:
                    raise Mismatch("")
                digest.update(part)
                stream.write(part)
        if wanted is not None and digest.hexdigest() not in wanted:
            raise Mismatch(digest.hexdigest())
        beside.replace(target)
        return digest.hexdigest()
    except OSError as error:
        raise cannot_write(str(target), error, target.parent, size) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def parts_of(path: Path) -> Iterator[bytes]:
    """Yield a regular file in parts; a link is not followed.

    Raises:
        OSError: it cannot be read, or is none.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "is no regular file")
        while part := stream.read(_CHUNK):
            yield part


def digest_of(path: Path) -> str:
    """Return the sha256 of a regular file; "" where there is none."""
    digest = hashlib.sha256()
    try:
        for part in parts_of(path):
            digest.update(part)
    except OSError:
        return ""
    return digest.hexdigest()


def share(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where that cannot be.

    Raises:
        WorkError: it cannot be written.
    """
    try:
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target, follow_symlinks=False)
    except OSError as error:
        raise cannot_write(str(target), error, target.parent, source.stat().st_size) from error


def remove_file(path: Path) -> None:
    """Remove a file or a link; a folder goes with what is in it, and a missing one is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def swap(staged: Path, place: Path) -> None:
    """Put a folder in the place of another, which is gone afterwards, or of none.

    Raises:
        WorkError: it cannot be renamed; what was there is there again.
    """
    old = place.with_name(f".{place.name}.old")
    landing((place,))
    try:
        shutil.rmtree(old, ignore_errors=True)
        if place.exists():
            place.rename(old)
        try:
            staged.rename(place)
        except OSError:
            if old.exists():
                old.rename(place)
            raise
    except OSError as error:
        taken_back()
        raise WorkError(f"cannot put {staged} in the place of {place}: {error.strerror}") from error
    shutil.rmtree(old, ignore_errors=True)
