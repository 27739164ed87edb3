"""Reading what a user's file says: what may be read, how much of it, and as which text.

A file is a regular one, or a pipe where the user named it. Nothing is read
beyond the ceiling of its kind, so that no file, however long it is or grows,
takes the machine's memory or its time.

A clone may hold a link to a file of the user's own, whose text a message about
it would show to whoever reads the log of a CI job: what is wrong in a file that
a link leads to out of the project is told by its place alone.
"""

from __future__ import annotations

import codecs
import errno
import os
import re
import select
import shlex
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

from msgspec import Struct

from envlock.errors import EnvlockError, UsageError, refuse_conflict

_MARKS = ("pyproject.toml", ".git")
_PLACES = 20  # that are named
#: Where each of them leads, by the path that was read.
_led: dict[str, str] = {}
_MEGABYTE = 1 << 20
_CHUNK = 1 << 18  # bytes that are read at once: between two, signals are obeyed
#: The most that is read of a file, by the end of its name.
_CEILINGS = {
    ".ipynb": 64 * _MEGABYTE,
    ".json": 32 * _MEGABYTE,
    ".toml": 8 * _MEGABYTE,
    ".yaml": 8 * _MEGABYTE,
    ".yml": 8 * _MEGABYTE,
}
_CEILING = 16 * _MEGABYTE
_MOST_LINES = 250_000
_MOST_DIGITS = 1000  # of one number; Python refuses to read more than 4,300
_LONG_NUMBER = re.compile(rf"(?<![\d_])[\d_]{{{_MOST_DIGITS}}}")
#: A log that is longer is read at both ends: what was started stands at its head, the error
#: at its tail.
_WHOLE_LOG, _HEAD, _TAIL = 10 * _MEGABYTE, 2 * _MEGABYTE, 8 * _MEGABYTE
_MOST_OF_A_STREAM = 512 * _MEGABYTE
_UNOPENED = 1.0  # seconds that a pipe waits for somebody who writes to it
_SILENT = 600.0  # seconds that such a writer may say nothing
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
#: The mark of UTF-32 begins as one of UTF-16 does, so it comes first.
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: A comment in one of the first two lines that names an encoding (PEP 263), as pip reads it.
_SAID = re.compile(rb"\A(?:#[^\n]*\n|[ \t]*\r?\n)?#[^\n]*?coding[:=][ \t]*([-\w.]+)")
_KINDS = (
    (stat.S_ISDIR, "it is a folder, not a file"),
    (stat.S_ISFIFO, "it is a pipe, not a file"),
    (stat.S_ISSOCK, "it is a socket, not a file"),
    (stat.S_ISBLK, "it is a device, not a file"),
    (stat.S_ISCHR, "it is a device, not a file"),
)


def note_link(path: Path) -> None:
    """Take note of a file that is read, if a link leads to it from elsewhere.

    That is out of the folder where it stands, or, in the project around the
    current folder, out of that.
    """
    there, real = _written(path), os.path.realpath(path)
    if there == real:
        return
    project = _project()
    whole = os.path.realpath(project)
    if _below(real, whole):
        return
    if _below(there, project) or not _below(real, os.path.realpath(Path(there).parent)):
        _led[str(path)] = real


def leads_out(path: Path) -> bool:
    """Whether a file that was read is such a one."""
    return str(path) in _led


def discreet(error: EnvlockError) -> EnvlockError:
    """Return an error that quotes nothing of such a file, only where in it something is wrong."""
    said = "\n".join((error.message, *error.remedies))
    for path, real in _led.items():
        name = Path(path).name
        if isinstance(error, UsageError) and name in said:
            lines = sorted({int(each) for each in re.findall(rf"{re.escape(name)}:(\d+)", said)})
            where = f" (line {', '.join(map(str, lines[:_PLACES]))})" if lines else ""
            return UsageError(
                f"{path} cannot be used{where}. It is a link to {real}, which is outside of this"
                " project, so nothing of its text is told",
                f"envlock diagnose {shlex.quote(real)}  # tells what is in it",
            )
    return error


def _project() -> str:
    try:
        here = Path.cwd()
    except OSError:
        return os.curdir
    marked = (each for each in (here, *here.parents) if any((each / m).exists() for m in _MARKS))
    return str(next(marked, here))


def _written(path: Path) -> str:
    """A path from the root, its links not followed."""
    return os.path.normpath(path.absolute())


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip(os.sep)}{os.sep}")


