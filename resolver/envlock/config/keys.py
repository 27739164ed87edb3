"""The settings there are: how one value of each is read, and what it says."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from envlock.choices import Accelerator, EngineName, Format, IndexStrategy, Manager
from envlock.errors import UsageError
from envlock.formats.faults import shown
from envlock.index.settings import read_source, switched
from envlock.request.words import parse_date
from envlock.system.looking import expanded, named
from envlock.targets.platforms import read_platform

_VERSION = r"\d+(\.\d+){0,2}"

_NAMES_A_PYTHON = r"(?i)\d+(\.\d+){0,2}|(python|pypy)[\w.]*"


class Key(Struct, frozen=True):
    """One setting: its field of `Config`, how one value of it is read, and what it says.

    ``read`` gets the value and the folder that paths are relative to, and
    ``of_project`` takes its place for a project's file; ``words`` are all the
    values there are, where they are known. A ``table`` is read as texts
    ``KEY=VALUE``. ``wanted`` is what a value has to
    be, where it can be anything else, in words that do not quote it.
    """

    field: str
    read: Callable[[str, Path], object]
    says: str
    words: tuple[str, ...] = ()
    many: bool = False
    separator: str | None = None
    of_project: Callable[[str, Path], object] | None = None
    table: bool = False
    wanted: str = ""


_Words = type[EngineName | Accelerator | Format | IndexStrategy | Manager]


def _choice(kind: _Words) -> Callable[[str, Path], object]:
    known = f"one of {', '.join(kind)}"

    def read(text: str, _: Path) -> object:
        try:
            return kind(text)
        except ValueError:
            raise UsageError(f"{shown(text)} is not {known}", f"write {known}") from None

    return read


def _chosen(
    field: str,
    kind: _Words,
    says: str,
    *,
    many: bool = False,
    of_project: Callable[[str, Path], object] | None = None,
) -> Key:
    """A setting that is one of some words, or some of them."""
    return Key(
        field,
        _choice(kind),
        says,
        words=tuple(kind),
        wanted=f"one of {', '.join(kind)}",
        many=many,
        of_project=of_project,
    )


def _text(text: str, _: Path) -> str:
    return text


def _python(text: str, base: Path) -> str:
    """A version and the name of a program on PATH stay; a path is taken from its file."""
    if re.fullmatch(_NAMES_A_PYTHON, text):
        return text
    return str(base / Path(text).expanduser())


def _version(text: str, _: Path) -> str:
    if re.fullmatch(_VERSION, text) is None:
        raise UsageError(
            f"{shown(text)} is not a version: a project's file chooses no program that is run",
            "write a version such as 3.11; a path is for --python, ENVLOCK_PYTHON or"
            " envlock.toml of your own",
        )
    return text


SWITCH = ("true", "false")


def _switched(text: str, _: Path) -> bool:
    if (found := switched(text)) is None:
        raise UsageError(f"{shown(text)} is neither true nor false", "write true or false")
    return found


def _switch(field: str, says: str) -> Key:
    """A setting that is true or false."""
    return Key(field, _switched, says, words=SWITCH, wanted="true or false")


_manager = _choice(Manager)


def _manager_of_project(text: str, base: Path) -> object:
    """Whoever wrote a project may say who installs, of those that envlock brings itself."""
    manager = _manager(text, base)
    if manager not in {Manager.PIP, Manager.CONDA}:
        raise UsageError(
            f"{text} is a program of this machine, and a project's file chooses none that is run",
            "write pip or conda; --manager, ENVLOCK_MANAGER or envlock.toml of your own choose it",
        )
    return manager


def _place_to_work(text: str, _: Path) -> Path:
    """A folder from wherever somebody works, not from the user's file."""
    return named(Path(_path(text)))


_FILE_LINE = re.compile(r"(-r|-c|--requirement|--constraint)[= ]\s*(\S.*)")


def _line(text: str, base: Path) -> str:
    """A line of a requirements file; the file that it names is taken from the file it is in."""
    match = _FILE_LINE.fullmatch(text.strip())
    return f"{match[1]} {_folder(match[2], base)}" if match else text.strip()


def _line_of_project(text: str, base: Path) -> str:
    match = _FILE_LINE.fullmatch(text.strip())
    return f"{match[1]} {_inside(match[2], base)}" if match else text.strip()


def _date(text: str, _: Path) -> str:
    parse_date(text, now=datetime.now(UTC))
    return text


def _platform(text: str, _: Path) -> str:
    return read_platform(text).option


def _folder(text: str, base: Path) -> Path:
    return named(base / _path(text))


def _inside(text: str, base: Path) -> Path:
    """A folder of the project that a project's file names, links followed."""
    folder = _folder(text, base)
    root = os.path.realpath(base)
    if not Path(os.path.realpath(folder)).is_relative_to(root):
        raise UsageError(
            f"{shown(text)} is outside the project {root}: a project's file names its own folders",
            f"copy it into {root}, or name it yourself: in a flag, a variable, or envlock.toml of"
            " your own",
        )
    return folder


def _path(text: str) -> str:
    where = expanded(text)
    if where is not None:
        raise UsageError(f"{shown(text)}: ~ is not replaced here", f"write {where}")
    return text


def _link(text: str, base: Path) -> str:
    """An address stays; a path is taken from the file it is written in."""
    return text if "://" in text or text.startswith("file:") else str(base / _path(text))


_strategy = _choice(IndexStrategy)


