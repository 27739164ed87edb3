"""One file that takes new bytes and keeps all else: its owner, group, mode, ACL, attributes, links.

A file is replaced by renaming, which is whole at every instant, where the new
one can be made like it. Where renaming would lose something (a second hard
link, an owner or an attribute that this user may not give) or is refused (a
file that is a mount point, a folder that is read-only), the bytes are written
into the file that is there; a complete copy of the old ones lies beside it, or
in the temporary folder, until the new ones are on disk. Only where neither
keeps everything, as in one's own folder a file of another user that may not be
written, is it replaced all the same; `lost_by_replacing` tells before.

Files that lie beside a file while it is written are held, as a lock is, by the
envlock that made them; the kernel lets go of them however that ends. So what has
such a name and is held by nobody is left over, and the next envlock that writes
a file in that folder removes it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from envlock.system.disks import FULL

if sys.platform != "win32":
    import fcntl
    import pwd

#: ".NAME.envlock-DIGEST-RANDOM": the digest is of what is to be written, and a copy of what was
#: there has OLD behind it. A name may have 255 bytes, and a character four.
OLD = ".old"
_SHOWN = 50
_NAME = re.compile(r"\.(?:.+\.)?envlock-([0-9a-f]{8})-[0-9a-z_]{8}(?:\.old)?", re.DOTALL)
# Read once: there is no way to read it without setting it, for all threads.
_UMASK = os.umask(0)
os.umask(_UMASK)
#: What a renaming is answered with where the file is a mount point.
_MOUNTED = {errno.EBUSY, errno.EXDEV}


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


class FileReplacement:
    """The new bytes of one file, on their way: staged, then applied, undone or done.

    ``path`` is the file itself: links are resolved before. Every step raises
    OSError as the system does, and leaves the file as it was.
    """

    def __init__(self, path: Path, content: bytes, *, lasting: bool) -> None:
        self.path = path
        self.before: Path | None = None  # a complete copy of the old file, or a link to it
        self._content = content
        self._lasting = lasting
        self._staged: Path | None = None
        self._old: bytes | None = None  # the old bytes, where they are written over
        self._applied = False
        self._held: list[int] = []

    def stage(self) -> None:
        """Put the new bytes, and the old ones where there are any, safely beside the file."""
        if self._lasting:
            clear_left(self.path)
        try:
            there: os.stat_result | None = self.path.lstat()
        except FileNotFoundError:
            there = None
        if there is not None and not stat.S_ISREG(there.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        try:
            self._staged = self._write_beside(self.path, self._content)
        except OSError as error:
            if there is None or error.errno in FULL or not may_be_written(self.path):
                raise
        if there is None:
            assert self._staged is not None  # noqa: S101  (or it was raised)
            self._staged.chmod(0o666 & ~_UMASK)
            return
        alike = self._staged is not None and _made_like(self._staged, self.path)
        if not (alike and there.st_nlink == 1) and may_be_written(self.path):
            self._write_over()
        elif self._staged is not None:
            self.before = _second_name(self.path, self._staged)
            self._held += hold(self.before)
        if self.before is None:
            self.before = self._copied()

    def apply(self) -> None:
        """Give the file its new bytes."""
        if self._staged is not None:
            self._applied = True  # from here on an interrupt cannot tell
            try:
                self._staged.replace(self.path)
            except OSError as error:
                self._applied = False
                if error.errno not in _MOUNTED or self.before is None:
                    raise
                self._write_over()
                if self.before.samefile(self.path):
                    self.before.unlink()
                    self.before = self._copied()
            else:
                return
        self._applied = True  # and here, that half of it may be there
        overwrite(self.path, self._content)

    def undo(self) -> None:
        """Give the file its old bytes again, or remove it where there was none."""
        if not self._applied:
            return
        if self._old is not None:
            overwrite(self.path, self._old)
        elif self.before is None:
            self.path.unlink(missing_ok=True)
        else:
            self.before.replace(self.path)
        self._applied = False

    def clear(self, *, keep_old: bool = False) -> None:
        """Remove what lies beside the file, or what does but the old bytes."""
        for path in (self._staged, None if keep_old else self.before):
            if path is not None:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
        let_go(self._held)

    def _write_over(self) -> None:
        """Go on without renaming."""
        self._old = self.path.read_bytes()
        if self._staged is not None:
            self._staged.unlink(missing_ok=True)
            self._staged = None

    def _copied(self) -> Path:
        old = self.path.read_bytes() if self._old is None else self._old
        try:
            copy = self._write_beside(self.path, old, suffix=OLD)
        except OSError as error:
            if error.errno in FULL or self._staged is not None:
                raise
            folder = Path(tempfile.gettempdir())
            copy = self._write_beside(folder / self.path.name, old, suffix=OLD)
        _made_like(copy, self.path)
        return copy

    def _write_beside(self, path: Path, content: bytes, *, suffix: str = "") -> Path:
        descriptor, temporary = make_beside(path.parent, path.name, self._content, suffix=suffix)
        try:
            with os.fdopen(descriptor, "wb", closefd=sys.platform == "win32") as stream:
                stream.write(content)
                stream.flush()
                if self._lasting:
                    os.fsync(stream.fileno())
        except BaseException:
            let_go([descriptor])
            temporary.unlink(missing_ok=True)
            raise
        if sys.platform != "win32":  # where an open file cannot be renamed
            self._held.append(descriptor)
        return temporary


def overwrite(path: Path, content: bytes) -> None:
    """Write into the file that is there, and give its blocks back only when all is written."""
    handle = os.open(path, os.O_WRONLY | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "wb", buffering=0) as stream:
        rest = memoryview(content)
        while rest:
            rest = rest[stream.write(rest) :]
        stream.truncate(len(content))
        os.fsync(stream.fileno())


def may_be_written(path: Path) -> bool:
    """Whether the bytes of a regular file can be changed where it is."""
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError:
        return False
    return True


def lost_by_replacing(path: Path) -> tuple[str, ...]:
    """What `FileReplacement` cannot keep of a file that is there, in words; () for nothing."""
    there = path.lstat()
    if may_be_written(path) or os.name == "nt":
        return ()
    lost: list[str] = []
    if there.st_uid != os.geteuid() and os.geteuid() != 0:
        lost.append(f"its owner {owner_of(there)}, who lets nobody else write to it")
    if there.st_nlink > 1:
        lost.append(f"{there.st_nlink - 1} other name{'s' * (there.st_nlink > 2)} (hard links)")  # noqa: PLR2004
    return tuple(lost)


def owner_of(status: os.stat_result) -> str:
    """The name of the user whose a file is, or its number."""
    if sys.platform != "win32":
        with suppress(KeyError):
            return pwd.getpwuid(status.st_uid).pw_name
    return f"user {status.st_uid}"


def _second_name(path: Path, staged: Path) -> Path | None:
    """Link the old file beside itself; None where the file system or a mount has no links."""
    link = staged.with_name(f"{staged.name}{OLD}")
    try:
        os.link(path, link)
    except OSError:
        return None
    return link


def _made_like(new: Path, old: Path) -> bool:
    """Give a new file the mode, owner, group and attributes of another; whether it has them all."""
    try:
        shutil.copymode(old, new)
        wanted, made = old.lstat(), new.lstat()
        if os.name == "posix" and (made.st_uid, made.st_gid) != (wanted.st_uid, wanted.st_gid):
            os.chown(new, wanted.st_uid, wanted.st_gid)
        if hasattr(os, "listxattr"):
            _copy_attributes(new, old)
    except OSError:
        return False
    return True


def _copy_attributes(new: Path, old: Path) -> None:
    """Copy the extended attributes, of which ACLs are some, and drop what the folder gave."""
    try:
        wanted = {name: os.getxattr(old, name) for name in os.listxattr(old)}
        given = {name: os.getxattr(new, name) for name in os.listxattr(new)}
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        return
    for name in given.keys() - wanted.keys():
        os.removexattr(new, name)
    for name, value in wanted.items():
        if given.get(name) != value:
            os.setxattr(new, name, value)
