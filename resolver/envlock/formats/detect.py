"""What kind of file is this? By what is in it, else by its name, in small letters or large."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Flag, StrEnum, auto
from pathlib import Path, PurePath

from msgspec import Struct

from envlock.formats.listings import HEAD, is_explicit, is_freeze, is_json, is_table
from envlock.formats.logs import in_trouble, is_log
from envlock.formats.reading import decode, is_binary
from envlock.system import opened

_MOST = 1 << 20  # bytes that are looked at


class FileFormat(StrEnum):
    """The formats that are told apart."""

    REQUIREMENTS = "requirements"
    FREEZE = "freeze"
    LISTING = "listing"
    ENVIRONMENT = "environment"
    PYPROJECT = "pyproject"
    PYLOCK = "pylock"
    UV_LOCK = "uv-lock"
    POETRY_LOCK = "poetry-lock"
    CONDA_LOCK = "conda-lock"
    PIXI = "pixi"
    EXPLICIT = "explicit"
    NOTEBOOK = "notebook"
    LOG = "log"
    MODEL = "model"


class Can(Flag):
    """What may be done with a file, beside looking into it."""

    ASK = auto()
    """It asks for packages: ``-r``."""
    BOUND = auto()
    """It bounds versions: ``-c``."""
    EDIT = auto()
    """Its pins can be changed in place."""
    PIN = auto()
    """It may be a lock."""


class Row(Struct, frozen=True):
    """One format: what it is in words, the names of its files, what shows it in a text."""

    format: FileFormat
    what: str
    names: re.Pattern[str] | None = None
    shows: Callable[[str], object] | None = None
    can: Can = Can(0)


def _names(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _lines(*starts: str) -> Callable[[str], bool]:
    """Whether near its beginning a text has a line that starts with each of these."""
    return lambda text: all(f"\n{start}" in f"\n{text[:HEAD]}" for start in starts)


def _any_line(*starts: str) -> Callable[[str], bool]:
    return lambda text: any(_lines(start)(text) for start in starts)


def _is_notebook(text: str) -> bool:
    return text[:HEAD].lstrip().startswith("{") and '"nbformat"' in text


_MODEL = _names(r".+\.(?:h5|hdf5|keras)")
_EXPLICIT = _names(r"conda(?:-[a-z0-9]+-[a-z0-9]+)?\.lock")
_PYLOCK = _names(r"pylock(?:\.[^.]+)?\.toml")
_CONDA_LOCK = _names(r"(?:.+[.-])?conda-lock\.ya?ml")
_IN_PYLOCK = _lines("lock-version", "[[packages]]")
_IN_UV_LOCK = _lines("version = ", "[[package]]", "source = {")
_IN_POETRY_LOCK = _lines("[[package]]", "python-versions = ")
_IN_PYPROJECT = _any_line("[project]", "[tool.poetry]", "[dependency-groups]", "[build-system]")
_IN_CONDA_LOCK = _lines("version: ", "metadata:", "package:")
_IN_PIXI = _lines("version: ", "environments:")
_IN_ENVIRONMENT = _any_line("dependencies:", "channels:", "prefix:", "variables:")
_REQUIREMENTS = _names(r".+\.(?:txt|in)|requirements\S*\.lock")
_WISHES = Can.ASK | Can.BOUND | Can.EDIT | Can.PIN
_F = FileFormat
#: A format that shows itself in more ways comes before one that shows itself in fewer.
FORMATS = (
    Row(_F.MODEL, "a model that Keras saved", _MODEL),
    Row(_F.NOTEBOOK, "a notebook", _names(r".+\.ipynb"), _is_notebook),
    Row(_F.EXPLICIT, "an explicit list of conda packages", _EXPLICIT, is_explicit, Can.PIN),
    Row(_F.LISTING, "what pip list or conda list prints", None, is_table),
    Row(_F.PYLOCK, "a pylock.toml", _PYLOCK, _IN_PYLOCK, Can.PIN),
    Row(_F.UV_LOCK, "uv's lock", _names(r"uv\.lock"), _IN_UV_LOCK),
    Row(_F.POETRY_LOCK, "Poetry's lock", _names(r"poetry\.lock"), _IN_POETRY_LOCK),
    Row(_F.PYPROJECT, "a pyproject.toml", _names(r"pyproject\.toml"), _IN_PYPROJECT, Can.ASK),
    Row(_F.CONDA_LOCK, "conda-lock's lock", _CONDA_LOCK, _IN_CONDA_LOCK, Can.PIN),
    Row(_F.PIXI, "pixi's lock", _names(r"(?:.+\.)?pixi\.lock"), _IN_PIXI, Can.PIN),
    Row(
        _F.ENVIRONMENT,
        "an environment.yml",
        _names(r".+\.ya?ml"),
        _IN_ENVIRONMENT,
        _WISHES ^ Can.BOUND,
    ),
    Row(_F.FREEZE, "what pip freeze prints", None, is_freeze, _WISHES),
    Row(_F.REQUIREMENTS, "a requirements file", _REQUIREMENTS, None, _WISHES),
    Row(_F.LOG, "a log"),
)
ROWS = {row.format: row for row in FORMATS}


def can(found: FileFormat | None, ability: Can) -> bool:
    """Whether a file of a format is good for something."""
    return found is not None and ability in ROWS[found].can


def named(path: PurePath) -> FileFormat | None:
    """Tell the format of a file by its name alone; None: the name says nothing."""
    return next(
        (row.format for row in FORMATS if row.names and row.names.fullmatch(path.name)), None
    )


def detect(path: PurePath, text: str) -> FileFormat | None:
    """Tell the format of a text in a file of this name; None: neither says anything.

    A text that speaks of an error may quote any file, so there the name decides,
    and whether most lines could be requirements.
    """
    if is_json(text):
        return FileFormat.LISTING
    shown = next((row.format for row in FORMATS if row.shows and row.shows(text)), None)
    if shown is not None and not in_trouble(text):
        return shown
    by_name = named(path)
    if by_name not in {None, FileFormat.REQUIREMENTS}:
        return by_name
    if is_log(text, named=by_name is not None):
        return FileFormat.LOG
    return FileFormat.REQUIREMENTS if text.strip() else by_name


def meant(path: PurePath, text: str) -> FileFormat | None:
    """Tell the format of a file that is to be something else than a log, whatever its lines."""
    found = detect(path, text)
    return named(path) if found is FileFormat.LOG else found


def format_at(path: Path) -> FileFormat | None:
    """Tell the format of what is at a path; of what is no regular file, by its name.

    None: it is no text, and no model by its name.
    """
    try:
        with opened(path) as file:
            content = file.read(_MOST)
    except OSError:  # a pipe can be read once only; why another cannot be, its reader says
        return named(path)
    return named(path) if is_binary(content) else meant(path, decode(content))
