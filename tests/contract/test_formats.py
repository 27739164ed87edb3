"""What holds of every format that files are read in: told, read strictly, looked into."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envlock.errors import UsageError
from envlock.examine.files import examine_path
from envlock.formats.conda_spec import parse_conda_spec
from envlock.formats.registry import (
    FORMATS,
    Can,
    FileFormat,
    Row,
    detect,
    format_at,
    named,
    read_lock,
)
from envlock.request.environment_yml import read_environment
from envlock.request.files import read_request_file
from envlock.system import read_text

GOLDEN = Path(__file__).parent.parent / "golden"
MODEL = Path(__file__).parent.parent / "unit" / "formats" / "data" / "keras-2.4.h5"
PINS = "".join(f"package-{letter}==1.0\n" for letter in "abcdefghijklmnop")
UV = """\
version = 1
requires-python = ">=3.11"

[[package]]
name = "h5py"
version = "3.11.0"
source = { registry = "https://pypi.org/simple" }
"""
POETRY = """\
[[package]]
name = "h5py"
version = "3.11.0"
optional = false
python-versions = ">=3.8"

[metadata]
lock-version = "2.0"
python-versions = "^3.11"
"""
NOTEBOOK = '{"cells": [{"outputs": [{"text": "import h5py"}]}], "nbformat": 4}'
PDM = """\
[metadata]
groups = ["default"]
content_hash = "sha256:0"

[[metadata.targets]]
requires_python = ">=3.9"

