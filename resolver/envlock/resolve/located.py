"""The index of each pin: whose files it is locked to, and who else has its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec.structs import replace

from envlock.choices import IndexStrategy
from envlock.index.origin import public
from envlock.index.pages import Index
from envlock.index.places import Place, distinct
from envlock.index.redact import redact
from envlock.index.releases import admitted
from envlock.model import DistributionFile, IndexSettings, LockedPackage
from envlock.progress import Progress
from envlock.resolve.assemble import hashed

Fits = Callable[[LockedPackage, DistributionFile], bool]


def located(
    packages: Iterable[LockedPackage], index: Index, fits: Fits, exclude_newer: datetime | None
) -> tuple[LockedPackage, ...]:
    """The pins with the files of the index that each is from, and with the index.

    Where several indexes have a release, it is the first that has a file of it
    that ``fits``. What find-links have of a release counts beside its index.

    Raises:
        IndexFailure: as `hashed` and `admitted`.
    """
    packages = tuple(packages)
    index.pinned({package.name: package.version for package in packages})  # all pages at once
    return tuple(_located(package, index, fits, exclude_newer) for package in packages)


def _located(
    package: LockedPackage, index: Index, fits: Fits, exclude_newer: datetime | None
) -> LockedPackage:
    places = [
        replace(place, files=admitted(place.files, exclude_newer))
        for place in index.places(package.name, package.version)
    ]
    there = [place for place in places if place.files]
    usable = [place for place in there if any(fits(package, file) for file in place.files)]
    chosen = next(iter(usable or there), None)
    files = () if chosen is None else _files(chosen, there, index)
    (whole,) = hashed((package,), {package.name: files})
    url = "" if chosen is None else chosen.url
    others = (public(each) for each in index.standing(package.name) if each != url)
    return replace(whole, index=public(url), elsewhere=tuple(others))


def _files(chosen: Place, places: Iterable[Place], index: Index) -> tuple[DistributionFile, ...]:
    links = index.links
    return distinct(
        file for each in places if each is chosen or each.url in links for file in each.files
    )


def tell_several(
    packages: Iterable[LockedPackage], settings: IndexSettings, progress: Progress
) -> None:
    """Say of each name that several indexes have which one it is from, and why."""
    groups: dict[tuple[str, tuple[str, ...]], list[LockedPackage]] = {}
    for package in packages:
        if package.elsewhere:
            groups.setdefault((package.index, package.elsewhere), []).append(package)
    for (index, elsewhere), group in groups.items():
        *most, last = (f"{package.name} {package.version}" for package in group)
        pins = f"{', '.join(most)} and {last} are" if most else f"{last} is"
        others = " and ".join(map(redact, elsewhere))
        progress.note(
            f"{pins} from {redact(index)}, {_why(index, settings)};"
            f" {others} {'have' if len(elsewhere) > 1 else 'has'}"
            f" {'those names' if most else 'that name'} too"
        )


def _why(index: str, settings: IndexSettings) -> str:
    if index in {public(link) for link in settings.find_links}:
        return "which find-links name"
    if settings.index_strategy is IndexStrategy.BEST:
        return "which has the best version of all indexes (best-match)"
    return "the first index that has the name (first-index)"
