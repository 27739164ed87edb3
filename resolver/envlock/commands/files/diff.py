"""`envlock export` and `envlock diff`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from msgspec import Struct, field

from envlock import report
from envlock.cli.options import JsonOption
from envlock.cli.output import progress_for, say, say_json
from envlock.commands.files import TwoLocks
from envlock.commands.files.source import Source, lock_of, two_sources
from envlock.errors import ExitCode, UsageError
from envlock.formats.registry import LOCKS, format_of
from envlock.index.secrets import redact
from envlock.model import CondaPackage, Lock, LockedPackage, RuleId
from envlock.progress import Progress


def run_diff(own: TwoLocks, talk: JsonOption) -> int:
    """Do `envlock diff`."""
    progress = progress_for(quiet=False, verbose=False)
    found = difference(*two_sources(own.before, own.after, progress), progress)
    code = ExitCode.of(problem=bool(found))
    if talk.json:
        say_json("diff", _data(found), exit_code=code)
    else:
        say(difference_text(found))
    return code


def difference_text(found: Difference) -> str:
    """What differs, a line each, or that nothing does."""
    rows = difference_rows(found)
    return report.rows_text(rows) if rows else "no difference"


def difference_rows(found: Difference) -> list[report.Row]:
    """What differs, a row each."""
    rows = [
        (label, f"{pair[0]} → {pair[1]}")
        for label, pair in (("python", found.python), ("platform", found.platform))
        if pair is not None
    ]
    width = max((len(each.name) for each in found.moved), default=0)
    for label in Way:
        for each in found.moved:
            if each.way is label:
                versions = " → ".join(v for v in (each.before, each.after) if v is not None)
                rows.append((label, f"{each.name:{width}}  {versions}"))
    for item in found.hashes:
        counts = (("added", item.after), ("removed", item.before))
        told = " and ".join(f"{len(some)} {verb}" for verb, some in counts if some)
        rows.append(("hashes", f"{item.name} {item.version}: {told}"))
    rows += [("index", f"{each.name}: {each.before} → {each.after}") for each in found.origins]
    for reason in found.reasons:
        parts = (("now by", reason.after), ("no longer by", reason.before))
        told = "; ".join(f"{word} {', '.join(some)}" for word, some in parts if some)
        rows.append(("rules", f"{reason.name} {told}"))
    return rows


def _data(found: Difference) -> dict[str, Any]:
    def pair(both: tuple[str, str] | None) -> dict[str, str] | None:
        return None if both is None else {"before": both[0], "after": both[1]}

    return {
        "equal": not found,
        "python": pair(found.python),
        "platform": pair(found.platform),
        "packages": [
            {
                "name": each.name,
                "change": each.way,
                "before": each.before,
                "after": each.after,
            }
            for each in found.moved
        ],
        "hashes": [
            {
                "name": each.name,
                "version": each.version,
                "added": list(each.after),
                "removed": list(each.before),
            }
            for each in found.hashes
        ],
        "indexes": [
            {"name": each.name, "before": each.before, "after": each.after}
            for each in found.origins
        ],
        "rules": [
            {"name": each.name, "added": list(each.after), "removed": list(each.before)}
            for each in found.reasons
        ],
    }


def difference(before: Source, after: Source, progress: Progress) -> Difference:
    """Return what differs between two locks, both of conda packages or neither.

    One that pins a package twice, with markers, is read for this machine.

    Raises:
        UsageError: one is no lock that envlock reads, or is of another kind.
    """
    old, new = (lock_of(each, progress) for each in (before, after))
    if old.of_conda != new.of_conda:
        conda, other = (before, after) if old.of_conda else (after, before)
        raise UsageError(f"{conda.label} is a lock of conda packages, and {other.label} is not")
    kinds = [format_of(PurePath(each.name), each.text) for each in (before, after)]
    hashes = all(kind is None or LOCKS[kind].hashes for kind in kinds)
    apart = max(len(each.parts) for each in (old, new)) > 1
    return compare(side_of(old, apart=apart), side_of(new, apart=apart), hashes=hashes)


class ListedPin(Struct, frozen=True, kw_only=True):
    """One package of a lock; ``order`` is what its version sorts by.

    ``build`` is conda's, or the place that a package of pip is from; "" for a
    release of an index, or where a format has none;
    ``index`` is where it came from, "" where the lock does not say.
    """

    version: str
    order: Any
    build: str = ""
    hashes: tuple[str, ...] = ()
    because: tuple[RuleId, ...] = ()
    index: str = ""


class LockSide(Struct, frozen=True, kw_only=True):
    """A lock as it is compared: name → pin, and what it is for, "" where it does not say."""

    pins: Mapping[str, ListedPin] = field(default_factory=dict)
    python: str = ""
    platform: str = ""


class Way(StrEnum):
    """How one package differs."""

    ADDED = "added"
    REMOVED = "removed"
    UP = "up"
    DOWN = "down"
    BUILD = "build"


class Moved(Struct, frozen=True, kw_only=True):
    """A package that is in one lock only, or in another version or build."""

    name: str
    way: Way
    before: str | None
    after: str | None


class Hashes(Struct, frozen=True, kw_only=True):
    """The same version with other hashes; ``before`` and ``after`` are those of one lock only."""

    name: str
    version: str
    before: tuple[str, ...]
    after: tuple[str, ...]


class Origin(Struct, frozen=True, kw_only=True):
    """A package that comes from another index, in whichever version."""

    name: str
    before: str
    after: str


class Reasons(Struct, frozen=True, kw_only=True):
    """The rules that move a package in one lock only."""

    name: str
    before: tuple[RuleId, ...]
    after: tuple[RuleId, ...]


class Difference(Struct, frozen=True, kw_only=True):
    """Everything that differs, sorted by name; falsy when nothing does.

    ``python``, ``platform`` and an origin are the two values where both locks
    tell them and they differ.
    """

    moved: tuple[Moved, ...] = ()
    hashes: tuple[Hashes, ...] = ()
    reasons: tuple[Reasons, ...] = ()
    origins: tuple[Origin, ...] = ()
    python: tuple[str, str] | None = None
    platform: tuple[str, str] | None = None

    def __bool__(self) -> bool:
        return self != Difference()


def side_of(lock: Lock, *, apart: bool = False) -> LockSide:
    """Return a lock as it is compared.

    Names say which packages are pip's beside conda's, which are for some
    extras and groups alone, and where ``apart`` of which platform. The Python
    is among conda's packages.
    """
    pins: dict[str, ListedPin] = {}
    beside = " (pip)" if lock.of_conda else ""
    for part in lock.parts:
        where = f" [{part.place}]" if apart else ""
        pins |= {f"{each.name}{where}": _conda_pin(each) for each in part.conda}
        pins |= {f"{each.name}{beside}{_only(each)}{where}": _pin(each) for each in part.pypi}
    pythons = dict.fromkeys(each.python for each in lock.parts)
    return LockSide(
        pins=pins,
        python="" if lock.of_conda else ", ".join(pythons),
        platform=", ".join(each.place for each in lock.parts),
    )


def compare(before: LockSide, after: LockSide, *, hashes: bool = True) -> Difference:
    """Return what differs between two locks: pins, hashes, rules, and what they are for.

    The commands, requests and notes are not compared, nor who asked for a
    package. ``hashes`` is False where a format has no place for them.
    """
    pairs = tuple(_pairs(before, after))
    return Difference(
        moved=tuple(moved for pair in pairs if (moved := _moved(*pair)) is not None),
        hashes=tuple(_hashes(pairs)) if hashes else (),
        reasons=tuple(_reasons(pairs)),
        origins=tuple(_origins(pairs)),
        python=_other(before.python, after.python),
        platform=_other(before.platform, after.platform),
    )


def _pin(package: LockedPackage) -> ListedPin:
    return ListedPin(
        version=str(package.version),
        order=package.version,
        build="" if package.direct is None else redact(package.direct.address),
        hashes=package.hashes,
        because=package.because,
        index=package.index,
    )


def conda_order(version: str) -> list[tuple[bool, int | str]]:
    """Return what a version of conda sorts by."""
    parts = re.findall(r"\d+|[A-Za-z]+", version)
    # Letters before numbers: 1.0rc1 is older than 1.0.1.
    return [(part.isdigit(), int(part) if part.isdigit() else part) for part in parts]


def _conda_pin(package: CondaPackage) -> ListedPin:
    return ListedPin(
        version=package.version,
        order=conda_order(package.version),
        build=package.build,
        hashes=(f"sha256:{package.sha256}",) if package.sha256 else (),
        because=package.because,
    )


def _only(package: LockedPackage) -> str:
    return f" ({', '.join(map(str, package.only))})" if package.only else ""


_Pair = tuple[str, ListedPin | None, ListedPin | None]


def _pairs(before: LockSide, after: LockSide) -> Iterator[_Pair]:
    for name in sorted(before.pins.keys() | after.pins.keys()):
        yield name, before.pins.get(name), after.pins.get(name)


def _moved(name: str, old: ListedPin | None, new: ListedPin | None) -> Moved | None:
    if old is None or new is None:
        way = Way.ADDED if old is None else Way.REMOVED
        return Moved(
            name=name,
            way=way,
            before=old.version if old else None,
            after=new.version if new else None,
        )
    if old.version != new.version:
        way = Way.UP if new.order > old.order else Way.DOWN
        return Moved(name=name, way=way, before=old.version, after=new.version)
    if old.build and new.build and old.build != new.build:
        builds = [f"{pin.version} {pin.build}" for pin in (old, new)]
        return Moved(name=name, way=Way.BUILD, before=builds[0], after=builds[1])
    return None


def _hashes(pairs: tuple[_Pair, ...]) -> Iterator[Hashes]:
    for name, old, new in pairs:
        if old is None or new is None or _moved(name, old, new) is not None:
            continue
        gone, come = (
            tuple(sorted(set(one.hashes) - set(other.hashes)))
            for one, other in ((old, new), (new, old))
        )
        if gone or come:
            yield Hashes(name=name, version=new.version, before=gone, after=come)


def _reasons(pairs: tuple[_Pair, ...]) -> Iterator[Reasons]:
    for name, old, new in pairs:
        was = set(old.because) if old else set()
        now = set(new.because) if new else set()
        if was != now:
            yield Reasons(
                name=name, before=tuple(sorted(was - now)), after=tuple(sorted(now - was))
            )


def _origins(pairs: tuple[_Pair, ...]) -> Iterator[Origin]:
    for name, old, new in pairs:
        if old and new and (both := _other(old.index, new.index)):
            yield Origin(name=name, before=both[0], after=both[1])


def _other(before: str, after: str) -> tuple[str, str] | None:
    return (before, after) if before and after and before != after else None
