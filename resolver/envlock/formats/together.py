"""The parts of a lock in one list: each release once, with a marker where not all have it. Pure.

Markers speak of ``platform_system`` and ``platform_machine``, which pip, uv and
pdm all judge; pdm does not know ``sys_platform``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import attrgetter

from msgspec.structs import replace
from packaging.markers import Marker
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.errors import UsageError
from envlock.model import Lock, LockedPackage, Platform, Selection, SelectionKind
from envlock.targets.platforms import SYSTEMS, markers

_SYSTEM, _MACHINE = "platform_system", "platform_machine"
#: What PEP 751 calls in markers what is chosen.
_VARIABLES = {SelectionKind.EXTRA: "extras", SelectionKind.GROUP: "dependency_groups"}


def gather(lock: Lock) -> list[tuple[LockedPackage, Marker | None]]:
    """Return every release of a lock by name and version, and where it is installed; None: always.

    What the parts know of one release (files, hashes, who asked for it) is put together.

    Raises:
        UsageError: the parts are not each for a platform of their own, or not for one Python.
    """
    _refuse_mixed(lock)
    found: dict[tuple[NormalizedName, Version, str], dict[str, LockedPackage]] = {}
    for part in lock.parts:
        for package in part.pypi:
            place = package.direct.address if package.direct is not None else ""
            key = package.name, package.version, place
            found.setdefault(key, {})[part.platform] = package
    every = tuple(part.platform for part in lock.parts)
    return [
        (reduce(_both, there.values()), _marker(there, every)) for _, there in sorted(found.items())
    ]


def _refuse_mixed(lock: Lock) -> None:
    names = {part.platform for part in lock.parts}
    known = all(_split(name)[0] in SYSTEMS for name in names)
    pythons = {part.python for part in lock.parts}
    if len(lock.parts) > 1 and not (known and len(names) == len(lock.parts) and len(pythons) == 1):
        told = " and ".join(f"Python {each.python} on {each.platform}" for each in lock.parts)
        raise UsageError(
            f"one file holds one Python on platforms that have a name, and these are {told}",
            "write a file for each",
        )


def _marker(there: Mapping[str, LockedPackage], every: Sequence[str]) -> Marker | None:
    """Where a release is installed, and for which extras and groups; None: always."""
    platforms: dict[tuple[Selection, ...], list[str]] = {}
    for platform, package in there.items():
        platforms.setdefault(package.only, []).append(platform)
    terms = [_both_hold(chosen(only), condition(m, every)) for only, m in platforms.items()]
    return Marker(" or ".join(_group(each, " and ") for each in terms)) if all(terms) else None


def _both_hold(one: Marker | None, other: Marker | None) -> str:
    """The text of a marker for two conditions; "" for none."""
    said = [str(each) for each in (one, other) if each is not None]
    return " and ".join(_group(each, " or ") for each in said) if len(said) > 1 else "".join(said)


def _group(text: str, binding: str) -> str:
    return f"({text})" if binding in text else text


def chosen(only: Iterable[Selection]) -> Marker | None:
    """Return the marker that holds where one of some extras and groups is chosen; None for none."""
    terms = [f"'{each.name}' in {_VARIABLES[each.kind]}" for each in only]
    return Marker(" or ".join(terms)) if terms else None


def condition(there: Iterable[str], every: Sequence[str]) -> Marker | None:
    """Return the marker that holds, of the platforms in ``every``, on those in ``there`` alone."""
    meant = [each for each in every if each in set(there)]
    if len(meant) == len(every):
        return None
    return Marker(" or ".join(dict.fromkeys(_terms(meant, every))))


def environment(platform: str) -> Marker | None:
    """Return the marker of one platform, and of it alone; None where its name is not known."""
    if _split(platform)[0] not in SYSTEMS:
        return None
    return Marker(" and ".join(_equal(platform, _SYSTEM, _MACHINE)))


def _terms(meant: Sequence[str], every: Sequence[str]) -> Iterator[str]:
    """A system whole where all its machines are meant, else machine by machine."""
    for platform in meant:
        system = _split(platform)[0]
        beside = [each for each in every if _split(each)[0] == system]
        names = (_SYSTEM,) if set(beside) <= set(meant) else (_SYSTEM, _MACHINE)
        term = " and ".join(_equal(platform, *names))
        yield f"({term})" if len(names) > 1 and len(meant) > 1 else term


def _equal(platform: str, *names: str) -> Iterator[str]:
    system, machine = _split(platform)
    said = markers(Platform(system=system, machine=machine), "")
    return (f"{name} == '{said[name]}'" for name in names)


def _split(platform: str) -> tuple[str, str]:
    system, _, machine = platform.partition("-")
    return system, machine


def _both(one: LockedPackage, other: LockedPackage) -> LockedPackage:
    files = {each.filename: each for each in (*other.files, *one.files)}
    return replace(
        one,
        hashes=tuple(sorted({*one.hashes, *other.hashes})),
        via=tuple(sorted({*one.via, *other.via})),
        because=tuple(sorted({*one.because, *other.because})),
        files=tuple(sorted(files.values(), key=attrgetter("filename"))),
        index=one.index or other.index,
    )
