"""Evidence as JSON, and back: sorted, a line a package and a line a level, so that it diffs well.

The set of the rules is written whole; every other set of a cell as its
difference from that one. Of the files of a package those are listed that the
target takes, with their sha256; addresses are left to the index pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

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


def read(name: str, text: str) -> CellEvidence:
    """Read a cell's file.

    Raises:
        UsageError: it is not one; ``name`` is in the message.
    """
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise UsageError(
                f"{name}: evidence of schema {document['schema']}, and this envlock reads {SCHEMA}"
            )
        cell = document["cell"]
        sets = document["sets"]
        base = _packages(sets.get(RULES, {}).get("packages", {}), {})
        return CellEvidence(
            cell=Cell(
                distribution=canonicalize_name(cell["distribution"]),
                version=Version(cell["version"]),
                python=cell["python"],
                platform=cell["platform"],
            ),
            sets=tuple(_read_set(key, each, base) for key, each in sets.items()),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{name}: not evidence of envlock: {error!r}") from None


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
    if each.against:
        document["against"] = True
    if each.problem:
        document["problem"] = each.problem
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


def _read_set(name: str, document: Mapping[str, Any], base: Packages) -> ProvedSet:
    packages = base if name == RULES else _packages(document.get("changed", {}), base)
    ran = "packages" in document or "changed" in document
    return ProvedSet(
        name=name,
        request=tuple(document["request"]),
        circumstances=Circumstances(
            day=date.fromisoformat(document["date"]),
            interpreter=document["interpreter"],
            libc=document["libc"],
            probe=document["probe"],
        ),
        packages=tuple(packages[key] for key in sorted(packages)) if ran else (),
        outcomes=tuple(_read_outcome(*item) for item in document.get("levels", {}).items()),
        problem=document.get("problem", ""),
        against=document.get("against", False),
        seconds=document["seconds"],
    )


def _packages(documents: Mapping[str, Any], base: Packages) -> dict[NormalizedName, LockedPackage]:
    packages = dict(base)
    for key, document in documents.items():
        name = canonicalize_name(key)
        if document is None:
            packages.pop(name, None)
            continue
        files = document["files"]
        packages[name] = LockedPackage(
            name=name,
            version=Version(document["version"]),
            hashes=tuple(sorted(f"sha256:{digest}" for digest in files.values())),
            via=tuple(document["via"]),
            because=tuple(map(RuleId, document.get("because", ()))),
            files=tuple(
                DistributionFile(filename=file, url="", hashes={"sha256": digest})
                for file, digest in files.items()
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
            raise ValueError(f"unknown outcome {document!r} of {level}")


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
