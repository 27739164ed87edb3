"""A saved Keras model → what wrote it and what is in it. Nothing in it is executed.

HDF5 files tell it in attributes, ``.keras`` files in JSON inside a zip, a
SavedModel folder in its protocol buffer.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from msgspec import Struct
from packaging.version import InvalidVersion, Version

from envlock.errors import UsageError
from envlock.examine.hdf5 import is_hdf5, root_attributes

_LONGEST = 64 << 20  # bytes of JSON in a zip; a large model has one or two million
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
    tensorflow: Version | None = None
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
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                raise UsageError(f"{path}: the file is empty")
            with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
                if is_hdf5(data):
                    return _hdf5(path, root_attributes(data, str(path)))
        if zipfile.is_zipfile(path):
            return _keras(path)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
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


def _keras(path: Path) -> ModelFile:
    try:
        with zipfile.ZipFile(path) as archive:
            metadata = _json(_member(archive, "metadata.json", path), path)
            config = _json(_member(archive, "config.json", path), path)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise UsageError(f"{path}: a damaged .keras file: {error}") from None
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


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> str:
    try:
        with archive.open(name) as file:
            content = file.read(_LONGEST + 1)
    except KeyError:
        raise UsageError(f"{path}: a zip without {name}: no model that Keras saved") from None
    if len(content) > _LONGEST:
        raise UsageError(f"{path}: {name} in it is larger than {_LONGEST >> 20} MB")
    return content.decode(errors="replace")


def _saved_model(path: Path) -> ModelFile:
    graph = path / "saved_model.pb"
    if not graph.is_file():
        raise UsageError(f"{path}: a folder without saved_model.pb: no model that Keras saved")
    with graph.open("rb") as file:
        found = _WRITTEN_BY.search(file.read(_HEAD))
    by_keras = (path / "keras_metadata.pb").is_file()
    return ModelFile(
        origin=str(path),
        format="savedmodel",
        tensorflow=_version(found[1].decode()) if found else None,
        backend="tensorflow",
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
        keras_version=_version(keras_version.removesuffix("-tf")),
        backend=backend,
        weights_only=config is None,
        layers=tuple(sorted(set(_layers(parts)))),
        traits=frozenset(traits),
    )


def _json(text: str, path: Path) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: the model in it is not described in JSON: {error}") from None


def _parts(config: object) -> Iterator[dict[str, Any]]:
    """Every object of a configuration that has a class, at any depth."""
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "class_name" in item:
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
            yield from (str(each["class_name"]) for each in named if "class_name" in each)


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


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
