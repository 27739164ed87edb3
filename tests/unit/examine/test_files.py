"""Which reader a file is for, and several things as one."""

import json
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.errors import UsageError
from envlock.examine.files import examine_content, examine_path
from envlock.examine.gathered import merge
from envlock.examine.logs import examine_text
from envlock.findings import Examined, Kind
from envlock.formats.reading import decode

LOG = "Traceback (most recent call last):\nImportError: numpy.core.umath failed to import\n"

CONTENTS = [
    ("tensorflow==2.4.1\nh5py\n", Kind.FILE),
    ("tensorflow 2.4.1\n", Kind.FILE),
    ("dependencies:\n  - numpy\n", Kind.FILE),
    (LOG, Kind.TEXT),
    (f"tensorflow==2.4.1\nh5py==2.10.0\n{LOG}", Kind.TEXT),
    ("module 'numpy' has no attribute 'object'", Kind.TEXT),
    ("it does not work any more\nwhat can I do", Kind.TEXT),
    ("", Kind.FILE),
]


@pytest.mark.parametrize(("text", "kind"), CONTENTS)
def test_a_text_is_told_by_its_contents(text: str, kind: Kind) -> None:
    assert examine_content(text, "standard input").kind is kind


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_log_is_read_in_the_encoding_that_a_shell_wrote(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "log.txt").write_bytes(f"{LOG}é".encode(encoding))
    assert examine_path(tmp_path / "log.txt").text == f"{LOG}é"


def test_bytes_of_no_encoding_are_still_a_text() -> None:
    assert decode(b"caf\xe9 \x81") == "café \ufffd"


def test_the_output_of_a_notebook_is_a_log(tmp_path: Path) -> None:
    outputs = [
        {"output_type": "stream", "text": ["2.4.1\n"]},
        {"output_type": "error", "traceback": ["\x1b[0;31mImportError\x1b[0m: no"]},
    ]
    notebook = {"cells": [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": outputs}]}
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    assert "ImportError: no" in examine_path(tmp_path / "a.ipynb").text


FAULTS = [
    ("missing.txt", None, "missing.txt: no such file"),
    ("a.ipynb", b"{}", "a.ipynb: not a Jupyter notebook: it has no cells"),
    (
        "x.bin",
        b"\0\1\2",
        ("x.bin: not a text; envlock reads lists of packages, environment files and logs"),
    ),
]


@pytest.mark.parametrize(("name", "content", "message"), FAULTS)
def test_what_cannot_be_read_is_refused_in_words(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        examine_path(tmp_path / name)
    assert caught.value.message.replace(f"{tmp_path.as_posix()}/", "") == message


def some(kind: Kind, *, complete: bool = False, **versions: str) -> Examined:
    packages = {canonicalize_name(name): Version(text) for name, text in versions.items()}
    return Examined(kind=kind, origin=kind.value, packages=packages, complete=complete)


def test_an_environment_says_more_than_a_text() -> None:
    whole = merge(
        [
            some(Kind.TEXT, numpy="2.0.2", h5py="3.1.0"),
            some(Kind.ENVIRONMENT, complete=True, numpy="1.26.4"),
        ]
    )
    assert {n: str(v) for n, v in whole.packages.items()} == {"numpy": "1.26.4"}
    assert (whole.complete, whole.kind, whole.origin) == (
        True,
        Kind.ENVIRONMENT,
        "text, environment",
    )


def test_a_text_adds_what_a_file_does_not_tell() -> None:
    text = examine_text("/home/u/env/lib/python3.8/site-packages/x.py\nnumpy==1.24.3")
    file = examine_content("numpy>=1.19\ntensorflow==2.4.1\n", "requirements.txt")
    whole = merge([file, text])
    assert {n: str(v) for n, v in whole.packages.items()} == {
        "tensorflow": "2.4.1",
        "numpy": "1.24.3",
    }
    assert (whole.python, whole.text, whole.manager) == (Version("3.8"), text.text, "pip")


def test_a_version_that_a_file_does_not_allow_does_not_count() -> None:
    text, file = examine_text("numpy==2.0.2"), examine_content("numpy<2\n", "r.txt")
    whole = merge([text, file])
    assert (whole.packages, dict(whole.loose)) == ({}, {"numpy": SpecifierSet("<2")})


FEATURES = """\
[dependencies]
python = ">=3.9"
polars = ">=0.14,<0.21"
[feature.py39.dependencies]
python = "3.9.*"
[feature.old.dependencies]
polars = "0.17.*"
h5py = "3.10.*"
scipy = ">=1.9"
[feature.new.dependencies]
polars = "0.18.*"
h5py = "3.11.*"
"""


def test_groups_are_alternatives_that_exclude_no_other() -> None:
    found = examine_content(FEATURES, "pixi.toml")
    assert (found.python, found.clashes) == (None, ())
    assert {name: str(each) for name, each in found.loose.items()} == {
        "polars": "<0.21,>=0.14",
        "h5py": "==3.10.*",
        "scipy": ">=1.9",
    }
    one = examine_content(FEATURES.replace('python = ">=3.9"', ""), "pixi.toml")
    assert str(one.python) == "3.9"
