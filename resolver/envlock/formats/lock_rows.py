"""A format as locks are written in it: its module, its files, and what it has a place for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import PurePath
from typing import Protocol, cast

from msgspec import Struct

from envlock.builds import DirectKind
from envlock.choices import Format
from envlock.errors import UsageError
from envlock.formats.lockfile import LockEntries
from envlock.index.secrets import redact
from envlock.model import Lock


class Module(Protocol):
    """Turns a lock into texts, and a text into what it holds; a module with both is one."""

    def render(self, lock: Lock) -> list[str]:
        """Return a text for each part, or one for all; the same text for the same lock.

        Raises:
            EnvlockError: the lock lacks something the format must hold.
        """
        ...

    def together(self, lock: Lock) -> str:
        """Return one text that holds all platforms, of a format whose row says ``markers``."""
        ...

    def read(self, name: str, text: str, gathered: LockEntries) -> None:
        """Take in the pins of a file, and what it says of itself.

        Raises:
            UsageError: it is no such file; says the line or the key.
        """
        ...


#: Wherever a package can be from.
ANYWHERE = frozenset(DirectKind)


class LockRow(Struct, frozen=True, kw_only=True):
    """A format as locks are written in it: its module, and what it can hold.

    ``filename`` is the name where nobody asks for another. ``hashes``: it has a
    place for them; ``files``: it lists the files of every pin; ``addresses``:
    of every pin one. ``conda``: it holds conda's packages; ``pypi``: a lock
    that has none of them; ``beside``: the Python packages of one that has them.
    ``several``: one file holds all platforms. ``markers``: one can, if that is
    asked for, each package with a marker. ``selections``: a package may be for
    some extras and groups alone. ``apart``: the name of the platform is always
    in that of the file. ``options``: other programs write options of pip into
    it, and ``-r`` reads it. ``places`` are what a package may be from that no
    index lists.
    """

    module: str
    filename: str
    hashes: bool = True
    files: bool = False
    addresses: bool = False
    conda: bool = False
    pypi: bool = True
    beside: bool = False
    several: bool = False
    markers: bool = False
    selections: bool = False
    apart: bool = False
    options: bool = False
    places: frozenset[DirectKind] = frozenset()

    def load(self) -> Module:
        """Return the module, imported when it is asked for: a command needs few of them."""
        return cast("Module", import_module(f"envlock.formats.{self.module}"))

    def name_on(self, place: str, *, alone: bool) -> str:
        """Return the name of a file for a platform; the plain name where there is no other."""
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


def for_platform(path: PurePath, platform: str) -> PurePath:
    """Return the name of a lock that is one of several, each for a platform.

    ``requirements.txt`` becomes ``requirements.linux-aarch64.txt``,
    ``pylock.toml`` ``pylock.linux-aarch64.toml``; a pylock that has a name
    already keeps it before a hyphen, for PEP 751 allows no second dot.
    """
    joint = "-" if path.name.startswith("pylock.") and path.stem != "pylock" else "."
    return path.with_name(f"{path.stem}{joint}{platform}{path.suffix}")


def refuse_places(kind: Format, lock: Lock, rows: Mapping[Format, LockRow]) -> None:
    """Refuse what is from a place where a format has only what is listed.

    Raises:
        UsageError: there is such a package; the remedies are formats that hold it.
    """
    every = (each for part in lock.parts for each in part.pypi)
    placed = {each.direct.kind: (each.name, each.direct) for each in every if each.direct}
    lost = placed.keys() - rows[kind].places
    if lost:
        name, direct = placed[min(lost)]
        holding = [each for each, row in rows.items() if row.places >= placed.keys()]
        fit = [each for each in holding if rows[each].conda or not lock.of_conda]
        raise UsageError(
            f"the format {kind} has no place for {name}, which is from {redact(direct.address)}",
            *(f"--format {each}" for each in fit[:2]),
        )
