"""What a file that is no list of requirements says is wanted, one thing after the other. Pure.

Build files, scripts and images say it in their own words. Each reader yields
what it finds in pip's words or conda's, with its place, so that one reader of
lines judges all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import cast

from msgspec import Struct

from envlock.errors import UsageError
from envlock.formats.registry import FileFormat


class By(StrEnum):
    """Whose words a declaration is in."""

    PIP = "pip"
    CONDA = "conda"
    PYTHON = "python"
    """A range of Pythons, in PEP 440's words."""
    BASE = "base"
    """A release that is there already, as ``NAME==VERSION``: an image brings it."""


class Declaration(Struct, frozen=True, kw_only=True):
    """One thing that is wanted: a line as pip or conda reads it, or what is wrong there.

    ``optional`` names the extra or group that it belongs to.
    """

    where: str
    text: str
    by: By = By.PIP
    optional: str = ""
    fault: UsageError | None = None


def line_of(lines: list[str], text: str) -> int:
    """Return the number of the first line that holds a text; 0: none."""
    return next((n for n, line in enumerate(lines, 1) if text in line), 0)


def place(path: object, line: int) -> str:
    """Return where something stands, as messages name it."""
    return f"{path}:{line}" if line else str(path)


Declarations = Callable[[Path, str], Iterator[Declaration]]

#: Module and function of each; imported when they are called.
DECLARED: Mapping[FileFormat, tuple[str, str]] = {
    FileFormat.DOCKERFILE: ("dockerfile", "declarations"),
    FileFormat.PIPFILE: ("pipfile", "of_pipfile"),
    FileFormat.PIPFILE_LOCK: ("pipfile", "of_pipfile_lock"),
    FileFormat.PIXI_TOML: ("pixi_toml", "of_pixi_toml"),
    FileFormat.SCRIPT: ("shell", "of_script"),
    FileFormat.SETUP_CFG: ("setup_files", "of_setup_cfg"),
    FileFormat.SETUP_PY: ("setup_files", "of_setup_py"),
    FileFormat.TOX: ("setup_files", "of_tox"),
}


def declarations(found: FileFormat, path: Path, text: str) -> Iterator[Declaration]:
    """Yield what a file of one of these formats declares.

    Raises:
        UsageError: it is not what its format says; with the line where that is known.
    """
    module, function = DECLARED[found]
    read = cast("Declarations", getattr(import_module(f"envlock.formats.{module}"), function))
    return read(path, text)
