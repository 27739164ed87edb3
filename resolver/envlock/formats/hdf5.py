"""The text attributes at the root of an HDF5 file, without the HDF5 library.

Only what a Keras file needs is understood: superblocks 0 to 3, object headers
1 and 2, single strings of fixed or variable length. Every size in the file is
checked against a limit before it is believed. Source: the HDF5 File Format
Specification, version 3.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap
from typing import overload

from msgspec import Struct

from envlock.errors import UsageError

Buffer = bytes | mmap

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ATTRIBUTE, _CONTINUATION = 0x0C, 0x10
_FIXED, _VARIABLE = 3, 9  # classes of datatypes
_SMALLEST_BLOCK = 512
_MOST_MESSAGES = 10_000
_MOST_OBJECTS = 500_000  # of heaps, looked through for all strings together
_LONGEST = (
    16 << 20
)  # bytes of one string; the configuration of a large model has one or two million


class _Damaged(Exception):
    """The bytes are not what the format says they are."""


def is_hdf5(data: Buffer) -> bool:
    """Whether bytes begin like an HDF5 file."""
    return _signed(data, 0)


def user_block(data: Buffer) -> int | None:
    """Return how many bytes of somebody else's stand before an HDF5 file; None where it is none.

    They are none, 512, or that doubled some times.
    """
    place = 0
    while place < len(data):
        if _signed(data, place):
            return place
        place = place * 2 or _SMALLEST_BLOCK
    return None


def _signed(data: Buffer, place: int) -> bool:
    return data[place : place + len(_SIGNATURE)] == _SIGNATURE


def stored_end(data: Buffer) -> int | None:
    """Return where a file should end by its superblock; None where that is not told."""
    try:
        return _File(data).end
    except (_Damaged, IndexError):
        return None


def root_attributes(data: Buffer, origin: str) -> dict[str, str]:
    """Return the text attributes of the root group.

    Raises:
        UsageError: it is no HDF5 file, or cut off, or written in a way that is
            not understood.
    """
    try:
        return dict(_File(data).attributes())
    except (_Damaged, IndexError) as error:
        raise UsageError(
            f"{origin}: the attributes of this HDF5 file cannot be read: {error}"
        ) from None


class _Message(Struct, frozen=True):
    kind: int
    body: bytes


class _Behind:
    """The bytes behind a user block; the addresses of a file count from there."""

    def __init__(self, data: Buffer, start: int) -> None:
        self._data = data
        self._start = start

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> bytes: ...
    def __getitem__(self, place: int | slice) -> int | bytes:
        if isinstance(place, int):
            return self._data[self._start + place]
        return self._data[self._start + place.start : self._start + place.stop]


class _File:
    def __init__(self, whole: Buffer) -> None:
        block = user_block(whole)
        if block is None:
            raise _Damaged("it does not begin like one")
        data = self._data = _Behind(whole, block)
        self._objects = 0
        version = data[8]
        if version in {0, 1}:
            offset, length = data[13], data[14]
            # base, free space, end of file and driver addresses, then the root entry
            start = 24 + (4 if version else 0) + 4 * offset
            stored = self._number(start - 2 * offset, offset)
            self._header = self._number(start + offset, offset)
        elif version in {2, 3}:
            offset, length = data[9], data[10]
            stored = self._number(12 + 2 * offset, offset)
            self._header = self._number(12 + 3 * offset, offset)
        else:
            raise _Damaged(f"superblock version {version}")
        self._offset, self._length = offset, length
        self.end = stored  # counted from the first byte of the file

    def attributes(self) -> Iterator[tuple[str, str]]:
        """Each attribute that is a text, by name."""
        for message in self._messages():
            if message.kind == _ATTRIBUTE:
                found = self._attribute(message.body)
                if found is not None:
                    yield found

    def _number(self, place: int, size: int) -> int:
        piece = self._data[place : place + size]
        if len(piece) < size:
            raise _Damaged("it is cut off")
        return int.from_bytes(piece, "little")

    def _messages(self) -> Iterator[_Message]:
        if self._data[self._header : self._header + 4] == b"OHDR":
            yield from self._messages_2()
        else:
            yield from self._messages_1()

    def _messages_1(self) -> Iterator[_Message]:
        count = self._number(self._header + 2, 2)
        blocks = [(self._header + 16, self._number(self._header + 8, 4))]
        for _ in range(min(count, _MOST_MESSAGES)):
            while blocks and blocks[0][1] < 8:  # noqa: PLR2004  (the head of a message)
                blocks.pop(0)
            if not blocks:
                return
            place, room = blocks[0]
            kind, size = self._number(place, 2), self._number(place + 2, 2)
            body = self._data[place + 8 : place + 8 + size]
            blocks[0] = (place + 8 + size, room - 8 - size)
            if kind == _CONTINUATION:
                blocks.append(self._continuation(body))
            yield _Message(kind, body)

    def _continuation(self, body: bytes) -> tuple[int, int]:
        place = int.from_bytes(body[: self._offset], "little")
        size = int.from_bytes(body[self._offset : self._offset + self._length], "little")
        return place, size

    def _messages_2(self) -> Iterator[_Message]:
        flags = self._data[self._header + 5]
        place = self._header + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        blocks = [(place + width, self._number(place, width))]
        head = 6 if flags & 0x04 else 4
        read = 0
        while blocks and read < _MOST_MESSAGES:
            place, room = blocks.pop(0)
            end = place + room
            while place + head <= end and read < _MOST_MESSAGES:
                kind, size = self._data[place], self._number(place + 1, 2)
                body = self._data[place + head : place + head + size]
                place += head + size
                read += 1
                if kind == _CONTINUATION:
                    start, whole = self._continuation(body)
                    blocks.append((start + 4, whole - 8))  # its signature and checksum
                yield _Message(kind, body)

    def _attribute(self, body: bytes) -> tuple[str, str] | None:
        version = body[0]
        sizes = [int.from_bytes(body[at : at + 2], "little") for at in (2, 4, 6)]
        place = 9 if version == 3 else 8  # noqa: PLR2004  (3 tells the encoding of the name)
        parts: list[bytes] = []
        for size in sizes:
            parts.append(body[place : place + size])
            place += size if version > 1 else (size + 7) // 8 * 8
        name, datatype, dataspace = parts
        if not datatype or any(dataspace[1:2]):
            return None  # no text, or a list of them
        text = self._text(datatype, body[place:])
        if text is None:
            return None
        return name.rstrip(b"\0").decode(errors="replace"), text.decode(errors="replace")

    def _text(self, datatype: bytes, value: bytes) -> bytes | None:
        kind, flavour = datatype[0] & 0x0F, datatype[1] & 0x0F
        if kind == _FIXED:
            return value[: int.from_bytes(datatype[4:8], "little")].rstrip(b"\0 ")
        if kind == _VARIABLE and flavour == 1:
            length = int.from_bytes(value[:4], "little")
            address = int.from_bytes(value[4 : 4 + self._offset], "little")
            index = int.from_bytes(value[4 + self._offset : 8 + self._offset], "little")
            return self._heap(address, index)[:length]
        return None

    def _heap(self, address: int, index: int) -> bytes:
        """One object of a global heap collection."""
        if self._data[address : address + 4] != b"GCOL":
            raise _Damaged("a string is not where it should be")
        end = address + self._number(address + 8, self._length)
        place = address + 8 + self._length
        head = 8 + self._length
        while place + head <= end:
            self._objects += 1
            if self._objects > _MOST_OBJECTS:
                raise _Damaged(f"more than {_MOST_OBJECTS:,} objects in its heaps")
            number, size = self._number(place, 2), self._number(place + 8, self._length)
            if size > _LONGEST:
                raise _Damaged(f"a string of {size} bytes")
            if number == index:
                return self._data[place + head : place + head + size]
            if number == 0:
                break
            place += head + (size + 7) // 8 * 8
        raise _Damaged("a string is not where it should be")
