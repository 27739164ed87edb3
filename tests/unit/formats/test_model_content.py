"""What a file is that should be a model, by its first bytes and its size."""

import gzip
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.formats.model_content import content

DATA = Path(__file__).parent / "data"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 94381000\n"
MODEL = (DATA / "keras-2.4.h5").read_bytes()

WRONG: dict[str, tuple[str, bytes, str, str]] = {
    "a pointer": ("m.h5", LFS, "file-lfs-pointer", "94,381,000"),
    "a page": ("m.h5", b"\n<!DOCTYPE html><html>", "file-web-page", "page"),
    "an answer in XML": ("m.h5", b'<?xml version="1.0"?><Error>', "file-web-page", "page"),
    "nothing": ("m.keras", b"", "file-empty", "empty"),
    "half of it": ("m.h5", MODEL[:3000], "h5-truncated", "3,000 bytes of the"),
    "half of a zip": ("m.keras", b"PK\x03\x04" + b"x" * 500, "keras-zip-incomplete", "cut off"),
    "gzip": ("m.h5", gzip.compress(MODEL), "file-compressed", "gzip"),
    "a pickle": ("m.h5", pickle.dumps([1, 2]), "file-pickle", "pickle"),
    "an array": ("m.h5", b"\x93NUMPY\x01\x00", "h5-not-hdf5", "np.load"),
    "tar": ("m.h5", b"m/".ljust(257, b"\0") + b"ustar\0" * 50, "file-compressed", "tar"),
    "HDF5 called .keras": ("m.keras", MODEL, "keras-file-not-found", "an HDF5 file"),
}


@pytest.mark.parametrize(("name", "data", "explains", "says"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_file_is_told_by_its_bytes(
    tmp_path: Path, name: str, data: bytes, explains: str, says: str
) -> None:
    (tmp_path / name).write_bytes(data)
    found = content(tmp_path / name)
    assert found is not None
    assert found.explains == explains
    assert says in found.what


def archive(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(name, "{}")

    return write


@pytest.mark.parametrize(
    ("name", "members", "explains", "says"),
    [
        ("m.h5", ("config.json", "metadata.json"), "h5-not-hdf5", "a .keras file in spite of"),
        ("m.keras", ("a.txt",), "keras-zip-incomplete", "no model that Keras saved"),
        ("m.h5", ("archive/data.pkl",), "keras-zip-incomplete", "PyTorch"),
    ],
)
def test_a_zip_is_told_by_what_is_in_it(
    tmp_path: Path, name: str, members: tuple[str, ...], explains: str, says: str
) -> None:
    archive(*members)(tmp_path / name)
    found = content(tmp_path / name)
    assert found is not None
    assert (found.explains, says in found.what) == (explains, True)


@pytest.mark.parametrize("name", ["keras-2.4.h5", "keras-3.15.h5", "newest-format.h5"])
def test_nothing_is_wrong_with_a_model(name: str) -> None:
    assert content(DATA / name) is None


def test_a_savedmodel_is_looked_at_part_by_part(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    assert content(tmp_path) is None
    (tmp_path / "variables").mkdir()
    found = content(tmp_path)
    assert found is not None
    assert found.explains == "keras-savedmodel-checkpoint-missing"
    (tmp_path / "keras_metadata.pb").write_bytes(LFS)
    found = content(tmp_path)
    assert found is not None
    assert (found.explains, "keras_metadata.pb" in found.what) == ("file-lfs-pointer", True)
