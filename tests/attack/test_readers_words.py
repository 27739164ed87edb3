"""Files that made a traceback: each is told with file, place and cause."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from envlock.errors import UsageError
from envlock.examine.files import examine_path
from envlock.formats.model_file import examine_model
from envlock.formats.registry import read_lock
from envlock.request.files import read_constraints_file
from envlock.rules import database
from support.program import Program

DATA = Path(__file__).parents[1] / "unit" / "formats" / "data"
GOLDEN = Path(__file__).parents[1] / "golden" / "conda"
LAYERS = [{"class_name": f"Dense{number}", "config": {"units": number}} for number in range(40)]
FUNCTIONAL = {"class_name": "Functional", "config": {"layers": LAYERS}}


def keras(folder: Path, config: object, kind: int = zipfile.ZIP_DEFLATED) -> Path:
    path = folder / "m.keras"
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.1.0"}')
        archive.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
    return path


def refused(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        examine_model(path)
    return caught.value.message.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    "kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_damaged_data_of_a_keras_file_is_told_however_it_is_packed(
    tmp_path: Path, kind: int
) -> None:
    path = keras(tmp_path, FUNCTIONAL, kind)
    assert len(examine_model(path).layers) == 40
    content = bytearray(path.read_bytes())
    place = content.index(b"config.json") + 50
    content[place : place + 40] = b"\xff\x00\xaa\x55" * 10
    path.write_bytes(content)
    assert refused(path).startswith(("a damaged .keras file: ", "the model in it is not described"))


def test_a_keras_file_with_a_password_is_not_called_damaged(tmp_path: Path) -> None:
    path = keras(tmp_path, FUNCTIONAL)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert refused(path) == "config.json in it is encrypted: no model that Keras saved"


def test_a_member_whose_name_is_not_utf_8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("méta.json", "{}")
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xfe"))
    assert refused(path).startswith("a damaged .keras file: 'utf-8' codec can't decode byte 0xff")


@pytest.mark.parametrize("name", [[], {}, None, 1, [{"class_name": []}]])
def test_a_class_name_that_is_no_name_is_passed_over(tmp_path: Path, name: object) -> None:
    config = {"class_name": name, "config": {"time_major": 1, "layers": [{"class_name": name}]}}
    model = examine_model(keras(tmp_path, config))
    assert (model.layers, model.traits) == ((), frozenset())


def test_sixty_megabytes_of_json_in_a_keras_file_are_not_read(tmp_path: Path) -> None:
    path = keras(tmp_path, "[" + "{}," * (20 << 20) + "{}]")
    assert path.stat().st_size < 1 << 20
    assert refused(path) == "config.json in it is larger than 16 MB"


def test_millions_of_values_in_a_keras_file_are_not_read(tmp_path: Path) -> None:
    assert refused(keras(tmp_path, "[" + "{}," * 2_000_000 + "{}]")) == (
        "the model in it is not described in JSON: more than 2,000,000 values"
    )


@pytest.mark.parametrize("block", [512, 1024, 2048, 1 << 20])
@pytest.mark.parametrize("name", ["keras-2.4.h5", "newest-format.h5"])
def test_an_hdf5_file_behind_a_user_block_is_read(tmp_path: Path, block: int, name: str) -> None:
    plain = examine_model(DATA / name)
    path = tmp_path / name
    path.write_bytes(b"#!/bin/sh\n".ljust(block, b"\0") + (DATA / name).read_bytes())
    found = examine_model(path)
    assert (found.format, found.keras_version) == ("hdf5", plain.keras_version)
    assert (found.layers, found.traits) == (plain.layers, plain.traits)


def test_an_hdf5_file_where_no_user_block_ends_is_none(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    path.write_bytes(bytes(700) + (DATA / "keras-2.4.h5").read_bytes())
    assert refused(path) == ("neither an HDF5 file nor a .keras file: no model that Keras saved")


def test_a_zip_with_an_hdf5_file_in_it_stays_a_zip(tmp_path: Path) -> None:
    path = keras(tmp_path, FUNCTIONAL)
    with zipfile.ZipFile(path, "a") as archive:
        weights = (DATA / "newest-format.h5").read_bytes()
        start = archive.start_dir + len("x") + 30  # where the data will be
        archive.writestr("x", bytes(4096 - start) + weights)
    assert path.read_bytes()[4096:4100] == b"\x89HDF"
    assert examine_model(path).format == "keras"


def test_a_name_that_ends_in_a_hyphen_before_an_address_is_a_note(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("absl-@ git+https://x/y==0.9.0\nh5py==3.11.0\n")
    assert examine_path(path).notes == (
        f'{path}:1: "absl-@ git+https://x/y==0.9.0" does not tell which package it holds',
    )


@pytest.mark.parametrize("key", ["sha1", "name", "depends", "url", "build", "channel", "purls"])
def test_keys_below_hash_of_a_conda_lock_say_nothing_of_the_package(key: str) -> None:
    text = (GOLDEN / "conda-lock.yml").read_text()
    plain = read_lock("conda-lock.yml", text)
    odd = text.replace("  hash:\n", f"  hash:\n    {key}: evil\n")
    assert odd != text
    assert read_lock("conda-lock.yml", odd) == plain


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("id: a\ndate: 2024-13-01\n", "2: not YAML: no value of timestamp"),
        ('id: !!int ""\n', "1: not YAML: no value of int"),
        ("id: !!float x\n", "1: not YAML: no value of float"),
        ("id: !!timestamp x\n", "1: not YAML: no value of timestamp"),
        ("id: !!bool x\n", "1: not YAML: no value of bool"),
        ("id: !!int _\n", "1: not YAML: no value of int"),
    ],
)
def test_a_value_of_a_rule_that_is_none_of_its_type_is_told(
    tmp_path: Path, text: str, why: str
) -> None:
    (tmp_path / "a.yaml").write_text(text)
    assert database.check(tmp_path)[1] == (f"{tmp_path}/a.yaml:{why}",)


def test_such_a_rule_of_a_project_is_told_too(program: Program) -> None:
    (program.here / "rules").mkdir()
    (program.here / "rules" / "a.yaml").write_text('id: !!int ""\n')
    (program.here / "pyproject.toml").write_text('[tool.envlock]\nrules = ["rules"]\n')
    done = program("lock", "h5py")
    assert done.code == 2
    assert done.err.startswith("error: these rules cannot be used:\n")
    assert "rules/a.yaml:1: not YAML: no value of int" in done.err


@pytest.mark.parametrize("marker", ["python_version<'3\\x00.7'", "python_version<'3\\n.7'"])
def test_a_marker_that_reads_otherwise_when_it_is_written_again_is_refused(
    tmp_path: Path, marker: str
) -> None:
    path = tmp_path / "constraints.txt"
    path.write_text(f"h5py; {marker}\n")
    with pytest.raises(UsageError) as caught:
        read_constraints_file(path)
    assert caught.value.message.startswith(f'constraints.txt:1: "h5py; {marker}" is not a')
    assert caught.value.remedies == ('write "h5py"',)


def test_a_version_of_thousands_of_digits_in_a_list_is_no_version(tmp_path: Path) -> None:
    path = tmp_path / "list.log"
    path.write_text(f"Package Version\n------- -------\nh5py    {'9' * 5000}\nkeras   3.1.0\n")
    found = examine_path(path)
    assert {name: str(each) for name, each in found.packages.items()} == {"keras": "3.1.0"}
    assert list(found.loose) == ["h5py"]


def test_outputs_of_a_notebook_that_are_none_are_told_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text('{"cells": [{"outputs": []}, {"outputs": ["a"]}]}')
    with pytest.raises(UsageError) as caught:
        examine_path(path)
    assert caught.value.message == (
        f"{path}: not a Jupyter notebook: cells[1].outputs[0]: expected `object`, got `str`"
    )
