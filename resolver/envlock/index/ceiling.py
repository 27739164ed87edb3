"""What one read from a network may take of memory, time and tries. Pure.

The longest page of PyPI (ddtrace, November 2026) is 21 MB of JSON; the
largest wheel that anything around TensorFlow has is 2 GB.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct

_MEGABYTE = 1_000_000


class Ceiling(Struct, frozen=True, kw_only=True):
    """Bytes of an answer once it is unpacked, and seconds from the first to the last of them.

    With ``unpack`` packed content is unpacked, which files of an index are not.
    Whoever sends less than ``_FLOW`` bytes a second is left after ``slow`` seconds.
    """

    size: int
    slow: float
    unpack: bool = True
    seconds: float


_FLOW = 16_000
#: Seconds that no setting makes longer: a time limit for one wait may be a day.
_SLOWEST, _ONE_WAIT, _PAGE, _FILE = 120.0, 600.0, 900.0, 14_400.0

_LONGER = (60.0, 240.0, 600.0)  # seconds
_ELSEWHERE = "another index or mirror, or a file of it: --index-url URL, --find-links FOLDER"


def patience(timeout: float, waits: int = 4) -> float:
    """Return for how many seconds next to nothing may come: some waits of ``timeout`` each."""
    return max(min(waits * timeout, _SLOWEST), min(timeout, _ONE_WAIT))


def longer(timeout: float, limit: Callable[[float], float] = float) -> str:
    """Return what to type where a time limit was reached: a longer one, if there is any.

    ``limit`` makes the one that was reached of the time limit of one wait.
    """
    more = next((each for each in _LONGER if limit(each) > limit(timeout)), None)
    if more is None:
        return _ELSEWHERE
    return f"a longer limit: PIP_DEFAULT_TIMEOUT={more:g}, or timeout in pip's configuration"


def for_page(timeout: float) -> Ceiling:
    """Return what an index page may take; ``timeout`` is that of one wait."""
    return Ceiling(size=100 * _MEGABYTE, slow=patience(timeout), seconds=min(20 * timeout, _PAGE))


def for_file(timeout: float) -> Ceiling:
    """Return what one distribution may take that is read to be hashed."""
    return Ceiling(
        size=4000 * _MEGABYTE,
        slow=patience(timeout),
        seconds=min(240 * timeout, _FILE),
        unpack=False,
    )


def for_metadata(timeout: float) -> Ceiling:
    """Return what the metadata of a wheel may take, or a part of the wheel that has them."""
    return Ceiling(size=20 * _MEGABYTE, slow=timeout, seconds=4 * timeout)


class Reached(Exception):
    """An answer came to a ceiling; the text says which. ``slow``: a longer time limit helps."""

    def __init__(self, said: str, *, slow: bool = False) -> None:
        super().__init__(said)
        self.slow = slow


class Passing(Exception):
    """A failure that may be gone at the next try; ``remedies`` are for when it is not.

    ``alone``: this machine has no network, and there is no use in trying again.
    """

    def __init__(self, message: str, *remedies: str, alone: bool = False) -> None:
        super().__init__(message)
        self.remedies = remedies
        self.alone = alone


class Allowance:
    """What is left of a ceiling while an answer is read."""

    def __init__(self, ceiling: Ceiling) -> None:
        self.unpacks = ceiling.unpack
        self._ceiling = ceiling
        self._began = time.monotonic()
        self._received = 0
        self._unpacked = 0

    def wait(self, timeout: float | None) -> float:
        """Return how long the next wait may be.

        Raises:
            Reached: the time is over.
        """
        passed = time.monotonic() - self._began
        flows = self._received > _FLOW * passed
        limit = self._ceiling.seconds if flows else self._ceiling.slow
        if passed >= limit:
            raise Reached(
                f"only {amount(self._received)} came within the time limit of {limit:g} s",
                slow=True,
            )
        return limit - passed if timeout is None else min(timeout, limit - passed)

    def receive(self, size: int) -> None:
        """Count bytes that came over the network."""
        self._received += size

    def unpack(self, size: int) -> None:
        """Count bytes of content.

        Raises:
            Reached: there are too many.
        """
        self._unpacked += size
        if self._unpacked > self._ceiling.size:
            raise Reached(f"it is larger than the limit of {amount(self._ceiling.size)}")


def amount(size: int) -> str:
    """Return a number of bytes in words."""
    if size == 1:
        return "1 byte"
    return f"{size // _MEGABYTE} MB" if size >= _MEGABYTE else f"{size} bytes"
