"""Several things that were examined, as one. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.findings import Examined, Kind

#: What is installed says more than what was asked for, and both more than a log.
_WEIGHT = {Kind.ENVIRONMENT: 0, Kind.FILE: 1, Kind.TEXT: 2, Kind.MODEL: 3}


def merge(examined: Sequence[Examined]) -> Examined:
    """Return what is known of one environment that all of these are about.

    A package that the weightier names is as it says; texts follow each other.
    """
    ordered = sorted(examined, key=lambda each: _WEIGHT[each.kind])
    whole = ordered[0]
    for other in ordered[1:]:
        whole = _pair(whole, other)
    return replace(whole, origin=", ".join(each.origin for each in examined))


def _pair(one: Examined, other: Examined) -> Examined:
    packages: dict[NormalizedName, Version] = dict(one.packages)
    loose: dict[NormalizedName, SpecifierSet] = dict(one.loose)
    if not one.complete:
        for name, version in other.packages.items():
            if name not in packages and (name not in loose or _fits(loose[name], version)):
                packages[name] = version
                loose.pop(name, None)
        for name, specifier in other.loose.items():
            if name not in packages:
                loose[name] = loose.get(name, SpecifierSet()) & specifier
    return replace(
        one,
        packages=packages,
        loose=loose,
        complete=one.complete or other.complete,
        python=one.python or other.python,
        platform=one.platform or other.platform,
        manager=one.manager or other.manager,
        variables={**other.variables, **one.variables},
        text="\n".join(filter(None, (one.text, other.text))),
        notes=(*one.notes, *other.notes),
    )


def _fits(specifier: SpecifierSet, version: Version) -> bool:
    return specifier.contains(version, prereleases=True)
