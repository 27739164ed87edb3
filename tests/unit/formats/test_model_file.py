"""Saved models, read without running them.

The files in ``data`` were saved by TensorFlow 2.4.4, 2.15.1 and 2.18.1 (Keras
3.15.1); ``newest-format.h5`` holds attributes alone, written by h5py with
``libver="latest"``.
"""

import json
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from packaging.version import Version

from envlock.errors import UsageError
from envlock.formats.hdf5 import root_attributes
from envlock.formats.model_file import ModelFile, examine_model

DATA = Path(__file__).parent / "data"


def found(path: Path) -> ModelFile:
    model = examine_model(path)
    assert model.origin == str(path)
    return model


def test_a_model_of_keras_2_says_who_wrote_it() -> None:
    model = found(DATA / "keras-2.4.h5")
    assert (model.format, model.keras_version, model.backend) == (
        "hdf5",
        Version("2.4.0"),
        "tensorflow",
    )
    assert (model.generation, model.weights_only) == (2, False)
    assert model.layers == ("Dense", "InputLayer")
    assert model.traits == {"ragged"}


def test_a_recurrent_model_of_keras_2_has_what_keras_3_does_not_read() -> None:
    model = found(DATA / "keras-2.15-lstm.h5")
    assert (model.generation, model.keras_version) == (2, Version("2.15.0"))
    assert model.layers == ("Dense", "InputLayer", "LSTM")
    assert model.traits == {"ragged", "time_major"}


def test_a_model_of_keras_3_says_so_and_names_its_loss() -> None:
    model = found(DATA / "keras-3.15.h5")
    assert (model.generation, model.keras_version) == (3, Version("3.15.1"))
    assert model.traits == {"ragged", "batch_shape", "short-loss"}


def test_the_newest_layout_of_hdf5_is_read_too() -> None:
    content = (DATA / "newest-format.h5").read_bytes()
    assert root_attributes(content, "x") == {"keras_version": "2.13.1", "backend": "tensorflow"}
    model = found(DATA / "newest-format.h5")
    assert (model.weights_only, model.keras_version) == (True, Version("2.13.1"))


def keras_file(folder: Path, metadata: object, config: object) -> Path:
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps(metadata))
        archive.writestr("config.json", json.dumps(config))
    return path


FUNCTIONAL = {
    "module": "keras.src.engine.functional",
    "class_name": "Functional",
    "config": {
        "layers": [
            {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4]}},
            {"class_name": "DepthwiseConv2D", "config": {"groups": 1}},
        ]
    },
    "compile_config": {"loss": "mse"},
}


def test_a_keras_file_is_read_from_its_two_descriptions(tmp_path: Path) -> None:
    model = found(keras_file(tmp_path, {"keras_version": "2.15.0"}, FUNCTIONAL))
    assert (model.format, model.keras_version, model.generation) == ("keras", Version("2.15.0"), 2)
    assert model.layers == ("DepthwiseConv2D", "InputLayer")
    assert model.traits == {"keras.src.engine", "groups", "short-loss"}


def test_the_folder_of_a_savedmodel_tells_its_tensorflow(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b'\x08\x01"\x05serve*\x062.12.12\x17v2.12.0-25-g8e')
    (tmp_path / "keras_metadata.pb").write_bytes(b"")
    model = found(tmp_path)
    assert (model.format, model.framework) == ("savedmodel", Version("2.12.1"))
    assert model.traits == {"keras_metadata"}


def damaged() -> list[tuple[str, bytes, str]]:
    whole = (DATA / "keras-2.4.h5").read_bytes()
    heap = whole.index(b"GCOL")
    return [
        ("empty.h5", b"", "the file is empty"),
        ("a.h5", b"hello", "neither an HDF5 file nor a .keras file: no model that Keras saved"),
        ("b.h5", whole[:60], "the attributes of this HDF5 file cannot be read: it is cut off"),
        (
            "c.h5",
            b"\x89HDF\r\n\x1a\n\x09" + bytes(100),
            "the attributes of this HDF5 file cannot be read: superblock version 9",
        ),
        (
            "d.h5",
            whole[:heap] + b"XXXX" + whole[heap + 4 :],
            "the attributes of this HDF5 file cannot be read: a string is not where it should be",
        ),
    ]


@pytest.mark.parametrize(("name", "content", "message"), damaged())
def test_a_damaged_file_is_refused_in_words(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        examine_model(tmp_path / name)
    assert caught.value.message == f"{tmp_path / name}: {message}"


@pytest.mark.parametrize("cut", range(8, 2000, 97))
def test_a_file_that_is_cut_anywhere_is_read_or_refused(tmp_path: Path, cut: int) -> None:
    (tmp_path / "cut.h5").write_bytes((DATA / "keras-3.15.h5").read_bytes()[:cut])
    with suppress(UsageError):
        assert examine_model(tmp_path / "cut.h5").format == "hdf5"


ZIPS = [
    ({}, "a zip without metadata.json: no model that Keras saved"),
    ({"metadata.json": "{}"}, "a zip without config.json: no model that Keras saved"),
    ({"metadata.json": "{"}, "the model in it is not described in JSON: "),
    (
        {"metadata.json": "{}", "config.json": "[" * 100_000},
        "the model in it is not described in JSON: ",
    ),
]


@pytest.mark.parametrize(("members", "message"), ZIPS)
def test_a_zip_that_is_no_model_is_refused_in_words(
    tmp_path: Path, members: dict[str, str], message: str
) -> None:
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    with pytest.raises(UsageError) as caught:
        examine_model(tmp_path / "m.keras")
    assert caught.value.message.startswith(f"{tmp_path / 'm.keras'}: {message}")


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        examine_model(tmp_path / "missing.h5")
    assert caught.value.message == f"{tmp_path / 'missing.h5'}: no such file"
    with pytest.raises(UsageError) as caught:
        examine_model(tmp_path)
    assert caught.value.message == (
        f"{tmp_path}: a folder without saved_model.pb: no model that Keras saved"
    )
