"""A pylock.toml (PEP 751) becomes pins again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import attrgetter
from typing import Any, TypeVar
from urllib.parse import quote

from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock, PylockValidationError

from envlock import standards
from envlock.documents import Malformed, toml_tables
from envlock.errors import UsageError
from envlock.index.origin import public
from envlock.model import DistributionFile, LockedPackage, RuleId
from envlock.write.comments import Header, one_line
from envlock.write.pins import STRONG_HASH, Pin

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_Kind = TypeVar("_Kind", str, list[Any], dict[str, Any])


def read_pylock(name: str, text: str) -> tuple[Header, list[Pin]]:
    """Read the header and the pins of a pylock.toml.

    Raises:
        UsageError: it is none; says the key.
    """
    try:
        tables = toml_tables(text)
        listed = tables.get("packages")
        standards.refuse_crowd(name, len(listed) if isinstance(listed, list) else 0)
        document = Pylock.from_dict(tables)
    except Malformed as error:
        raise error.named(name, "TOML") from None
    except (PylockValidationError, ValueError, RecursionError) as error:
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
        indexes=tuple(one_line(str(each)) for each in _get(about, "indexes", list, where)),
        index_strategy=one_line(_get(about, "index-strategy", str, where)),
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
        index=one_line(public(package.index or "")),
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
