"""Which formats declare what they want in their own words, and who reads each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import cast

from envlock.formats.declarations import Declaration
from envlock.formats.registry import FileFormat

Declarations = Callable[[Path, str], Iterator[Declaration]]

#: Module and function of each; imported when they are called.
DECLARED: Mapping[FileFormat, tuple[str, str]] = {
    FileFormat.DOCKERFILE: ("dockerfile", "declarations"),
    FileFormat.PIPFILE: ("pipfile", "of_pipfile"),
    FileFormat.PIPFILE_LOCK: ("pipfile", "of_pipfile_lock"),
    FileFormat.PIXI_TOML: ("pipfile", "of_pixi_toml"),
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
