"""What is configured, for the options that a command line leaves out.

Order, later over earlier: defaults, the user's ``envlock.toml``,
``[tool.envlock]`` of the nearest ``pyproject.toml`` upward, ``ENVLOCK_*``
variables, then the flags, which the caller puts over the `Config`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import platformdirs
from msgspec import Struct

from envlock.choices import Accelerator, EngineName, Format, IndexStrategy
from envlock.documents import read_toml
from envlock.errors import UsageError
from envlock.formats.faults import Faults, safe, shown
from envlock.index.secrets import learn_url
from envlock.index.settings import Sources, closest_first, read_source, switched
from envlock.request.words import parse_date
from envlock.system import read_text
from envlock.system.looking import expanded, is_file, named
from envlock.targets.platforms import read_platform

#: The fields that say where packages come from.
_PLACES = frozenset({"index_url", "extra_index_urls", "find_links"})


class Config(Struct, frozen=True, kw_only=True):
    """Defaults for the options of every command.

    ``python``, ``platforms`` and ``exclude_newer`` are as `find_interpreter`,
    `read_platforms` and `parse_date` take them. ``rules`` are the folders of
    every source together, the user's first; each other value is of the
    strongest source that has it. No formats means that file names decide, and
    no index field that pip's configuration does. Of ``sources`` the first that
    matches counts: a variable's, the user's, then the project's.
    """

    engine: EngineName = EngineName.PIPTOOLS
    rules: tuple[Path, ...] = ()
    evidence: tuple[Path, ...] = ()
    python: str | None = None
    accelerator: Accelerator = Accelerator.AUTO
    formats: tuple[Format, ...] = ()
    platforms: tuple[str, ...] = ()
    exclude_newer: str | None = None
    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    index_strategy: IndexStrategy = IndexStrategy.FIRST
    sources: Sources = ()
    offline: bool = False


def load_config(start: Path, environ: Mapping[str, str]) -> Config:
    """Return what is configured for work in the folder ``start``.

    Relative paths are relative to the file they are written in, in a variable
    to ``start``. A variable with several values has spaces between them, but
    ``ENVLOCK_RULES`` and ``ENVLOCK_EVIDENCE`` what separates the folders of
    ``PATH``; an empty one is not set. A project's file comes with a folder that
    may be a stranger's: its ``python`` is a version, never a program.

    Raises:
        UsageError: a file cannot be read or is not TOML; or keys are unknown
            or values make no sense, in any source, told all at once.
    """
    faults = Faults()
    values: dict[str, Any] = {}
    rules: list[Path] = []
    own = tuple(_user(faults))
    _, project = _project(start, faults)
    variables = _environment(start, environ, faults)
    for source in (*own, project, variables):
        rules += source.pop("rules", ())
        values |= source
    values["sources"] = tuple(
        pair
        for source in (variables, *own, project)
        for pair in closest_first(source.get("sources", ()))
    )
    faults.finish()
    return Config(rules=tuple(dict.fromkeys(rules)), **values)


def project_places(start: Path, environ: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return what a project's file says of where packages come from, by ``FILE: key``.

    What a variable says instead is left out.

    Raises:
        UsageError: as `load_config`.
    """
    faults = Faults()
    path, project = _project(start, faults)
    variables = _environment(start, environ, faults)
    faults.finish()
    found: dict[str, tuple[str, ...]] = {}
    for name, key in KEYS.items():
        if key.field in _PLACES & project.keys() - variables.keys():
            value = project[key.field]
            found[f"{path}: {name}"] = value if key.many else (value,)
    return found


def project_sources(start: Path) -> tuple[str, Sources]:
    """Return the ``FILE: key`` of a project's sources, and the packages that it holds to an index.

    A variable and the user's own file go before it, so not each of them counts.

    Raises:
        UsageError: as `load_config`.
    """
    faults = Faults()
    path, project = _project(start, faults)
    faults.finish()
    return f"{path}: sources", project.get("sources", ())


def user_file() -> Path:
    """Return where a user's own configuration is; it need not be there."""
    return Path(platformdirs.user_config_dir("envlock", appauthor=False)) / "envlock.toml"


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``[tool.envlock]``, which is that of ``envlock.toml`` too."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://github.com/envlock/envlock/schemas/config.json",
        "title": "envlock",
        "description": "The table [tool.envlock] of a pyproject.toml, or a whole envlock.toml.",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _schema_of(key) for name, key in KEYS.items()},
    }


def _schema_of(key: Key) -> dict[str, Any]:
    one: dict[str, Any] = {"type": "string", "minLength": 1}
    if key.words == _SWITCH:
        one = {"enum": [*_SWITCH, True, False]}
    elif key.words:
        one = {"type": "string", "enum": list(key.words)}
    if key.table:
        return {"description": key.says, "type": "object", "additionalProperties": one}
    if not key.many:
        return {"description": key.says, **one}
    return {"description": key.says, "anyOf": [one, {"type": "array", "items": one}]}


