"""What differs between two locks, package by package. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.model import Lock, LockedPackage, RuleId


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """A package that is in one lock only, or in another version; None where it is not."""

    name: NormalizedName
    before: Version | None
    after: Version | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Hashes:
    """The same version with other hashes; ``before`` and ``after`` are those of one lock only."""

    name: NormalizedName
    version: Version
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reasons:
    """The rules that move a package in one lock only."""

    name: NormalizedName
    before: tuple[RuleId, ...]
    after: tuple[RuleId, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Everything that differs, sorted by name; falsy when nothing does.

    ``python`` and ``platform`` are the two values where both locks tell them
    and they differ.
    """

    moved: tuple[Moved, ...] = ()
    hashes: tuple[Hashes, ...] = ()
    reasons: tuple[Reasons, ...] = ()
    python: tuple[str, str] | None = None
    platform: tuple[str, str] | None = None

    def __bool__(self) -> bool:
        return self != Difference()


def compare(before: Lock, after: Lock, *, hashes: bool = True) -> Difference:
    """Return what differs between two locks: pins, hashes, rules, and what they are for.

    The commands, requests and notes are not compared, nor who asked for a
    package. ``hashes`` is False where a format has no place for them.
    """
    pairs = tuple(_pairs(before, after))
    return Difference(
        moved=tuple(
            Moved(
                name=name,
                before=old.version if old else None,
                after=new.version if new else None,
            )
            for name, old, new in pairs
            if old is None or new is None or old.version != new.version
        ),
        hashes=tuple(_hashes(pairs)) if hashes else (),
        reasons=tuple(_reasons(pairs)),
        python=_other(before.python, after.python),
        platform=_other(before.platform, after.platform),
    )


_Pair = tuple[NormalizedName, LockedPackage | None, LockedPackage | None]


def _pairs(before: Lock, after: Lock) -> Iterator[_Pair]:
    old = {package.name: package for package in before.packages}
    new = {package.name: package for package in after.packages}
    for name in sorted(old.keys() | new.keys()):
        yield name, old.get(name), new.get(name)


def _hashes(pairs: tuple[_Pair, ...]) -> Iterator[Hashes]:
    for name, old, new in pairs:
        if old is None or new is None or old.version != new.version:
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


def _other(before: str, after: str) -> tuple[str, str] | None:
    return (before, after) if before and after and before != after else None
