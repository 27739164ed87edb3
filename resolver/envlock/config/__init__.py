"""What is configured, for the options that a command line leaves out.

Order, later over earlier: defaults, the user's ``envlock.toml``, what the lock
that is there was made with, ``.python-version``, ``[tool.envlock]`` of the
nearest ``pyproject.toml`` upward, ``ENVLOCK_*`` variables, then the flags,
which the caller puts over the `Config`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from enum import Enum, auto
from pathlib import Path
from typing import Any

import platformdirs
from msgspec import Struct
from msgspec.structs import replace

from envlock.choices import Accelerator, EngineName, Format, IndexStrategy, Manager
from envlock.config.keys import KEYS, SWITCH, TEXT, Key
from envlock.documents import read_toml
from envlock.errors import UsageError
from envlock.formats.faults import Faults, safe
from envlock.index.secrets import learn_url
from envlock.index.settings import Sources, closest_first
from envlock.system import read_text
from envlock.system.looking import is_file

#: The fields that say where packages come from.
_PLACES = frozenset({"index_url", "extra_index_urls", "find_links", "channels"})


class SaidBy(Enum):
    """Which kind of source says something."""

    USER = auto()
    LOCK = auto()
    FOLDER = auto()
    PROJECT = auto()
    VARIABLE = auto()


class Said(Struct, frozen=True):
    """Who says a field, and how a message names the place."""

    by: SaidBy
    where: str


class Config(Struct, frozen=True, kw_only=True):
    """Defaults for the options of every command.

    ``python``, ``platforms`` and ``exclude_newer`` are as `find_interpreter`,
    `read_platforms` and `parse_date` take them. ``rules`` are the folders of
    every source together, the user's first; each other value is of the
    strongest source that has it. No formats means that file names decide, and
    no index field that pip's configuration does. Of ``sources`` the first that
    matches counts: a variable's, the user's, then the project's. ``said`` has
    for each field who says it, ``places`` what a file of the folder says of
    where packages come from, by ``FILE: key``, where nobody says otherwise;
    ``notes`` are sentences on what a lock was made with and does not count.
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
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    all_extras: bool = False
    no_extra: tuple[str, ...] = ()
    all_groups: bool = False
    no_group: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    no_imports: tuple[str, ...] = ()
    allow_build: tuple[str, ...] = ()
    fresh: bool = False
    universal: bool = False
    manager: Manager | None = None
    channels: tuple[str, ...] = ()
    env: Path | None = None
    inexact: bool = False
    no_pip: bool = False
    output: Path | None = None
    image: Path | None = None
    base: str | None = None
    base_digest: str | None = None
    base_freeze: Path | None = None
    labels: tuple[str, ...] = ()
    no_verify: bool = False
    said: Mapping[str, Said] = {}
    places: Mapping[str, tuple[str, ...]] = {}
    notes: tuple[str, ...] = ()

    def by(self, field: str) -> SaidBy | None:
        """Which kind of source says a field; None where nobody does."""
        return self.said[field].by if field in self.said else None

    def of_folder(self, field: str) -> bool:
        """Whether a file of the folder says a field, or a variable goes before it."""
        return self.by(field) in {SaidBy.VARIABLE, SaidBy.PROJECT, SaidBy.FOLDER}

    def where(self, field: str) -> str:
        """Who says a field, in words; "" where nobody does."""
        return self.said[field].where if field in self.said else ""


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
    own = next(iter(_user(faults)), {})
    path, project = _project(start, faults)
    variables = _environment(start, environ, faults)
    layers = (
        (SaidBy.USER, own, str(user_file())),
        (SaidBy.FOLDER, _python_version(start, path), PYTHON_VERSION),
        (SaidBy.PROJECT, project, str(path)),
        (SaidBy.VARIABLE, variables, ""),
    )
    faults.finish()
    values: dict[str, Any] = {}
    said: dict[str, Said] = {}
    for by, source, where in layers:
        values |= source
        said |= {field: Said(by, _where(by, field, where, start)) for field in source}
    values["rules"] = tuple(dict.fromkeys(r for _, s, _ in layers for r in s.get("rules", ())))
    values["sources"] = tuple(
        pair
        for source in (variables, own, project)
        for pair in closest_first(source.get("sources", ()))
    )
    return Config(**values, said=said, places=_places(values, said, str(path)))


