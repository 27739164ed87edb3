"""A lock file becomes a `Lock` again: requirements.txt, pylock.toml, environment.yml.

Besides envlock's own files it reads what pip-compile, uv and pip write, as
long as everything in it is an exact pin; what such a file does not tell is
empty in the `Lock`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from pathlib import PurePath
from typing import Any, TypeVar
from urllib.parse import quote

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock, PylockValidationError

from envlock.choices import Format
from envlock.errors import UsageError
from envlock.model import DistributionFile, Lock, LockedPackage, RuleId
from envlock.write.comments import Header, one_line, read_header
from envlock.write.interface import default_filename, format_of
from envlock.write.pins import STRONG_HASH, Pin, read_pin

_COMMENT = re.compile(r"(?:^|\s)#")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_Kind = TypeVar("_Kind", str, list[Any], dict[str, Any])


def read_lock(path_name: str, text: str, *, markers: Mapping[str, str] | None = None) -> Lock:
    """Read the lock in a file, its format told by the file's name.

    ``markers`` is the PEP 508 environment of a target: pins that are for
    others are left out. Without it every pin counts, whatever its marker.

    Raises:
        UsageError: not a lock envlock reads; says the line or the key.
    """
    match format_of(PurePath(path_name)):
        case Format.REQUIREMENTS:
            head, pins = _read_requirements(path_name, text)
        case Format.PYLOCK:
            head, pins = _read_pylock(path_name, text)
        case Format.ENVIRONMENT:
            from envlock.write.reading_environment import (  # noqa: PLC0415  (yaml: 10 ms)
                read_environment,
            )

            head, pins = read_environment(path_name, text)
        case Format.EXPLICIT | Format.CONDA_LOCK | Format.PIXI as kind:
            raise UsageError(
                f"{path_name}: a lock of conda packages ({kind}), and not of Python packages alone",
                f"give a {default_filename(Format.REQUIREMENTS)} or pylock.toml",
            )
        case None:
            raise UsageError(
                f"{path_name}: not the name of a lock (NAME.txt, pylock.toml, "
                "pylock.NAME.toml, NAME.yml)"
            )
    if markers is not None:
        environment = {**markers, "extra": ""}
        pins = [pin for pin in pins if _is_meant(pin, environment)]
    _refuse_doubles(pins)
    return Lock(
        python=head.python,
        platform=head.platform,
        packages=tuple(sorted((pin.package for pin in pins), key=attrgetter("name"))),
        command=head.command,
        request_digest=head.request_digest,
        notes=head.notes,
        verified=head.verified,
        reasons={rule: why for pin in pins for rule, why in pin.reasons.items() if why},
    )


def _is_meant(pin: Pin, environment: Mapping[str, str]) -> bool:
    try:
        return pin.marker is None or pin.marker.evaluate(environment, context="lock_file")
    except (UndefinedComparison, UndefinedEnvironmentName) as error:
        raise UsageError(f"{pin.where}: the marker {pin.marker} has no meaning: {error}") from None


def _refuse_doubles(pins: Iterable[Pin]) -> None:
    first: dict[str, Pin] = {}
    for pin in pins:
        other = first.setdefault(pin.package.name, pin)
        if other is not pin:
            raise UsageError(
                f"{pin.where}: {pin.package.name} is pinned a second time "
                f"({pin.package.version}; {other.package.version} at {other.where})"
            )


def _read_requirements(name: str, text: str) -> tuple[Header, list[Pin]]:
    wishes: list[tuple[str, str, list[str]]] = []
    for number, line in _joined(text):
        wish, *comment = _COMMENT.split(line, maxsplit=1)
        if wish.strip():
            wishes.append((f"{name}:{number}", wish.strip(), []))
        if wishes:
            wishes[-1][-1].extend(comment)
    return read_header(text.splitlines()), [read_pin(*each) for each in wishes]


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Give each line with its number, joined as pip joins them: a comment always ends one."""
    parts: list[str] = []
    start = 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start if parts else number
        comment = line.lstrip().startswith("#")
        goes_on = line.endswith("\\") and not comment
        parts.append(line[:-1] if goes_on else f" {line}" if comment else line)
        if not goes_on:
            yield start, "".join(parts)
            parts = []
    if parts:
        yield start, "".join(parts)


def _read_pylock(name: str, text: str) -> tuple[Header, list[Pin]]:
    try:
        document = Pylock.from_dict(tomllib.loads(text))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: not TOML: {one_line(str(error))}") from None
    except PylockValidationError as error:
        raise UsageError(f"{name}: not a lock as PEP 751 has it: {one_line(str(error))}") from None
    where = f"{name}: tool.envlock"
    about = _get(document.tool or {}, "envlock", dict, f"{name}: tool")
    head = Header(
        command=_get(about, "command", str, where),
        python=_get(about, "python", str, where),
        platform=_get(about, "platform", str, where),
        request_digest=_get(about, "request", str, where),
        verified=_get(about, "verified", str, where),
        notes=tuple(map(str, _get(about, "notes", list, where))),
    )
    pins = [
        _locked(f"{name}: packages[{index}]", package)
        for index, package in enumerate(document.packages)
    ]
    return head, pins


def _locked(where: str, package: Package) -> Pin:
    if package.is_direct or package.version is None:
        raise UsageError(
            f"{where}: {package.name} is not a release of an index, with a version and files"
        )
    about = _get(package.tool or {}, "envlock", dict, f"{where}.tool")
    because = _get(about, "because", dict, f"{where}.tool.envlock")
    via = _get(about, "via", list, f"{where}.tool.envlock")
    reasons = {RuleId(rule): str(why) for rule, why in because.items()}
    sources = [*(package.wheels or ()), *((package.sdist,) if package.sdist else ())]
    files = tuple(sorted(map(_file, sources), key=attrgetter("filename")))
    hashes = {f"{kind}:{hexes}" for file in files for kind, hexes in file.hashes.items()}
    locked = LockedPackage(
        name=package.name,
        version=package.version,
        hashes=tuple(sorted(filter(STRONG_HASH.fullmatch, hashes))),
        via=tuple(map(str, via)),
        because=tuple(sorted(reasons)),
        files=files,
    )
    return Pin(where=where, package=locked, reasons=reasons, marker=package.marker)


def _get(table: Mapping[str, Any], key: str, kind: type[_Kind], where: str) -> _Kind:
    """Return what a table holds under a key; an empty ``kind`` when it holds nothing."""
    value = table.get(key, kind())
    if not isinstance(value, kind):
        raise UsageError(f"{where}.{key}: expected {kind.__name__}, found {type(value).__name__}")
    return value


def _file(source: PackageWheel | PackageSdist) -> DistributionFile:
    return DistributionFile(
        filename=source.filename,
        url=source.url or _url(source.path or ""),
        hashes=dict(source.hashes),
        upload_time=source.upload_time,
        size=source.size,
    )


def _url(path: str) -> str:
    """Return the ``file:`` URL of a path; one relative to the lock stays relative."""
    if _DRIVE.match(path):
        return "file:///" + quote(path.replace("\\", "/"), safe="/:")
    return f"file://{quote(path)}" if path.startswith("/") else quote(path)
