"""What is configured, for the options that a command line leaves out.

Order, later over earlier: defaults, the user's ``envlock.toml``,
``[tool.envlock]`` of the nearest ``pyproject.toml`` upward, ``ENVLOCK_*``
variables, then the flags, which the caller puts over the `Config`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from envlock.choices import Accelerator, EngineName, Format
from envlock.errors import UsageError
from envlock.platforms import read_platform
from envlock.request.dates import parse_date
from envlock.request.parsed import Faults, safe, shown
from envlock.request.toml import parse_toml
from envlock.system import read_text
from envlock.system.looking import expanded, is_file, named


class Config(Struct, frozen=True, kw_only=True):
    """Defaults for the options of every command.

    ``python``, ``platforms`` and ``exclude_newer`` are as `find_interpreter`,
    `read_platforms` and `parse_date` take them. ``rules`` are the folders of
    every source together, the user's first; each other value is of the
    strongest source that has it. No formats means that file names decide, and
    no index field that pip's configuration does.
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


def load_config(start: Path, environ: Mapping[str, str]) -> Config:
    """Return what is configured for work in the folder ``start``.

    Relative paths are relative to the file they are written in, in a variable
    to ``start``. A variable with several values has spaces between them, but
    ``ENVLOCK_RULES`` and ``ENVLOCK_EVIDENCE`` what separates the folders of
    ``PATH``; an empty one is not set.

    Raises:
        UsageError: a file cannot be read or is not TOML; or keys are unknown
            or values make no sense, in any source, told all at once.
    """
    faults = Faults()
    values: dict[str, Any] = {}
    rules: list[Path] = []
    for source in (*_user(faults), *_project(start, faults), _environment(start, environ, faults)):
        rules += source.pop("rules", ())
        values |= source
    faults.finish()
    return Config(rules=tuple(dict.fromkeys(rules)), **values)


def user_file() -> Path:
    """Return where a user's own configuration is; it need not be there."""
    import platformdirs  # noqa: PLC0415  (6 ms that --help does not need)

    return Path(platformdirs.user_config_dir("envlock", appauthor=False)) / "envlock.toml"


class _Key(Struct, frozen=True):
    """One setting: its field of `Config`, how one value of it is read, and what it says.

    ``read`` gets the value and the folder that paths are relative to;
    ``words`` are all the values there are, where they are known.
    """

    field: str
    read: Callable[[str, Path], object]
    says: str
    words: tuple[str, ...] = ()
    many: bool = False
    separator: str | None = None


def _choice(kind: type[EngineName | Accelerator | Format]) -> Callable[[str, Path], object]:
    def read(text: str, _: Path) -> object:
        try:
            return kind(text)
        except ValueError:
            known = ", ".join(kind)
            raise UsageError(
                f"{shown(text)} is not one of {known}", f"write one of {known}"
            ) from None

    return read


def _text(text: str, _: Path) -> str:
    return text


def _date(text: str, _: Path) -> str:
    parse_date(text, now=datetime.now(UTC))
    return text


def _platform(text: str, _: Path) -> str:
    return read_platform(text).option


def _folder(text: str, base: Path) -> Path:
    return named(base / _path(text))


def _path(text: str) -> str:
    where = expanded(text)
    if where is not None:
        raise UsageError(f"{shown(text)}: ~ is not replaced here", f"write {where}")
    return text


def _link(text: str, base: Path) -> str:
    """An address stays; a path is taken from the file it is written in."""
    return text if "://" in text or text.startswith("file:") else str(base / _path(text))


