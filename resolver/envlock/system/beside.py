"""Files that lie beside a file while it is written, and what a killed envlock left of them.

Each is held, as a lock is, by the envlock that made it; the kernel lets go of
it however that ends. So what has such a name and is held by nobody is left
over, and the next envlock that writes a file in that folder removes it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

#: ".NAME.envlock-DIGEST-RANDOM": the digest is of what is to be written, and a copy of what was
#: there has OLD behind it. A name may have 255 bytes, and a character four.
OLD = ".old"
_SHOWN = 50
_NAME = re.compile(r"\.(?:.+\.)?envlock-([0-9a-f]{8})-[0-9a-z_]{8}(?:\.old)?", re.DOTALL)


def make_beside(folder: Path, name: str, content: bytes, *, suffix: str = "") -> tuple[int, Path]:
    """Make an empty file beside one that is to have this content; return it open, and held."""
    digest = _digest(content)
    descriptor, made = tempfile.mkstemp(suffix, f"{_start(name)}{digest}-", folder)
    return _hold(descriptor), Path(made)


def hold(path: Path | None) -> Iterator[int]:
    """Hold a file that is there already, as far as it lets itself be opened; give it open."""
    if path is not None and sys.platform != "win32":
        with suppress(OSError):
            yield _hold(os.open(path, os.O_RDONLY | os.O_NONBLOCK))


def let_go(descriptors: list[int]) -> None:
    """Hold no longer."""
    while descriptors:
        with suppress(OSError):
            os.close(descriptors.pop())


def clear_left(path: Path) -> None:
    """Remove what killed envlocks left beside a file, and of trials of its folder.

    Old bytes stay where they may be the only whole ones: the file holds
    neither them nor what was being written over them.
    """
    if sys.platform == "win32":  # nothing says there who holds a file
        return
    starts = (_start(path.name), _start(""))
    with suppress(OSError), os.scandir(path.parent) as found:
        for name in [each.name for each in found if each.name.startswith(starts)]:
            with suppress(OSError):
                _remove(path.with_name(name), path)


def _remove(left: Path, path: Path) -> None:
    descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        named = _NAME.fullmatch(left.name)
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        if named and regular and _is_free(descriptor) and not _is_needed(left, path, named[1]):
            left.unlink()
    finally:
        os.close(descriptor)


def _is_needed(left: Path, path: Path, digest: str) -> bool:
    if not left.name.endswith(OLD):
        return False
    now = path.read_bytes()
    return now != left.read_bytes() and _digest(now) != digest


def _start(name: str) -> str:
    return f".{name[:_SHOWN]}.envlock-" if name else ".envlock-"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]


def _hold(descriptor: int) -> int:
    if sys.platform != "win32":
        with suppress(OSError):  # a file system without locks: then nothing is ever removed
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return descriptor


def _is_free(descriptor: int) -> bool:
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
