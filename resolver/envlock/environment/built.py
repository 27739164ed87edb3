"""Which NumPy the extension modules of an environment were built for, told by their bytes.

The headers of NumPy put the words of their own errors into each module that
uses its C interface, and the name of the module that they import: NumPy 2's
name ``numpy._core``, which NumPy 1 does not have. Nothing is imported or run. One
module of a distribution tells it for all, so that the smallest are read first;
what declares no NumPy is not read, and what takes too long is left unsaid.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.environment.records import Distribution, recorded
from envlock.rules.abi import NUMPY, TWO
from envlock.rules.frameworks import frameworks
from envlock.system import opened

#: What NumPy's headers make a module say that uses the C interface, and its declarations
#: for Cython one that uses no more than its types. Those of NumPy 2 name ``numpy._core``.
_USES_IT = (b"module compiled against ABI version", b"numpy.core.multiarray failed to import")
_FOR_2 = b"numpy._core"
_PIECE = 1 << 20  # bytes that are looked through at a time
_OVERLAP = max(map(len, (*_USES_IT, _FOR_2))) - 1
_LARGEST = 128 << 20  # bytes of one module
_MOST = 512 << 20  # bytes of all that are read
_SECONDS = 2.0
#: The name of an extension module; a library that ctypes loads has no tag of an interface.
_MODULE = re.compile(r"(?!lib[\w-]*\.so$).+\.(?:so|pyd)")


class _Reading(Struct, kw_only=True):
    """How many bytes may still be read, and until when."""

    until: float
    left: int

    @property
    def over(self) -> bool:
        """Whether no more is read."""
        return self.left <= 0 or time.monotonic() > self.until

    def pieces(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield a file in pieces that overlap; one that is cut off meanwhile ends there."""
        end = b""
        while not self.over and (piece := file.read(_PIECE)):
            self.left -= len(piece)
            yield end + piece
            end = piece[-_OVERLAP:]


def built_for_numpy1(
    packages: Mapping[NormalizedName, Distribution],
) -> dict[NormalizedName, Version]:
    """Return the distributions beside NumPy 2 whose extension modules were built for NumPy 1.

    A framework's are left out: rules say of each of its releases what it was built for.
    """
    numpy = packages.get(NUMPY)
    if numpy is None or numpy.version < TWO:
        return {}
    ruled = {name for each in frameworks() for name in each.members}
    reading = _Reading(until=time.monotonic() + _SECONDS, left=_MOST)
    return {
        name: each.version
        for name, each in sorted(packages.items())
        if name not in ruled | {NUMPY} and _declares(each) and _is_for_1(each, reading)
    }


def _declares(distribution: Distribution) -> bool:
    lines = (each for each in distribution.requires if "numpy" in each.lower())
    found = (standards.requirement(line) for line in lines)
    return any(each is not None and canonicalize_name(each.name) == NUMPY for each in found)


def _is_for_1(distribution: Distribution, reading: _Reading) -> bool:
    for path, size in sorted(_modules(distribution), key=lambda each: (each[1], each[0])):
        if size > _LARGEST or reading.over:
            return False
        if said := _numpy_of(path, reading):
            return said == 1
    return False


def _modules(distribution: Distribution) -> Iterator[tuple[Path, int]]:
    """The extension modules, with their size; libraries that a wheel carries are none."""
    rows = recorded(distribution)
    for folder, name, _, size in () if isinstance(rows, str) else rows:
        inside = ".." not in folder.split("/") and not folder.startswith("/") and ":" not in folder
        if inside and _MODULE.fullmatch(name) and not folder.endswith(".libs") and size.isdigit():
            yield distribution.site / folder / name, int(size)


def _numpy_of(path: Path, reading: _Reading) -> int | None:
    """The NumPy that a module was built for, 1 or 2; None where it does not use it."""
    uses = False
    try:
        with opened(path) as file:
            for piece in reading.pieces(file):
                if _FOR_2 in piece:
                    return 2
                uses = uses or any(each in piece for each in _USES_IT)
    except OSError:
        return None
    return 1 if uses and not reading.over else None