_KEYS = {
    "engine": _Key(
        "engine", _choice(EngineName), "The program that solves.", words=tuple(EngineName)
    ),
    "rules": _Key(
        "rules",
        _folder,
        "Folders of rules of one's own, from this file.",
        many=True,
        separator=os.pathsep,
    ),
    "evidence": _Key(
        "evidence",
        _folder,
        "Folders of evidence of one's own, from this file.",
        many=True,
        separator=os.pathsep,
    ),
    "python": _Key("python", _text, "A version of Python such as 3.10, or a path."),
    "accelerator": _Key(
        "accelerator", _choice(Accelerator), "The TensorFlow build.", words=tuple(Accelerator)
    ),
    "format": _Key(
        "formats", _choice(Format), "The formats of the lock.", words=tuple(Format), many=True
    ),
    "platform": _Key(
        "platforms", _platform, "Lock for these, not for this machine: macos-arm64.", many=True
    ),
    "exclude-newer": _Key(
        "exclude_newer", _date, "Leave out what was uploaded later: 2024-01-31, or 7d."
    ),
    "index-url": _Key("index_url", _text, "The package index."),
    "extra-index-url": _Key("extra_index_urls", _text, "More indexes.", many=True),
    "find-links": _Key("find_links", _link, "Folders or pages with files.", many=True),
}


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``[tool.envlock]``, which is that of ``envlock.toml`` too."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://github.com/envlock/envlock/schemas/config.json",
        "title": "envlock",
        "description": "The table [tool.envlock] of a pyproject.toml, or a whole envlock.toml.",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _schema_of(key) for name, key in _KEYS.items()},
    }


def _schema_of(key: _Key) -> dict[str, Any]:
    one: dict[str, Any] = {"type": "string", "minLength": 1}
    if key.words:
        one = {"type": "string", "enum": list(key.words)}
    if not key.many:
        return {"description": key.says, **one}
    return {"description": key.says, "anyOf": [one, {"type": "array", "items": one}]}


def _user(faults: Faults) -> Iterator[dict[str, Any]]:
    path = user_file()
    if is_file(path):
        yield _from_table(parse_toml(read_text(path), path), path, "", faults)


def _project(start: Path, faults: Faults) -> Iterator[dict[str, Any]]:
    start = start.absolute()
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if is_file(path):
            tool = parse_toml(read_text(path), path).get("tool")
            table = tool.get("envlock", {}) if isinstance(tool, dict) else {}
            yield _from_table(table, path, "tool.envlock", faults)
            return


def _from_table(table: object, path: Path, prefix: str, faults: Faults) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if not isinstance(table, dict):
        faults.add(
            f"{path}: {prefix}", f"{_kind(table)} is there, not a table", f"write [{prefix}]"
        )
        return values
    for name, value in table.items():
        where = f"{path}: {f'{prefix}.{name}'.lstrip('.')}"
        key = _KEYS.get(name)
        if key is None:
            known = ", ".join(_KEYS)
            faults.add(
                where, f"there is no such setting; there are {known}", f"remove {safe(name)}"
            )
            continue
        with faults.collect(where):
            values[key.field] = _read(key, _items(key, value), path.parent)
    return values


def _items(key: _Key, value: object) -> list[str]:
    """The texts of a TOML value; a list may be written as its only item."""
    texts: list[str] = []
    for item in value if key.many and isinstance(value, list) else [value]:
        if isinstance(item, date):
            texts.append(item.isoformat())
        elif isinstance(item, str) and item:
            texts.append(item)
        else:
            wanted = "a string or an array of strings" if key.many else "a string"
            raise UsageError(f"{_kind(item)} is there, not {wanted}", "write it in quotes")
    return texts


def _environment(start: Path, environ: Mapping[str, str], faults: Faults) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, key in _KEYS.items():
        variable = f"ENVLOCK_{name.replace('-', '_').upper()}"
        text = environ.get(variable, "").strip()
        if text:
            with faults.collect(variable):
                items = text.split(key.separator) if key.many else [text]
                values[key.field] = _read(key, [item for item in items if item], start)
    return values


def _read(key: _Key, texts: list[str], base: Path) -> object:
    values = tuple(key.read(text, base) for text in texts)
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
