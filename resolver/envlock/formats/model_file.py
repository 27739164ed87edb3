"""A saved Keras model → what wrote it and what is in it. Nothing in it is executed.

HDF5 files tell it in attributes, ``.keras`` files in JSON inside a zip, a
SavedModel folder in its protocol buffer.
"""

from __future__ import annotations

import json
import lzma
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, BinaryIO, cast

from msgspec import Struct
from packaging.version import Version

from envlock import standards
from envlock.documents import Malformed, json_value
from envlock.errors import UsageError
from envlock.formats.hdf5 import is_hdf5, root_attributes, user_block
from envlock.rules.frameworks import frameworks
from envlock.system import Refused, opened

_LONGEST = 16 << 20  # bytes of JSON in a zip; a large model has one or two million
_PIECE = 4096
#: What zipfile and what it unpacks with raise of a file that is damaged.
_OF_ZIPS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    IndexError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)
_WRITTEN_BY = re.compile(rb"\*[\x05-\x14](\d+\.\d+\.\d+[\w.+-]*)2")
_HEAD = 4 << 20  # bytes of a SavedModel that are looked at
_SHORT = re.compile(r'"(mse|mae|mape|msle|bce|kld)"', re.IGNORECASE)
_RECURRENT = {"LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM2D"}


class ModelFile(Struct, frozen=True, kw_only=True):
    """What a model file says of itself.

    ``format`` is hdf5, keras or savedmodel, ``backend`` empty where it is not
    told. ``traits`` are parts that one generation of Keras writes and another
    does not read: ``batch_shape``, ``time_major``, ``groups``,
    ``ragged``, ``keras.src.engine``, ``short-loss``; a SavedModel that Keras
    made has ``keras_metadata``.
    """

    origin: str
    format: str
    keras_version: Version | None = None
    framework: Version | None = None
    backend: str = ""
    weights_only: bool = False
    layers: tuple[str, ...] = ()
    traits: frozenset[str] = frozenset()

    @property
    def generation(self) -> int | None:
        """The major version of the Keras that wrote it: 2 or 3; None: not told."""
        if "batch_shape" in self.traits:
            return 3
        if self.keras_version is not None:
            return self.keras_version.major
        return 2 if "time_major" in self.traits or "groups" in self.traits else None