class Ends(Struct, frozen=True, kw_only=True):
    """The bytes of a log; ``size`` is how many it has where only its ends are here, else 0."""

    content: bytes
    size: int = 0


def read_text(path: Path) -> str:
    """The text of a user's file: UTF-8, or UTF-16 with its byte order mark; marks are dropped.

    Raises:
        UsageError: it is missing, no file or pipe, unreadable, no such text, or
            beyond the ceiling of its kind.
    """
    with _told(path):
        content = contents(path, ceiling(path), pipes=True)
    note_link(path)
    text = _decoded(content, path)
    _refuse_beyond(text, path)
    refuse_conflict(text, path)
    return text


def read_ends(path: Path) -> Ends:
    """The bytes of a log, of a long one those at both ends.

    Raises:
        UsageError: it is missing, no file or pipe, or unreadable.
    """
    with _told(path), _Opened(path, pipes=True) as opened:
        note_link(path)
        if not opened.regular or opened.size <= _WHOLE_LOG:
            return _ends(opened.read, str(path))
        head = _joined(opened.read, _HEAD)
        os.lseek(opened.descriptor, opened.size - _TAIL - opened.size % 2, os.SEEK_SET)
        return Ends(content=_together(head, _joined(opened.read, _TAIL + 1)), size=opened.size)


def read_standard_input() -> Ends:
    """What comes in at standard input, of much the bytes at both ends.

    Raises:
        UsageError: it is closed, unreadable or has no end.
    """
    if sys.stdin is None:
        raise UsageError("standard input is closed: there is nothing to read at -")
    try:
        descriptor = sys.stdin.fileno()
        return _ends(lambda most: os.read(descriptor, most), "standard input")
    except OSError as error:
        raise UsageError(f"standard input: cannot be read: {error.strerror}") from None


def ceiling(path: Path) -> int:
    """The most bytes that are read of a file of this name."""
    return _CEILINGS.get(path.suffix.lower(), _CEILING)


def contents(path: Path | str, most: int = _CEILING, *, pipes: bool = False) -> bytes:
    """The bytes of a regular file, or with ``pipes`` of a pipe.

    Raises:
        OSError: it is neither, cannot be read, or has more than ``most`` bytes;
            ``strerror`` has the words for it.
    """
    with _Opened(path, pipes=pipes) as opened:
        content = b"" if opened.size > most else _joined(opened.read, most + 1)
    if opened.size > most or len(content) > most:
        raise Refused(errno.EFBIG, f"it is larger than the {most >> 20} MB that are read of one")
    return content


class Refused(OSError):
    """Not what is read; ``strerror`` says what it is."""

    def of(self, path: Path) -> UsageError:
        """Return it as an error about a file that the user named."""
        return UsageError(f"{path}: {str(self.strerror).removeprefix('it ')}")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the system says of a file into words for the user."""
    try:
        yield
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except Refused as error:
        raise error.of(path) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Give a regular file that is open for reading.

    Raises:
        OSError: it is none, or cannot be read.
    """
    with _Opened(path, pipes=False) as held, os.fdopen(os.dup(held.descriptor), "rb") as stream:
        yield stream


class _Opened:
    """A file that is open for reading; opening never waits, reading does for a pipe."""

    def __init__(self, path: Path | str, *, pipes: bool) -> None:
        self._path = path
        self._pipes = pipes
        self.regular = True
        self.size = 0

    def __enter__(self) -> Self:
        try:
            self._judge(os.stat(self._path).st_mode)  # noqa: PTH116  (names are texts here too)
            flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            self.descriptor = os.open(self._path, flags)
        except ValueError:  # a NUL, or half a character
            raise Refused(errno.EINVAL, "it is not the name of a file") from None
        status = os.fstat(self.descriptor)
        try:
            self._judge(status.st_mode)
        except OSError:
            os.close(self.descriptor)
            raise
        self.regular = stat.S_ISREG(status.st_mode)
        self.size = status.st_size if self.regular else 0
        self._written_to = False
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def _judge(self, mode: int) -> None:
        for is_one, words in _KINDS:
            if is_one(mode) and not (self._pipes and stat.S_ISFIFO(mode)):
                raise Refused(errno.EINVAL, words)

    def read(self, most: int) -> bytes:
        """The next bytes, b"" at the end."""
        while True:
            try:
                piece = os.read(self.descriptor, most)
            except BlockingIOError:  # somebody has it open, and has not written yet
                self._written_to = True
                self._wait(_SILENT)
                continue
            if piece or self.regular or self._written_to:
                return piece
            self._written_to = self._wait(_UNOPENED)

    def _wait(self, seconds: float) -> bool:
        """Wait for something to read; whether whoever wrote is gone."""
        waiting = select.poll()
        waiting.register(self.descriptor, select.POLLIN | select.POLLHUP)
        found = waiting.poll(seconds * 1000)
        if not found:
            raise Refused(errno.ETIMEDOUT, "it is a pipe that nobody writes to")
        return any(event & select.POLLHUP for _, event in found)


