"""The index of each pin: whose files it is locked to, and who else has its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial

from msgspec.structs import replace
from packaging.utils import NormalizedName

from envlock.choices import IndexStrategy
from envlock.index.hashing import with_hashes
from envlock.index.origin import public
from envlock.index.pages import Index
from envlock.index.places import Files, distinct
from envlock.index.redact import redact
from envlock.index.releases import admitted
from envlock.model import DistributionFile, IndexSettings, LockedPackage, Target
from envlock.progress import Progress
from envlock.resolve.assemble import hashed, wanted
from envlock.targets.fitting import fits

Fits = Callable[[LockedPackage, DistributionFile], bool]
Complete = Callable[[Mapping[NormalizedName, Files]], Mapping[NormalizedName, Files]]


def with_files(
    pins: Iterable[LockedPackage],
    index: Index,
    target: Target,
    *,
    settings: IndexSettings,
    progress: Progress,
    exclude_newer: datetime | None = None,
) -> tuple[LockedPackage, ...]:
    """The pins for a target `located`, with hashes made here where the index states none.

    Raises:
        IndexFailure: as `located` and `with_hashes`.
    """
    choose = partial(wanted, target=target)
    complete = partial(with_hashes, choose=choose, settings=settings, progress=progress)
    return located(pins, index, lambda _, file: fits(file, target), exclude_newer, complete)


def located(
    packages: Iterable[LockedPackage],
    index: Index,
    fits: Fits,
    exclude_newer: datetime | None,
    complete: Complete = dict,
) -> tuple[LockedPackage, ...]:
    """The pins with the files of the index that each is from, and with the index.

    Where several indexes have a release, it is the first that has a file of it
    that ``fits``. What find-links have of a release counts beside its index.
    ``complete`` gives files that the index states no hash of theirs.

    Raises:
        IndexFailure: as `hashed` and `admitted`.
    """
    packages = tuple(packages)
    index.read(package.name for package in packages)
    found = {each.name: _located(each, index, fits, exclude_newer) for each in packages}
    listed = complete({name: files for name, (_, files) in found.items()})
    return tuple(_placed(whole, found[whole.name][0], index) for whole in hashed(packages, listed))


def _located(
    package: LockedPackage, index: Index, fits: Fits, exclude_newer: datetime | None
) -> tuple[str, Files]:
    """The index of a pin ("" for none), and its files there."""
    places = [
        replace(place, files=admitted(place.files, exclude_newer))
        for place in index.places(package.name, package.version)
    ]
    there = [place for place in places if place.files]
    usable = [place for place in there if any(fits(package, file) for file in place.files)]
    chosen = next(iter(usable or there), None)
    if chosen is None:
        return "", ()
    return chosen.url, distinct(
        file for each in there if each is chosen or each.url in index.links for file in each.files
    )


def _placed(package: LockedPackage, url: str, index: Index) -> LockedPackage:
    others = (public(each) for each in index.standing(package.name) if each != url)
    return replace(package, index=public(url), elsewhere=tuple(others))


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
