"""The formats of locks: which file names belong to one, what it can hold, who writes and reads it.

What a format can do is told by its row; nobody asks for its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol, cast

from msgspec import Struct

from envlock.choices import Format
from envlock.errors import UsageError
from envlock.formats.detect import FileFormat, meant
from envlock.model import Lock, Part

if TYPE_CHECKING:
    from envlock.formats.gathered import Gathered


class Module(Protocol):
    """Turns a lock into texts, and a text into what it holds; a module with both is one."""

    def render(self, lock: Lock) -> Mapping[str, str]:
        """Return file name → text, the same text for the same lock.

        Raises:
            EnvlockError: the lock lacks something the format must hold.
        """
        ...

    def together(self, lock: Lock) -> str:
        """Return one text that holds all platforms, of a format whose row says ``markers``."""
        ...

    def read(self, name: str, text: str, gathered: Gathered) -> None:
        """Take in the pins of a file, and what it says of itself.

        Raises:
            UsageError: it is no such file; says the line or the key.
        """
        ...


class Row(Struct, frozen=True, kw_only=True):
    """One format: its module, its file names, and what it can hold.

    ``filename`` is the name where nobody asks for another, ``pattern`` what
    every name of such a file matches, ``mark`` a line that tells it whatever
    its name. ``hashes``: it has a place for them; ``files``: it lists the files
    of every pin; ``addresses``: of every pin one. ``conda``: it holds conda's
    packages; ``pypi``: a lock that has none of them; ``beside``: the Python
    packages of one that has them. ``several``: one file holds all platforms.
    ``markers``: one can, if that is asked for, each package with a marker.
    ``apart``: the name of the platform is always in that of the file.
    ``options``: other programs write options of pip into it, and ``-r`` reads it.
    """

    module: str
    filename: str
    pattern: re.Pattern[str]
    mark: str = ""
    hashes: bool = True
    files: bool = False
    addresses: bool = False
    conda: bool = False
    pypi: bool = True
    beside: bool = False
    several: bool = False
    markers: bool = False
    apart: bool = False
    options: bool = False

    def load(self) -> Module:
        """Return the module, imported when it is asked for: a command needs few of them."""
        return cast("Module", import_module(f"envlock.formats.{self.module}"))

    def filename_for(self, part: Part, *, alone: bool) -> str:
        """Return the name of a file for one platform; the plain name where there is no other."""
        return self.name_on(part.place, alone=alone)

    def name_on(self, place: str, *, alone: bool) -> str:
        """Return the name of a file for a platform, by its name; as `filename_for`."""
        path = PurePath(self.filename)
        if self.apart:
            return f"{path.stem}-{place}{path.suffix}"
        return path.name if alone else str(for_platform(path, place))

    def names(
        self, places: Sequence[str], *, apart: bool = False, together: bool = False
    ) -> tuple[str, ...]:
        """Return the names of the files that a lock for these platforms has.

        ``apart`` says that it is one of several, each for a platform;
        ``together`` that one file is to hold all of them.
        """
        if not apart and (self.several or (together and self.markers)):
            return (self.filename,)
        alone = len(places) == 1 and not apart
        return tuple(self.name_on(each, alone=alone) for each in places)


_ROWS = {
    Format.REQUIREMENTS: Row(
        module="requirements_lock",
        filename="requirements.txt",
        pattern=re.compile(r".+\.txt|requirements\S*\.lock", re.IGNORECASE),
        beside=True,
        markers=True,
        options=True,
    ),
    Format.PYLOCK: Row(
        module="pylock",
        filename="pylock.toml",
        pattern=re.compile(r"pylock(\.[^.]+)?\.toml"),
        files=True,
        several=True,
    ),
    Format.EXPLICIT: Row(
        module="explicit",
        filename="conda.lock",
        pattern=re.compile(r"conda(-[a-z0-9]+-[a-z0-9]+)?\.lock"),
        mark="@EXPLICIT",
        addresses=True,
        conda=True,
        pypi=False,
        apart=True,
    ),
    Format.CONDA_LOCK: Row(
        module="conda_lock",
        filename="conda-lock.yml",
        pattern=re.compile(r"(.+[.-])?conda-lock\.ya?ml"),
        addresses=True,
        conda=True,
        pypi=False,
        several=True,
    ),
    Format.PIXI: Row(
        module="pixi",
        filename="pixi.lock",
        pattern=re.compile(r"(.+\.)?pixi\.lock"),
        addresses=True,
        conda=True,
        pypi=False,
        several=True,
    ),
    # Last of those in YAML: its pattern takes every name of theirs.
    Format.ENVIRONMENT: Row(
        module="environment_lock",
        filename="environment.yml",
        pattern=re.compile(r".+\.ya?ml", re.IGNORECASE),
        hashes=False,
        conda=True,
    ),
}
#: Every format there is, in the order in which a file's name is tried.
FORMATS: Mapping[Format, Row] = _ROWS


def for_platform(path: PurePath, platform: str) -> PurePath:
    """Return the name of a lock that is one of several, each for a platform.

    ``requirements.txt`` becomes ``requirements.linux-aarch64.txt``,
    ``pylock.toml`` ``pylock.linux-aarch64.toml``; a pylock that has a name
    already keeps it before a hyphen, for PEP 751 allows no second dot.
    """
    joint = "-" if path.name.startswith("pylock.") and path.stem != "pylock" else "."
    return path.with_name(f"{path.stem}{joint}{platform}{path.suffix}")


def format_of(path: PurePath, text: str = "") -> Format | None:
    """Tell the format of a file by its text where that says it, else by its name; or None.

    PEP 751 allows two names for its locks: ``pylock.toml`` and
    ``pylock.NAME.toml``, where NAME has no dot.
    """
    if text:
        found = meant(path, text)
        kind = FileFormat.REQUIREMENTS if found is FileFormat.FREEZE else found
        return None if kind is None else {each.value: each for each in Format}.get(kind.value)
    matching = (kind for kind, row in FORMATS.items() if row.pattern.fullmatch(path.name))
    return next(matching, None)


def texts_of(lock: Lock, kind: Format, *, together: bool = False) -> Mapping[str, str]:
    """Return the files of a lock in a format: name → text.

    ``together`` asks for one file of all platforms where the format can.

    Raises:
        UsageError: the format has no place for its packages.
        EnvlockError: the lock lacks something that the format must hold.
    """
    refuse_unfit(kind, of_conda=lock.of_conda)
    row = FORMATS[kind]
    if together and row.markers and not lock.of_conda:
        return {row.filename: row.load().together(lock)}
    return row.load().render(lock)


def refuse_unfit(kind: Format, *, of_conda: bool) -> None:
    """Refuse a format that holds no conda packages, or no others.

    Raises:
        UsageError: it does not.
    """
    row = FORMATS[kind]
    if of_conda and not (row.conda or row.beside):
        names = ", ".join(each for each in Format if FORMATS[each].conda or FORMATS[each].beside)
        raise UsageError(
            f"conda packages have no place in the format {kind}",
            f"choose one of {names}: --format {Format.ENVIRONMENT}",
        )
    if not of_conda and not row.pypi:
        raise UsageError(
            f"--format {kind} holds conda packages, and this request has none",
            "give it an environment file: -r environment.yml",
        )
