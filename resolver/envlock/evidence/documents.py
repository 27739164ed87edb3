"""Evidence as JSON, and back: sorted, a line a package and a line a level, so that it diffs well.

The set of the rules is written whole; every other set of a cell as its
difference from that one. Of the files of a package those are listed that the
target takes, with their sha256; addresses are left to the index pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Annotated, Any

from msgspec import Meta, Struct
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.documents import read_json, shaped
from envlock.errors import UsageError
from envlock.evidence.values import RULES, Cell, CellEvidence, Circumstances, ProvedSet
from envlock.model import DistributionFile, LockedPackage, RuleId
from envlock.outcomes import Crashed, Failed, Outcome, Passed, Skipped

SCHEMA = 1
_LONGEST = 1000  # characters of a message
#: How deep objects are opened; deeper ones take one line.
_OPENED = 4

Packages = Mapping[NormalizedName, LockedPackage]


def render(evidence: CellEvidence) -> str:
    """Return the text of a cell's file, the same for the same evidence."""
    cell = evidence.cell
    base = evidence.find(RULES)
    known = _by_name(base.packages if base else ())
    document = {
        "schema": SCHEMA,
        "cell": {
            "distribution": cell.distribution,
            "version": str(cell.version),
            "python": cell.python,
            "platform": cell.platform,
        },
        "sets": {each.name: _set(each, known) for each in evidence.sets},
    }
    return "".join(_lines(document, 0)) + "\n"


class _Cell(Struct, frozen=True):
    distribution: str
    version: str
    python: Annotated[str, Meta(pattern=r"^3\.\d{1,3}$")]
    platform: str


class _Pin(Struct, frozen=True):
    version: str
    files: dict[str, str]
    via: list[str]
    because: list[str] = []


class _Set(Struct, frozen=True):
    date: date
    interpreter: str
    libc: str
    probe: str
    request: list[str]
    seconds: dict[str, float]
    packages: dict[str, _Pin] | None = None
    changed: dict[str, _Pin | None] | None = None
    levels: dict[str, dict[str, str]] = {}
    problem: str = ""
    against: bool = False
    variables: dict[str, str] = {}


class _Document(Struct, frozen=True):
    cell: _Cell
    sets: dict[str, _Set]


def read(name: str, text: str) -> CellEvidence:
    """Read a cell's file.

    Raises:
        UsageError: it is not one; ``name`` is in the message.
    """
    what = f"{name}: not evidence of envlock"
    value = read_json(name, text)
    schema = value.get("schema") if isinstance(value, dict) else None
    if isinstance(schema, int) and schema != SCHEMA:
        raise UsageError(f"{name}: evidence of schema {schema}, and this envlock reads {SCHEMA}")
    if schema is None:
        raise UsageError(f"{what}: it has no schema")
    document = shaped(what, value, _Document)
    cell, whole = document.cell, document.sets.get(RULES)
    try:
        base = _packages((whole and whole.packages) or {}, {})
        return CellEvidence(
            cell=Cell(
                distribution=canonicalize_name(cell.distribution),
                version=_version(cell.version),
                python=cell.python,
                platform=cell.platform,
            ),
            sets=tuple(_read_set(key, each, base) for key, each in document.sets.items()),
        )
    except _Malformed as error:
        raise UsageError(f"{what}: {error}") from None


class _Malformed(Exception):
    """A text in a document is not what it stands for."""


def _version(text: str) -> Version:
    found = standards.version(text)
    if found is None:
        raise _Malformed(f"{text[:80]!r} is not a version")
    return found