def _joined(read: Callable[[int], bytes], most: int) -> bytes:
    pieces: list[bytes] = []
    while most > 0 and (piece := read(min(most, _CHUNK))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


def _ends(read: Callable[[int], bytes], origin: str) -> Ends:
    """The ends of what has no length yet: the head, and what was last in a window behind it."""
    whole = _joined(read, _WHOLE_LOG)
    if len(whole) < _WHOLE_LOG:
        return Ends(content=whole)
    size, tail = len(whole), bytearray(whole[_HEAD:])
    while piece := read(_CHUNK):
        size += len(piece)
        tail += piece
        if size > _MOST_OF_A_STREAM:
            raise UsageError(
                f"{origin}: more than {_MOST_OF_A_STREAM >> 20} MB, and no end",
                "give the part with the error in it",
            )
        if len(tail) > 2 * _TAIL:
            del tail[: (len(tail) - _TAIL) & ~1]
    if size == len(whole):
        return Ends(content=whole)
    return Ends(content=_together(whole[:_HEAD], bytes(tail[-_TAIL - size % 2 :])), size=size)


def _together(head: bytes, tail: bytes) -> bytes:
    """Both ends of a text, without the halves of lines and characters where it was cut."""
    if head.startswith(_WIDE_MARKS):
        return head + tail
    above, line_end, _ = head.rpartition(b"\n")
    _, _, below = tail.partition(b"\n")
    return (above if line_end else head.rstrip(_CONTINUED)) + b"\n" + (below or tail[_cut(tail) :])


_CONTINUED = bytes(range(0x80, 0x100))


def _cut(tail: bytes) -> int:
    """Where the first whole character of UTF-8 begins."""
    return next((place for place in range(4) if tail[place : place + 1] not in _HALVES), 0)


_HALVES = {bytes([each]) for each in range(0x80, 0xC0)}


def encoding_of(content: bytes) -> tuple[bytes, str]:
    """Return the mark that a text begins with, and the encoding that it or a comment names.

    As pip has it: both are empty where the text does not tell.
    """
    for mark, encoding in _ENCODINGS:
        if content.startswith(mark):
            return mark, encoding
    said = _SAID.match(content)
    return b"", said[1].decode() if said else ""


def _decoded(content: bytes, path: Path) -> str:
    mark, said = encoding_of(content)
    encoding = said or "utf-8"
    try:
        return content[len(mark) :].decode(encoding)
    except LookupError:
        raise UsageError(
            f"{path}: its first lines name the encoding {said!r}, which there is not",
            f"save {path} as UTF-8, without that comment",
        ) from None
    except UnicodeError as error:
        kind = encoding.upper().removesuffix("-LE").removesuffix("-BE")
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        raise UsageError(
            f"{path}: not {kind} text (byte {start + len(mark)} is"
            f" 0x{content[start + len(mark) :][:1].hex()})",
            f"save {path} as UTF-8",
        ) from None


def encoded_as(before: bytes, text: str) -> bytes:
    """The bytes of a text that takes the place of others: in their encoding, with their mark."""
    mark, said = encoding_of(before)
    try:
        return mark + text.encode(said or "utf-8")
    except (LookupError, UnicodeError):
        return text.encode()


def _refuse_beyond(text: str, path: Path) -> None:
    if max(text.count("\n"), text.count("\r")) > _MOST_LINES:
        raise UsageError(f"{path}: more than the {_MOST_LINES:,} lines that are read of one")
    for number, line in _long_lines(text):
        if _LONG_NUMBER.search(line):
            raise UsageError(f"{path}:{number}: a number of more than {_MOST_DIGITS:,} digits")


def _long_lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) >= _MOST_DIGITS:
            yield number, line