def _user(faults: Faults) -> Iterator[dict[str, Any]]:
    path = user_file()
    if is_file(path):
        yield _from_table(read_toml(str(path), read_text(path)), path, "", faults)


def _project(start: Path, faults: Faults) -> tuple[Path | None, dict[str, Any]]:
    start = start.absolute()
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if is_file(path):
            tool = read_toml(str(path), read_text(path)).get("tool")
            table = tool.get("envlock", {}) if isinstance(tool, dict) else {}
            return path, _from_table(table, path, "tool.envlock", faults)
    return None, {}


def _from_table(table: object, path: Path, prefix: str, faults: Faults) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if not isinstance(table, dict):
        faults.add(
            f"{path}: {prefix}", f"{_kind(table)} is there, not a table", f"write [{prefix}]"
        )
        return values
    for name, value in table.items():
        where = f"{path}: {f'{prefix}.{name}'.lstrip('.')}"
        key = KEYS.get(name)
        if key is None:
            known = ", ".join(KEYS)
            faults.add(
                where, f"there is no such setting; there are {known}", f"remove {safe(name)}"
            )
            continue
        with faults.collect(where):
            read = (prefix and key.of_project) or key.read
            values[key.field] = _read(key, _items(key, value), path.parent, read)
    return values


def _items(key: Key, value: object) -> list[str]:
    """The texts of a TOML value; a list may be written as its only item."""
    texts: list[str] = []
    if key.table:
        if not isinstance(value, dict):
            raise UsageError(f"{_kind(value)} is there, not a table", "write it as a table")
        return [f"{name}={text}" for name, item in value.items() for text in _items(_TEXT, item)]
    for item in value if key.many and isinstance(value, list) else [value]:
        if isinstance(item, bool) and key.words == _SWITCH:
            texts.append(str(item).lower())
        elif isinstance(item, date):
            texts.append(item.isoformat())
        elif isinstance(item, str) and item:
            texts.append(item)
        else:
            wanted = "a string or an array of strings" if key.many else "a string"
            raise UsageError(f"{_kind(item)} is there, not {wanted}", "write it in quotes")
    return texts


def _environment(start: Path, environ: Mapping[str, str], faults: Faults) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, key in KEYS.items():
        variable = f"ENVLOCK_{name.replace('-', '_').upper()}"
        text = environ.get(variable, "").strip()
        if text:
            with faults.collect(variable):
                items = text.split(key.separator) if key.many else [text]
                found = [item for item in items if item]
                for item in found:
                    learn_url(item)
                values[key.field] = _of_variable(variable, key, found, start)
    return values


def _of_variable(variable: str, key: Key, texts: list[str], start: Path) -> object:
    """What a variable says; a value that makes no sense may be a password, and is not quoted."""
    try:
        return _read(key, texts, start, key.read)
    except UsageError:
        if not key.wanted:
            raise
        raise UsageError(f"the value is not {key.wanted}", f"unset {variable}") from None


def _read(key: Key, texts: list[str], base: Path, read: Callable[[str, Path], object]) -> object:
    values = tuple(read(text, base) for text in texts)
    return values if key.many else values[0]


def _kind(value: object) -> str:
    """What a TOML value is, in TOML's words."""
    kinds = {
        bool: "a boolean",
        dict: "a table",
        float: "a float",
        int: "an integer",
        list: "an array",
        str: "a string" if value else "an empty string",
    }
    return kinds.get(type(value), "a time")


_VERSION = r"\d+(\.\d+){0,2}"

_NAMES_A_PYTHON = r"(?i)\d+(\.\d+){0,2}|(python|pypy)[\w.]*"


class Key(Struct, frozen=True):
    """One setting: its field of `Config`, how one value of it is read, and what it says.

    ``read`` gets the value and the folder that paths are relative to, and
    ``of_project`` takes its place for a project's file; ``words`` are all the
    values there are, where they are known. A ``table`` is read as texts
    ``KEY=VALUE``. ``wanted`` is what a value has to be, where it can be
    anything else, in words that do not quote it.
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


_Words = type[EngineName | Accelerator | Format | IndexStrategy]


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


_SWITCH = ("true", "false")


def _switch(text: str, _: Path) -> bool:
    if (found := switched(text)) is None:
        raise UsageError(f"{shown(text)} is neither true nor false", "write true or false")
    return found


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
    "offline": Key(
        "offline",
        _switch,
        "Use what is in the caches, however old, and no network.",
        words=_SWITCH,
        wanted="true or false",
    ),
    "sources": Key(
        "sources",
        _source,
        "Packages, or patterns such as acme-*, and the one index of each: its URL, or the host of"
        " one that is configured.",
        many=True,
        table=True,
        wanted="NAME=INDEX, where NAME is a package or a pattern like acme-*",
    ),
}

#: What the value of a key of a table is.
_TEXT = Key("", lambda text, _: text, "")