[[package]]
name = "h5py"
version = "3.11.0"
"""
PIPFILE = '[packages]\nh5py = "==3.11.0"\nnumpy = "<2"\nkeras = {extras = ["x"], version = ">=2"}\n'
PIPFILE_LOCK = (
    '{"_meta": {"hash": {}, "pipfile-spec": 6}, "default": {"h5py": {"version": "==3.11.0"}}}'
)
PIXI_TOML = """\
[workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
numpy = "<2"

[pypi-dependencies]
h5py = "==3.11.0"
"""
SETUP_PY = """\
from setuptools import setup
WANTED = ["numpy<2"]
setup(name="x", install_requires=["h5py==3.11.0"] + WANTED, python_requires=">=3.9")
"""
SETUP_CFG = "[options]\ninstall_requires =\n    h5py==3.11.0\n    numpy<2\n"
TOX = "[tox]\nenvlist = py\n[testenv]\ndeps =\n    h5py==3.11.0\n"
DOCKERFILE = 'FROM python:3.11\nRUN pip install h5py==3.11.0 \\\n    "numpy<2"\n'
TRACEBACK = """\
Traceback (most recent call last):
  File "train.py", line 1, in <module>
ImportError: numpy.core.multiarray failed to import
"""
#: Of each format the name of a file and its text.
SAMPLES = {
    FileFormat.REQUIREMENTS: ("wanted.txt", "h5py==3.11.0\nnumpy<2  # why\nkeras[x]>=2\n"),
    FileFormat.FREEZE: ("frozen.txt", PINS),
    FileFormat.LISTING: ("list.log", "Package Version\n------- -------\nh5py    3.11.0\n"),
    FileFormat.ENVIRONMENT: (
        "environment.yml",
        "name: x\ndependencies:\n  - h5py=3.11.0\n  - numpy<2\n  - pip:\n    - keras==2.15.0\n",
    ),
    FileFormat.PYPROJECT: (
        "pyproject.toml",
        '[project]\nname = "x"\ndependencies = ["h5py==3.11.0", "numpy<2"]\n',
    ),
    FileFormat.PYLOCK: ("pylock.toml", read_text(GOLDEN / "pylock" / "pylock.toml")),
    FileFormat.UV_LOCK: ("uv.lock", UV),
    FileFormat.POETRY_LOCK: ("poetry.lock", POETRY),
    FileFormat.CONDA_LOCK: ("conda-lock.yml", read_text(GOLDEN / "conda" / "conda-lock.yml")),
    FileFormat.PIXI: ("pixi.lock", read_text(GOLDEN / "conda" / "pixi.lock")),
    FileFormat.EXPLICIT: (
        "conda-linux-64.lock",
        read_text(GOLDEN / "conda" / "conda-linux-64.lock"),
    ),
    FileFormat.NOTEBOOK: ("a.ipynb", NOTEBOOK),
    FileFormat.DOCKERFILE: ("Dockerfile", DOCKERFILE),
    FileFormat.PIPFILE: ("Pipfile", PIPFILE),
    FileFormat.PIPFILE_LOCK: ("Pipfile.lock", PIPFILE_LOCK),
    FileFormat.PDM_LOCK: ("pdm.lock", PDM),
    FileFormat.PIXI_TOML: ("pixi.toml", PIXI_TOML),
    FileFormat.SETUP_PY: ("setup.py", SETUP_PY),
    FileFormat.SETUP_CFG: ("setup.cfg", SETUP_CFG),
    FileFormat.TOX: ("tox.ini", TOX),
    FileFormat.SCRIPT: ("install.sh", "set -e\npip install h5py==3.11.0 'numpy<2'\n"),
    FileFormat.CODE: ("train.py", "#!/usr/bin/env python3\nimport h5py\nh5py.File\n"),
    FileFormat.LOG: ("out", TRACEBACK),
    FileFormat.MODEL: ("model.h5", ""),
}
every = pytest.mark.parametrize("row", FORMATS, ids=lambda row: str(row.format))
asks = pytest.mark.parametrize(
    "row", [row for row in FORMATS if Can.ASK in row.can], ids=lambda row: str(row.format)
)
pins = pytest.mark.parametrize(
    "row", [row for row in FORMATS if row.lock is not None], ids=lambda row: str(row.format)
)


def test_every_format_is_in_the_registry_once() -> None:
    assert sorted(row.format for row in FORMATS) == sorted(FileFormat)
    assert SAMPLES.keys() == set(FileFormat)


@every
def test_a_file_is_told_by_its_name_in_small_letters_and_large(row: Row, tmp_path: Path) -> None:
    name, text = SAMPLES[row.format]
    if row.names is None:
        assert named(PurePath(name)) in {None, FileFormat.REQUIREMENTS}
        return
    for written in (name, name.upper(), name.title()):
        assert named(PurePath(written)) is row.format
        path = tmp_path / written
        path.write_text(text) if text else path.write_bytes(MODEL.read_bytes())
        assert format_at(path) is row.format


@every
@pytest.mark.parametrize("name", ["notes.txt", "environment", "list.yml", "lock.toml", "PYPROJECT"])
def test_what_is_in_a_file_speaks_louder_than_its_name(row: Row, name: str) -> None:
    _, text = SAMPLES[row.format]
    if row.shows is None:
        return
    assert detect(PurePath(name), text) is row.format
    assert detect(PurePath(name), text.replace("\n", "\r\n")) is row.format


def strictly(row: Row, path: Path) -> set[str]:
    """What a request takes from a file: names and ranges, those of conda in PyPI's words."""
    if row.format is FileFormat.ENVIRONMENT:
        asked = read_environment(path)
        specs = [parse_conda_spec(str(spec)) for spec in asked.specs]
        ofconda = {f"{s.name}{f'=={s.version}' if s.version else s.specifier}" for s in specs}
        return ofconda | {_plain(each.requirement) for each in asked.requirements}
    return {_plain(each.requirement) for each in read_request_file(path).requirements}


def _plain(requirement: Requirement) -> str:
    return f"{canonicalize_name(requirement.name)}{requirement.specifier}"


def leniently(path: Path) -> set[str]:
    found = examine_path(path)
    ranges = {f"{name}{versions}" for name, versions in found.loose.items()}
    untold = {"distribute", "pip", "setuptools", "wheel"}  # which pip freeze never tells
    return {f"{name}=={version}" for name, version in found.packages.items()} | (ranges - untold)


@asks
def test_a_request_and_a_look_into_a_file_find_the_same(row: Row, tmp_path: Path) -> None:
    name, text = SAMPLES[row.format]
    (tmp_path / name).write_text(text)
    assert strictly(row, tmp_path / name) == leniently(tmp_path / name)


PROSE = "some words of prose"
#: Lines that nobody can take for a requirement, whatever reads them.
BAD = (
    *(PROSE, "numpy ! 1", "h5py==1 --nonsense", "--unknown"),
    *("-r missing.txt", "-r ../outside.txt"),
)
DAMAGED = {
    FileFormat.PIPFILE: (
        '[packages]\nh5py = "==x"\nsix = "latest"\nattrs = 3\nkeras = {path = "."}\n'
    ),
    FileFormat.SETUP_PY: (
        "from setuptools import setup\n"
        f"setup(install_requires=['h5py', {PROSE!r}, 'numpy ! 1', '-r missing.txt'])\n"
    ),
    FileFormat.SETUP_CFG: (
        f"[options]\ninstall_requires =\n    h5py\n    {PROSE}\n    numpy ! 1\n    -r missing.txt\n"
    ),
    FileFormat.REQUIREMENTS: "".join(
        f"six==1.0\nattrs<{n}\n{each}\n" for n, each in enumerate(BAD)
    ),
    FileFormat.FREEZE: PINS + f"{PROSE}\n",
    FileFormat.PYPROJECT: (
        '[project]\nname = "x"\nrequires-python = "three"\ndynamic = ["dependencies"]\n'
        f'dependencies = [\n "h5py",\n "{PROSE}",\n 3,\n "-e ."\n]\n'
    ),
    FileFormat.ENVIRONMENT: (
        "name: x\ndependencies:\n  - h5py\n  - [a, b]\n  - six ! 1\n  - pip:\n"
        f"    - {PROSE}\n    - -r missing.txt\n  - npm: x\n"
    ),
}


@asks
def test_damaged_both_tell_the_same_faults_at_the_same_places(row: Row, tmp_path: Path) -> None:
    name, _ = SAMPLES[row.format]
    path = tmp_path / name
    path.write_text(DAMAGED[row.format])
    with pytest.raises(UsageError) as caught:
        strictly(row, path)
    faults = {line.replace(f"{tmp_path}/", "") for line in caught.value.message.splitlines()}
    assert len(faults) > (row.format is not FileFormat.FREEZE)
    notes = {note.replace(f"{tmp_path}/", "") for note in examine_path(path).notes}
    assert faults <= notes


def locked(path: Path) -> Iterator[str]:
    lock = read_lock(path.name, read_text(path))
    part = min(lock.parts, key=lambda each: each.subdir)
    yield from (parse_conda_spec(f"{p.name}=={p.version}").name for p in part.conda)
    yield from (each.name for each in part.pypi)


@pins
def test_a_lock_and_a_look_into_it_name_the_same(row: Row, tmp_path: Path) -> None:
    name, text = SAMPLES[row.format]
    if row.format is FileFormat.REQUIREMENTS:
        text = read_text(GOLDEN / "requirements" / "requirements.txt")
    if row.format is FileFormat.ENVIRONMENT:
        text = read_text(GOLDEN / "environment" / "environment.yml")
    for written in (name, "other"):
        (tmp_path / written).write_text(text)
        seen = examine_path(tmp_path / written)
        there = seen.packages.keys() | (seen.loose.keys() if not seen.complete else set())
        assert there - {"pip"} == set(locked(tmp_path / written)) - {"python", "pip"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pylock.toml", 'lock-version = "1.0"\n[[packages]]\nname = [\n'),
        ("conda-lock.yml", "version: 1\nmetadata: {\npackage: [\n"),
        ("pixi.lock", "version: 6\nenvironments:\n  - a\n b\n"),
        ("environment.yml", "dependencies:\n  - a\n b\n"),
    ],
)
def test_a_lock_that_is_broken_is_told_at_the_same_line(
    name: str, text: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(text)
    readers: list[Callable[[], object]] = [lambda: examine_path(path), lambda: _strict(path)]
    told = set[str]()
    for read in readers:
        with pytest.raises(UsageError) as caught:
            read()
        told.add(caught.value.message.replace(f"{tmp_path}/", ""))
    assert len(told) == 1
    assert re.match(rf"{re.escape(name)}:\d+: not (TOML|YAML): ", told.pop())


def _strict(path: Path) -> object:
    return read_lock(path.name, read_text(path))


def test_an_empty_file_that_says_nothing_is_nothing() -> None:
    assert detect(PurePath("anything"), " \n") is None
    assert detect(PurePath("REQS.TXT"), "") is FileFormat.REQUIREMENTS


def test_a_text_that_quotes_a_file_in_an_error_is_a_log() -> None:
    quoted = "name: x\ndependencies:\n  - numpy\n"
    assert detect(PurePath("out"), f"{quoted}\n{TRACEBACK}") is FileFormat.LOG
    assert detect(PurePath("environment.yml"), f"{quoted}# Error: no\n") is FileFormat.ENVIRONMENT
