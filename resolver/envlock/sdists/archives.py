"""Archives of source distributions, packed anew where uv needs it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterable
from pathlib import Path

from envlock.errors import InstallFailure
from envlock.system import contents, make_folder, write_files

_LARGEST = 500_000_000  # bytes of an archive that is packed anew
_PROJECT = "pyproject.toml"
#: Where a tar says what wrote it, and what GNU's says: uv reads none of two kinds.
_MAGIC = slice(257, 265)
_GNU = b"ustar  \0"


def as_gzip(sdist: Path) -> Path:
    """An archive that uv takes: it reads no tar of another compression.

    Raises:
        InstallFailure: it is damaged.
    """
    if sdist.suffix not in {".bz2", ".xz"}:
        return sdist
    try:
        with bz2.open(sdist) if sdist.suffix == ".bz2" else lzma.open(sdist) as stream:
            content = gzip.compress(stream.read(_LARGEST + 1), 1)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise InstallFailure(f"{sdist.name} is no archive: {error}") from None
    packed = sdist.with_suffix(".gz")
    write_files({packed: content})
    return packed


def asking_for(tools: Iterable[str], sdist: Path) -> Path:
    """A source distribution without a ``pyproject.toml`` as one that asks for tools.

    It is built by the same backend, setuptools' of before there was such a
    file. What has one says itself what it needs, and stays as it is.

    Raises:
        InstallFailure: it is damaged.
    """
    names = ", ".join(f'"{each}"' for each in sorted({"setuptools", "wheel", *tools}))
    backend = 'build-backend = "setuptools.build_meta:__legacy__"'
    text = f"[build-system]\nrequires = [{names}]\n{backend}\n".encode()
    if not (sdist.is_file() and tarfile.is_tarfile(sdist)):
        return sdist
    try:
        content = gzip.decompress(contents(sdist))
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            members = [each.name for each in archive.getmembers()]
    except (OSError, EOFError, tarfile.TarError) as error:
        raise InstallFailure(f"{sdist.name} is no archive: {error}") from None
    top = members[0].partition("/")[0] if members else ""
    if f"{top}/{_PROJECT}" in members:
        return sdist
    packed = io.BytesIO(content)
    written = tarfile.GNU_FORMAT if content[_MAGIC] == _GNU else tarfile.PAX_FORMAT
    with tarfile.open(fileobj=packed, mode="a", format=written) as archive:
        entry = tarfile.TarInfo(f"{top}/{_PROJECT}")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    asking = sdist.parent / "asking" / sdist.name
    make_folder(asking.parent)
    write_files({asking: gzip.compress(packed.getvalue(), 1)})
    return asking