def recalling(config: Config, lock: Recordings, start: Path) -> Config:
    """Return what is configured, with what a lock was made with between the user and the folder.

    It may be a stranger's, and is believed no more than a project's file; what of
    it does not count is a note. Packages are held to an index by no lock.
    """
    notes: list[str] = []
    found = _of_lock(lock, start, notes)
    found.pop("sources", None)
    recorded = {field: value for field, value in found.items() if not config.of_folder(field)}
    rules = tuple(dict.fromkeys((*config.rules, *found.get("rules", ()))))
    path = str(lock.path)
    said = {field: Said(SaidBy.LOCK, _where(SaidBy.LOCK, field, path, start)) for field in recorded}
    return replace(
        config,
        **{**recorded, "rules": rules},
        said={**config.said, **said},
        places={**config.places, **_places(recorded, said, path)},
        notes=tuple(notes),
    )


def _where(by: SaidBy, field: str, path: str, start: Path) -> str:
    """Who says a field, as a message names it."""
    name = next((name for name, key in KEYS.items() if key.field == field), field)
    match by:
        case SaidBy.VARIABLE:
            return _variable(name)
        case SaidBy.FOLDER:
            return path
        case SaidBy.PROJECT:
            return f"{Path(os.path.relpath(path, start)).as_posix()} [tool.envlock.{name}]"
        case _:
            return f"{path}: {name}"


def _places(
    values: Mapping[str, Any], said: Mapping[str, Said], path: str
) -> dict[str, tuple[str, ...]]:
    """What a file of the folder says of where packages come from, where nobody says otherwise."""
    return {
        f"{path}: {name}": value if key.many else (value,)
        for name, key in KEYS.items()
        if key.field in _PLACES & said.keys()
        and said[key.field].by in {SaidBy.PROJECT, SaidBy.LOCK}
        for value in [values[key.field]]
    }


class Recordings(Struct, frozen=True, kw_only=True):
    """What the lock at ``path`` was made with: settings, each with its values."""

    path: Path
    options: Mapping[str, tuple[str, ...]]


PYTHON_VERSION = ".python-version"
_MINOR = re.compile(r"(?:cpython-?)?(\d+\.\d+)(?:\.\d+)?", re.IGNORECASE)


def _of_lock(lock: Recordings, start: Path, notes: list[str]) -> dict[str, Any]:
    """What a lock was made with, as far as a project's file may say it."""
    values: dict[str, Any] = {}
    for name, texts in lock.options.items():
        key = KEYS.get(name)
        if key is None or not texts:
            continue
        try:
            values[key.field] = _read(key, [*texts], start, key.of_project or key.read)
        except UsageError as error:
            notes.append(f"{lock.path} was made with {name}, which does not count: {error.message}")
    return values


def _python_version(start: Path, project: Path | None) -> dict[str, Any]:
    """The minor that the nearest .python-version names, not above the project."""
    start = start.absolute()
    folders = (start, *start.parents)
    top = len(folders) if project is None else folders.index(project.parent) + 1
    for folder in folders[: top if project else 1]:
        path = folder / PYTHON_VERSION
        if is_file(path):
            lines = (line.strip() for line in read_text(path).splitlines())
            found = next((line for line in lines if line and not line.startswith("#")), "")
            match = _MINOR.fullmatch(found)
            return {"python": match[1]} if match else {}
    return {}


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
    if key.words == SWITCH:
        one = {"enum": [*SWITCH, True, False]}
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
        return [f"{name}={text}" for name, item in value.items() for text in _items(TEXT, item)]
    for item in value if key.many and isinstance(value, list) else [value]:
        if isinstance(item, bool) and key.words == SWITCH:
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
        variable = _variable(name)
        text = environ.get(variable, "").strip()
        if text:
            with faults.collect(variable):
                items = text.split(key.separator) if key.many else [text]
                found = [item for item in items if item]
                for item in found:
                    learn_url(item)
                values[key.field] = _of_variable(variable, key, found, start)
    return values


def _variable(name: str) -> str:
    return f"ENVLOCK_{name.replace('-', '_').upper()}"


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