def examine_model(path: Path) -> ModelFile:
    """Examine a ``.h5`` or ``.keras`` file, or the folder of a SavedModel.

    Raises:
        UsageError: it is missing, or none of these, or damaged.
    """
    if path.is_dir():
        return _saved_model(path)
    with readable(path), opened(path) as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise UsageError(f"{path}: the file is empty")
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            return _of_bytes(path, file, data)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Tell what keeps a file from being read while the block reads it.

    Raises:
        UsageError: it is missing, no file to read, or cannot be read.
    """
    try:
        yield
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except Refused as error:
        raise error.of(path) from None
    except (OSError, ValueError) as error:  # mmap's, of a file that shrinks
        raise UsageError(f"{path}: cannot be read: {error}") from None


def _of_bytes(path: Path, file: BinaryIO, data: mmap) -> ModelFile:
    """A zip is told by its end: what it holds may look like an HDF5 file with a user block."""
    if is_hdf5(data):
        return _hdf5(path, root_attributes(data, str(path)))
    if zipfile.is_zipfile(file):
        return _keras(path, file)
    if user_block(data) is not None:
        return _hdf5(path, root_attributes(data, str(path)))
    raise UsageError(f"{path}: neither an HDF5 file nor a .keras file: no model that Keras saved")


def _hdf5(path: Path, attributes: dict[str, str]) -> ModelFile:
    config = attributes.get("model_config", "")
    return _described(
        path,
        "hdf5",
        _json(config, path) if config else None,
        keras_version=attributes.get("keras_version", ""),
        backend=attributes.get("backend", ""),
        training=attributes.get("training_config", ""),
    )


def _keras(path: Path, file: BinaryIO) -> ModelFile:
    metadata, config = (_json(text, path) for text in _members(path, file))
    told = metadata if isinstance(metadata, dict) else {}
    training = config.get("compile_config") if isinstance(config, dict) else None
    return _described(
        path,
        "keras",
        config,
        keras_version=str(told.get("keras_version", "")),
        backend="",
        training=json.dumps(training),
    )


def _members(path: Path, file: BinaryIO) -> Iterator[str]:
    """The texts of the two members that describe a model, one after the other."""
    try:
        with zipfile.ZipFile(file) as archive:
            for name in ("metadata.json", "config.json"):
                yield _member(archive, name, path)
    except _OF_ZIPS as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"{path}: a damaged .keras file: {why[:200]}") from None


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> str:
    try:
        member = archive.getinfo(name)
    except KeyError:
        raise UsageError(f"{path}: a zip without {name}: no model that Keras saved") from None
    if member.flag_bits & 1:
        raise UsageError(f"{path}: {name} in it is encrypted: no model that Keras saved")
    pieces, left = [], _LONGEST
    with cast("zipfile.ZipExtFile", archive.open(member)) as file:
        # In small pieces: bz2 and LZMA are unpacked whole, however much a piece becomes.
        while left >= 0 and (piece := file.read1(_PIECE)):
            pieces.append(piece)
            left -= len(piece)
    if left < 0:
        raise UsageError(f"{path}: {name} in it is larger than {_LONGEST >> 20} MB")
    return b"".join(pieces).decode(errors="replace")


def _saved_model(path: Path) -> ModelFile:
    graph = path / "saved_model.pb"
    if not graph.is_file():
        raise UsageError(f"{path}: a folder without saved_model.pb: no model that Keras saved")
    try:
        with opened(graph) as file:
            found = _WRITTEN_BY.search(file.read(_HEAD))
    except OSError as error:
        raise UsageError(f"{graph}: cannot be read: {error.strerror}") from None
    by_keras = (path / "keras_metadata.pb").is_file()
    return ModelFile(
        origin=str(path),
        format="savedmodel",
        framework=standards.version(found[1].decode()) if found else None,
        backend=next(each.name for each in frameworks() if "savedmodel" in each.formats),
        traits=frozenset({"keras_metadata"} if by_keras else ()),
    )


def _described(
    path: Path,
    kind: str,
    config: object,
    *,
    keras_version: str,
    backend: str,
    training: str,
) -> ModelFile:
    parts = list(_parts(config))
    traits = {trait for part in parts for trait in _traits(part)}
    if _SHORT.search(training):
        traits.add("short-loss")
    return ModelFile(
        origin=str(path),
        format=kind,
        keras_version=standards.version(keras_version.removesuffix("-tf")),
        backend=backend,
        weights_only=config is None,
        layers=tuple(sorted(set(_layers(parts)))),
        traits=frozenset(traits),
    )


def _json(text: str, path: Path) -> object:
    try:
        return json_value(text)
    except Malformed as error:
        raise UsageError(f"{path}: the model in it is not described in JSON: {error.why}") from None


def _parts(config: object) -> Iterator[dict[str, Any]]:
    """Every object of a configuration that has a class, at any depth."""
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if isinstance(item.get("class_name"), str):
                yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _layers(parts: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The classes of the layers, those of wrapped models among them."""
    for part in parts:
        config = part.get("config")
        inside = config.get("layers") if isinstance(config, dict) else None
        if isinstance(inside, list):
            named = (each for each in inside if isinstance(each, dict))
            kinds = (each.get("class_name") for each in named)
            yield from (kind for kind in kinds if isinstance(kind, str))


def _traits(part: dict[str, Any]) -> Iterator[str]:
    kind = part["class_name"]
    config = part.get("config")
    keys = config.keys() if isinstance(config, dict) else ()
    if kind == "DTypePolicy" or (kind == "InputLayer" and "batch_shape" in keys):
        yield "batch_shape"
    if "time_major" in keys and kind in _RECURRENT:
        yield "time_major"
    if "groups" in keys and kind == "DepthwiseConv2D":
        yield "groups"
    if kind == "InputLayer" and "ragged" in keys:
        yield "ragged"
    if str(part.get("module")).startswith("keras.src.engine"):
        yield "keras.src.engine"
