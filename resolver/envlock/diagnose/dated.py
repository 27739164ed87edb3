"""Two packages of different days: which release of one the other can have been made with. Pure.

Where no rule and no law of names explains an error, the frames and the message
still say whose code failed, and on what of another package. The days of both
are a guess at what goes together, which whoever makes it has to try.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

from msgspec import Struct
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.findings import Finding
from envlock.model import Remedy, RemedyKind, Severity, Stage
from envlock.rules.traces import Raised, blamed, last_raised, raised, top_of

DATED = "of-another-day"

#: What an error says of the module that does not have what it is asked for.
_ASKED = re.compile(
    r"cannot import name '[^'\n]{1,200}' from (?:partially initialized module )?'(?P<from>[\w.]+)'"
    r"|module '(?P<of>[\w.]+)' has no attribute"
    r"|No module named '(?P<part>[\w.]+)'"
)


class Dated(Struct, frozen=True, kw_only=True):
    """When a release came, and whether the Python and system that are meant can have it."""

    day: date
    serves: bool


#: The releases of a package that have a day.
Days = Callable[[NormalizedName], Mapping[Version, Dated]]


def of_another_day(
    text: str,
    owner: Callable[[str], NormalizedName | None],
    packages: Mapping[NormalizedName, Version],
    days: Days,
) -> Finding | None:
    """Return what the days say of the last error: a release of the other as old as who asked.

    Or one of who asked that is as old as the other, which may be what was asked for.
    ``owner`` tells which distribution an import package is of. None where the error is not
    about two packages, or where the days say nothing.
    """
    one = last_raised(raised(text))
    asker, other = _two(one, owner) if one is not None else (None, None)
    if one is None or asker is None or other is None or asker == other:
        return None
    if asker not in packages or other not in packages:
        return None
    mine, theirs = days(asker), days(other)
    own, there = mine.get(packages[asker]), theirs.get(packages[other])
    if own is None or there is None:
        return None
    bounds = {
        other: _bound(own.day, packages[other], there.day, theirs),
        asker: _bound(there.day, packages[asker], own.day, mine),
    }
    ways = [f"{name}{bound}" for name, bound in bounds.items() if bound is not None]
    if not ways:
        return None
    older = "older" if own.day < there.day else "newer"
    who, whose = f"{asker} {packages[asker]}", f"{other} {packages[other]}"
    return Finding(
        id=DATED,
        title=f"{who} is {older} than {whose}",
        severity=Severity.BREAKS,
        because=f"{who} is of {own.day} and {whose} of {there.day}: {' or '.join(ways)} is of the"
        " day of the other.",
        packages={asker: packages[asker], other: packages[other]},
        stage=Stage.IMPORT,
        confidence=0.5,
        remedies=tuple(Remedy(kind=RemedyKind.INSTALL, text=way) for way in ways),
        evidence=one.line,
    )


def _bound(day: date, version: Version, its: date, releases: Mapping[Version, Dated]) -> str | None:
    """The range of releases of a day, or as near to it as there is one to be had."""
    fit = {v: each for v, each in releases.items() if each.serves and not v.is_prerelease}
    if day < its:
        older = [v for v in fit if v < version]
        newest = max((v for v in older if fit[v].day <= day), default=min(older, default=None))
        return None if newest is None else f"<={newest}"
    newer = [v for v, each in fit.items() if v > version and each.day <= day]
    return f">={max(newer)}" if newer and its < day else None


def _two(
    one: Raised, owner: Callable[[str], NormalizedName | None]
) -> tuple[NormalizedName | None, NormalizedName | None]:
    """Who asked, and whose name or code it is."""
    blame = blamed(one)
    asker = owner(blame.package) if blame is not None and blame.package else None
    if found := _ASKED.search(one.message):
        module = next(each for each in found.groups() if each)
        return asker, owner(top_of(module))
    through = [frame.package for frame in one.frames if not frame.python]
    last = through[-1] if through else ""
    before = next((each for each in reversed(through) if each != last), "")
    return (owner(before), owner(last)) if last and before else (None, None)
