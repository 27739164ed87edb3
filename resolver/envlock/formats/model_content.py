"""What a file is that should be a saved model, by its first bytes and its size.

Most files that Keras cannot load are none that it saved: a pointer of Git LFS,
a web page, half of a download. Nothing in it is run. Sources: the specifications of Git LFS
pointers, of ZIP (APPNOTE 4.3) and of HDF5 3.0.
"""

from __future__ import annotations

import os
import re
import zipfile
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from envlock.formats.hdf5 import is_hdf5, stored_end, user_block
from envlock.model import Remedy, RemedyKind
from envlock.system import Refused, opened

_HEAD = 2048  # bytes that are looked at
_LFS = b"version https://git-lfs.github.com/spec/"
_LFS_SIZE = re.compile(rb"\nsize (\d{1,15})\n")
_PAGE = re.compile(
    rb"\s*(?:<!--.{0,200}?-->\s*)?<(?:!doctype html|html|head|\?xml|script)",
    re.IGNORECASE | re.DOTALL,
)
_SUPERBLOCK = 48  # bytes of the smallest one, behind which every file has an object
_ZIP = b"PK\x03\x04"
#: What other kinds of files have at some place of their first bytes.
_OTHERS = (
    (0, b"\x1f\x8b", "file-compressed", "is compressed by gzip"),
    (0, b"BZh", "file-compressed", "is compressed by bzip2"),
    (0, b"\xfd7zXZ\0", "file-compressed", "is compressed by xz"),
    (0, b"7z\xbc\xaf\x27\x1c", "file-compressed", "is a 7z archive"),
    (0, b"Rar!", "file-compressed", "is a RAR archive"),
    (0, b"\x28\xb5\x2f\xfd", "file-compressed", "is compressed by Zstandard"),
    (0, b"\x93NUMPY", "h5-not-hdf5", "is an array that NumPy saved: np.load reads it"),
    (0, b"\x89PNG", "h5-not-hdf5", "is a picture"),
    (0, b"\xff\xd8\xff", "h5-not-hdf5", "is a picture"),
    (0, b"%PDF", "h5-not-hdf5", "is a PDF document"),
    (0, b"CDF", "h5-not-hdf5", "is a NetCDF file of before HDF5"),
    (257, b"ustar", "file-compressed", "is a tar archive"),
    (4, b"TFL3", "h5-not-hdf5", "is a TensorFlow Lite model, which tf.lite.Interpreter reads"),
    *(
        (0, bytes([0x80, protocol]), "file-pickle", "is a pickle, which load_model does not read")
        for protocol in range(2, 6)
    ),
)


class ModelContent(Struct, frozen=True, kw_only=True):
    """What is wrong with a file: the document that explains it, what it is, what to do first."""

    explains: str
    what: str
    remedy: Remedy | None = None


def content(path: Path) -> ModelContent | None:
    """Return what is wrong with a file or folder; None where it may be a model.

    Raises:
        OSError: it cannot be read.
        Refused: it is no file.
    """
    if path.is_dir():
        return _of_folder(path)
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            return ModelContent(explains="file-empty", what="is empty")
        return _of_head(file.read(_HEAD), size) or _of_whole(path, file, size)


def _of_folder(path: Path) -> ModelContent | None:
    """A SavedModel whose parts are missing, or pointers of Git LFS."""
    index = path / "variables" / "variables.index"
    for part in (path / "saved_model.pb", path / "keras_metadata.pb", index):
        found = _pointer(part)
        if found is not None:
            return found
    if (
        (path / "saved_model.pb").is_file()
        and (path / "variables").is_dir()
        and not index.is_file()
    ):
        what = "is a SavedModel without variables/variables.index, so its weights are not there"
        return ModelContent(explains="keras-savedmodel-checkpoint-missing", what=what)
    return None


def _pointer(part: Path) -> ModelContent | None:
    try:
        with opened(part) as file:
            head = file.read(_HEAD)
            found = _of_head(head, len(head)) if head.startswith(_LFS) else None
    except (OSError, Refused):
        return None
    if found is None:
        return None
    return ModelContent(
        explains=found.explains, what=f"holds {part.name}, which {found.what}", remedy=found.remedy
    )


def _of_head(head: bytes, size: int) -> ModelContent | None:
    if head.startswith(_LFS):
        told = _LFS_SIZE.search(head)
        whole = f" for a file of {int(told[1]):,} bytes" if told else ""
        return ModelContent(
            explains="file-lfs-pointer",
            what=f"is a pointer of Git LFS{whole}, {size:,} bytes of text, and not that file",
            remedy=Remedy(kind=RemedyKind.COMMAND, text="git lfs pull"),
        )
    if _PAGE.match(head):
        return ModelContent(explains="file-web-page", what="is a page of a web site and no model")
    for place, signature, explains, what in _OTHERS:
        if head.startswith(signature, place):
            return ModelContent(explains=explains, what=what)
    return None


def _of_whole(path: Path, file: BinaryIO, size: int) -> ModelContent | None:
    with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        hdf5 = is_hdf5(data)
        if hdf5 or (not zipfile.is_zipfile(file) and user_block(data) is not None):
            return _of_hdf5(path, stored_end(data), size)
        if data[: len(_ZIP)] != _ZIP:
            return None
    return _of_zip(path, file)


def _of_hdf5(path: Path, end: int | None, size: int) -> ModelContent | None:
    if size < _SUPERBLOCK:
        what = f"was cut off: it has {size:,} bytes and nothing but the beginning of an HDF5 file"
        return ModelContent(explains="h5-truncated", what=what)
    if end is not None and end > size:
        return ModelContent(
            explains="h5-truncated",
            what=f"was cut off: it has {size:,} bytes of the {end:,} that it should have",
        )
    if path.suffix.lower() == ".keras":
        return _misnamed(path, "keras-file-not-found", "an HDF5 file", ".h5")
    return None


def _of_zip(path: Path, file: BinaryIO) -> ModelContent | None:
    if not zipfile.is_zipfile(file):
        return ModelContent(
            explains="keras-zip-incomplete", what="was cut off: it begins like a zip and has no end"
        )
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return ModelContent(explains="keras-zip-incomplete", what="is a damaged zip")
    if "config.json" not in names:
        torch = any(name.endswith("/data.pkl") for name in names)
        kind = "a model of PyTorch" if torch else "a zip, and no model that Keras saved"
        return ModelContent(explains="keras-zip-incomplete", what=f"is {kind}")
    if path.suffix.lower() in {".h5", ".hdf5"}:
        return _misnamed(path, "h5-not-hdf5", "a .keras file", ".keras")
    return None


def _misnamed(path: Path, explains: str, kind: str, ending: str) -> ModelContent:
    stem = path.name.removesuffix(path.suffix)
    code = f"os.rename({path.name!r}, {stem + ending!r})"
    return ModelContent(
        explains=explains,
        what=f"is {kind} in spite of its name, by which Keras chooses how to read it",
        remedy=Remedy(kind=RemedyKind.CODE, text=code),
    )
