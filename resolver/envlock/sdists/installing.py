"""Pins whose wheel envlock builds, made ready for an installer."""

from __future__ import annotations

from msgspec.structs import replace

from envlock.errors import InstallFailure, NoResolution
from envlock.index.filenames import WHEEL_SUFFIX
from envlock.index.pages import Index
from envlock.model import DistributionFile, IndexSettings, LockedPackage, Part, Target
from envlock.progress import Progress
from envlock.sdists.building import Made, NotBuilt, SourceRelease
from envlock.sdists.keeping import wheel_of
from envlock.system import digest_of


def with_wheels(
    part: Part, target: Target, settings: IndexSettings, progress: Progress
) -> tuple[Part, IndexSettings]:
    """Return a part of a lock whose built wheels an installer takes, and the settings for it.

    What the lock says was built is built the same here, once; the hash of the
    wheel counts beside those of the lock, which its source has.

    Raises:
        NoResolution: one cannot be built here.
        WorkError: a source cannot be read, or is not the one that was locked.
    """
    if not any(each.built and each.direct is None for each in part.pypi):
        return part, settings
    index = Index(settings, progress=progress)
    packages: list[LockedPackage] = []
    links: dict[str, str] = {}
    for package in part.pypi:
        file = _source(package, index) if package.built and package.direct is None else None
        if file is None:
            packages.append(package)
            continue
        source = SourceRelease(name=package.name, version=package.version, file=file, target=target)
        made = _made(source, package, settings, progress)
        hashes = (*package.hashes, f"sha256:{digest_of(made.wheel)}")
        packages.append(replace(package, hashes=hashes))
        links[package.name] = made.wheel.parent.as_uri()
    together = replace(
        settings,
        find_links=(*settings.find_links, *links.values()),
        # A pin may be held to the index that it was locked from, which has no such wheel.
        sources=(*links.items(), *settings.sources),
    )
    return replace(part, pypi=tuple(packages)), together


def _made(
    source: SourceRelease, package: LockedPackage, settings: IndexSettings, progress: Progress
) -> Made:
    made = wheel_of(source, settings, progress, locked=package.built)
    if isinstance(made, NotBuilt):
        raise NoResolution(
            f"{source} cannot be built for Python {source.target.minor}: {made.cause}"
            f" (tried {', '.join(made.ways)})"
        )
    if made is None:
        raise InstallFailure(
            f"{source} has to be built of its source, which cannot be done offline",
            "leave --offline out once: what is built is kept",
        )
    if made.built != package.built:
        progress.note(f"{source} was built {made.way}: {' '.join(made.built.tools)}")
    return made


def _source(package: LockedPackage, index: Index) -> DistributionFile | None:
    """The source distribution that a lock knows by its hash."""
    files = package.files or index.pinned({package.name: package.version})[package.name]
    return next(
        (
            file
            for file in files
            if not file.filename.endswith(WHEEL_SUFFIX)
            and f"sha256:{file.hashes.get('sha256')}" in package.hashes
        ),
        None,
    )