def _strategy_of_project(text: str, base: Path) -> object:
    """Whoever wrote a project may keep packages to the first index, and not open them to all."""
    strategy = _strategy(text, base)
    if strategy is IndexStrategy.BEST:
        raise UsageError(
            f"{text} lets a package come from whichever index has the highest version, which a"
            " project's file does not choose",
            "remove it; --index-strategy best-match, ENVLOCK_INDEX_STRATEGY or envlock.toml of"
            " your own choose it",
        )
    return strategy


def _source(text: str, base: Path) -> tuple[str, str]:
    """A package or pattern and its index; a path is taken from the file it is written in."""
    name, place = read_source(text)
    is_path = place.startswith((".", "/", "~"))
    return name, (base / Path(place).expanduser()).resolve().as_uri() if is_path else place


KEYS = {
    "engine": _chosen("engine", EngineName, "The program that solves."),
    "rules": Key(
        "rules",
        _folder,
        "Folders of rules of one's own, from this file; of a project's, inside of it.",
        many=True,
        of_project=_inside,
        separator=os.pathsep,
    ),
    "evidence": Key(
        "evidence",
        _folder,
        "Folders of evidence of one's own, from this file; of a project's, inside of it.",
        many=True,
        of_project=_inside,
        separator=os.pathsep,
    ),
    "python": Key(
        "python",
        _python,
        "A version of Python such as 3.10; in a file of the user's own also a path.",
        of_project=_version,
    ),
    "accelerator": _chosen("accelerator", Accelerator, "The TensorFlow build."),
    "format": _chosen("formats", Format, "The formats of the lock.", many=True),
    "platform": Key(
        "platforms",
        _platform,
        "Lock for these, not for this machine: macos-arm64.",
        many=True,
        wanted="a platform such as macos-arm64",
    ),
    "exclude-newer": Key(
        "exclude_newer",
        _date,
        "Leave out what was uploaded later: 2024-01-31, or 7d.",
        wanted="a date such as 2024-01-31, or 7d",
    ),
    "index-url": Key("index_url", _text, "The package index."),
    "extra-index-url": Key("extra_index_urls", _text, "More indexes.", many=True),
    "find-links": Key("find_links", _link, "Folders or pages with files.", many=True),
    "index-strategy": _chosen(
        "index_strategy",
        IndexStrategy,
        "Take a package from the first index that has it, or the best of all; best-match is not"
        " for a project's file.",
        of_project=_strategy_of_project,
    ),
    "offline": _switch("offline", "Use what is in the caches, however old, and no network."),
    "sources": Key(
        "sources",
        _source,
        "Packages, or patterns such as acme-*, and the one index of each: its URL, or the host of"
        " one that is configured.",
        many=True,
        table=True,
        wanted="NAME=INDEX, where NAME is a package or a pattern like acme-*",
    ),
    "requirements": Key(
        "requirements",
        _line,
        "What is wanted where no words are typed: lines of a requirements file, -r FILE too.",
        many=True,
        separator="\n",
        of_project=_line_of_project,
    ),
    "constraints": Key(
        "constraints",
        _line,
        "Bounds: lines of a constraints file, -c FILE too.",
        many=True,
        separator="\n",
        of_project=_line_of_project,
    ),
    "extras": Key("extras", _text, "Extras of pyproject.toml to take.", many=True),
    "groups": Key("groups", _text, "Dependency groups of pyproject.toml to take.", many=True),
    "all-extras": _switch("all_extras", "Lock every extra, to be chosen from a pylock.toml."),
    "no-extra": Key("no_extra", _text, "Extras to leave out of all-extras.", many=True),
    "all-groups": _switch("all_groups", "Lock every group, to be chosen from a pylock.toml."),
    "no-group": Key("no_group", _text, "Groups to leave out of all-groups.", many=True),
    "needs": Key("needs", _text, "Capabilities that must be proved: resume.", many=True),
    "no-imports": Key(
        "no_imports",
        _text,
        "Packages of the request that a proof does not import.",
        many=True,
    ),
    "allow-build": Key(
        "allow_build", _text, "Packages whose source may be built, or :all:.", many=True
    ),
    "fresh": _switch("fresh", "Solve, though a set of pins is proved already."),
    "universal": _switch("universal", "Put all platforms into one requirements file."),
    "manager": _chosen(
        "manager",
        Manager,
        "Who installs; in a project's file pip or conda.",
        of_project=_manager_of_project,
    ),
    "channels": Key("channels", _text, "Where conda packages come from.", many=True),
    "env": Key(
        "env",
        _place_to_work,
        "The folder of the environment; of a project's file, inside of it.",
        of_project=_inside,
    ),
    "inexact": _switch("inexact", "Keep the packages that the lock does not name."),
    "no-pip": _switch("no_pip", "Leave pip out of the environment."),
    "output": Key(
        "output",
        _place_to_work,
        "The name of the lock, for one format; of a project's file, inside of it.",
        of_project=_inside,
    ),
    "image": Key(
        "image",
        _place_to_work,
        "The folder of what an image is built from; of a project's file, inside of it.",
        of_project=_inside,
    ),
    "base": Key("base", _text, "What the image starts from: slim, tensorflow, cuda or NAME:TAG."),
    "base-digest": Key("base_digest", _text, "The digest of the base: sha256:HEX."),
    "base-freeze": Key(
        "base_freeze",
        _place_to_work,
        "A pip freeze of the base, which is kept; of a project's file, inside of it.",
        of_project=_inside,
    ),
    "label": Key("labels", _text, "Labels of the image: KEY=VALUE.", many=True, separator="\n"),
    "no-verify": _switch("no_verify", "Leave the proof out of the build of an image."),
}

#: What the value of a key of a table is.
TEXT = Key("", lambda text, _: text, "")
