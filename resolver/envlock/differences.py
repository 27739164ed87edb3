"""What differs between two locks, package by package. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from envlock.model import CondaPackage, Lock, LockedPackage, RuleId


class Pin(Struct, frozen=True, kw_only=True):
    """One package of a lock; ``order`` is what its version sorts by.

    ``build`` is conda's, "" for a package of pip or where a format has none;
    ``index`` is where it came from, "" where the lock does not say.
    """

    version: str
    order: Any
    build: str = ""
    hashes: tuple[str, ...] = ()
    because: tuple[RuleId, ...] = ()
    index: str = ""


class Side(Struct, frozen=True, kw_only=True):
    """A lock as it is compared: name → pin, and what it is for, "" where it does not say."""

    pins: Mapping[str, Pin] = field(default_factory=dict)
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


def side_of(lock: Lock, *, apart: bool = False) -> Side:
    """Return a lock as it is compared.

    Names say which packages are pip's beside conda's, which are for some
    extras and groups alone, and where ``apart`` of which platform. The Python
    is among conda's packages.
    """
    pins: dict[str, Pin] = {}
    beside = " (pip)" if lock.of_conda else ""
    for part in lock.parts:
        where = f" [{part.place}]" if apart else ""
        pins |= {f"{each.name}{where}": _conda_pin(each) for each in part.conda}
        pins |= {f"{each.name}{beside}{_only(each)}{where}": _pin(each) for each in part.pypi}
    pythons = dict.fromkeys(each.python for each in lock.parts)
    return Side(
        pins=pins,
        python="" if lock.of_conda else ", ".join(pythons),
        platform=", ".join(each.place for each in lock.parts),
    )


def compare(before: Side, after: Side, *, hashes: bool = True) -> Difference:
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


def _pin(package: LockedPackage) -> Pin:
    return Pin(
        version=str(package.version),
        order=package.version,
        hashes=package.hashes,
        because=package.because,
        index=package.index,
    )


def _conda_pin(package: CondaPackage) -> Pin:
    parts = re.findall(r"\d+|[A-Za-z]+", package.version)
    return Pin(
        version=package.version,
        # Letters before numbers: 1.0rc1 is older than 1.0.1.
        order=[(part.isdigit(), int(part) if part.isdigit() else part) for part in parts],
        build=package.build,
        hashes=(f"sha256:{package.sha256}",) if package.sha256 else (),
        because=package.because,
    )


def _only(package: LockedPackage) -> str:
    return f" ({', '.join(map(str, package.only))})" if package.only else ""


_Pair = tuple[str, Pin | None, Pin | None]


def _pairs(before: Side, after: Side) -> Iterator[_Pair]:
    for name in sorted(before.pins.keys() | after.pins.keys()):
        yield name, before.pins.get(name), after.pins.get(name)


def _moved(name: str, old: Pin | None, new: Pin | None) -> Moved | None:
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