def _set(each: ProvedSet, known: Packages) -> dict[str, Any]:
    where = each.circumstances
    own = _by_name(each.packages)
    whole = each.name == RULES
    packages: dict[str, Any] = {
        name: _package(package)
        for name, package in own.items()
        if whole or package != known.get(name)
    }
    if own and not whole:
        packages |= {name: None for name in known if name not in own}
    document: dict[str, Any] = {
        "date": where.day.isoformat(),
        "interpreter": where.interpreter,
        "libc": where.libc,
        "probe": where.probe,
        "request": list(each.request),
        "seconds": {name: round(value, 1) for name, value in each.seconds.items()},
    }
    if each.variables:
        document["variables"] = dict(sorted(each.variables.items()))
    if each.against:
        document["against"] = True
    if each.problem:
        document["problem"] = each.problem[:_LONGEST]
    if own:
        key = "packages" if whole else "changed"
        document[key] = dict(sorted(packages.items()))
    if each.outcomes:
        document["levels"] = {each.level: _outcome(each) for each in each.outcomes}
    return document


def _package(package: LockedPackage) -> dict[str, Any]:
    document: dict[str, Any] = {
        "version": str(package.version),
        "files": {file.filename: file.hashes["sha256"] for file in package.files},
        "via": list(package.via),
    }
    if package.because:
        document["because"] = list(package.because)
    return document


def _outcome(outcome: Outcome) -> dict[str, str]:
    match outcome:
        case Passed(detail=detail):
            return {"passed": detail}
        case Failed(error=error, detail=detail):
            return {"failed": error, "detail": detail[:_LONGEST]}
        case Skipped(detail=detail):
            return {"skipped": detail}
        case Crashed(detail=detail):
            return {"crashed": detail}


def _read_set(name: str, each: _Set, base: Packages) -> ProvedSet:
    packages = base if name == RULES else _packages(each.changed or {}, base)
    ran = each.packages is not None or each.changed is not None
    return ProvedSet(
        name=name,
        request=tuple(each.request),
        circumstances=Circumstances(
            day=each.date, interpreter=each.interpreter, libc=each.libc, probe=each.probe
        ),
        packages=tuple(packages[key] for key in sorted(packages)) if ran else (),
        outcomes=tuple(_read_outcome(*item) for item in each.levels.items()),
        problem=each.problem,
        against=each.against,
        seconds=each.seconds,
        variables=each.variables,
    )


def _packages(
    pins: Mapping[str, _Pin | None], base: Packages
) -> dict[NormalizedName, LockedPackage]:
    packages = dict(base)
    for key, pin in pins.items():
        name = canonicalize_name(key)
        if pin is None:
            packages.pop(name, None)
            continue
        packages[name] = LockedPackage(
            name=name,
            version=_version(pin.version),
            hashes=tuple(sorted(f"sha256:{digest}" for digest in pin.files.values())),
            via=tuple(pin.via),
            because=tuple(map(RuleId, pin.because)),
            files=tuple(
                DistributionFile(filename=file, url="", hashes={"sha256": digest})
                for file, digest in pin.files.items()
            ),
        )
    return packages


def _read_outcome(level: str, document: Mapping[str, str]) -> Outcome:
    match document:
        case {"passed": detail}:
            return Passed(level=level, detail=detail)
        case {"failed": error, "detail": detail}:
            return Failed(level=level, error=error, detail=detail)
        case {"skipped": detail}:
            return Skipped(level=level, detail=detail)
        case {"crashed": detail}:
            return Crashed(level=level, detail=detail)
        case _:
            raise _Malformed(f"unknown outcome of {level[:80]!r}")


def _by_name(packages: Iterable[LockedPackage]) -> dict[NormalizedName, LockedPackage]:
    return {package.name: package for package in packages}


def _lines(value: object, depth: int) -> Iterator[str]:
    """JSON with objects opened to a depth, so that a package or a level is one line."""
    if not isinstance(value, dict) or not value or depth >= _OPENED:
        yield json.dumps(value, ensure_ascii=False)
        return
    indent = " " * (depth + 1)
    yield "{\n"
    for number, (key, each) in enumerate(value.items()):
        yield f"{indent}{json.dumps(key)}: "
        yield from _lines(each, depth + 1)
        yield ",\n" if number + 1 < len(value) else "\n"
    yield f"{' ' * depth}}}"
