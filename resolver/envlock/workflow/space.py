"""Whether an environment fits on the disks that it goes to, before it is built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from packaging.utils import NormalizedName

from envlock.errors import DiskFull, EnvlockError
from envlock.index.handover import uv_cache
from envlock.index.pages import Index
from envlock.model import CondaPackage, DistributionFile, IndexSettings, LockedPackage, Target
from envlock.progress import Progress
from envlock.system import cache_folder, room_in, room_words, size_words
from envlock.targets.tags import tagged_for

#: Bytes: with more than this free, no environment is too large, and no page is read to be sure.
_PLENTY = 20 * 10**9
#: How much larger the files of a wheel are than the wheel: the least of those that were looked at.
#: grpcio 1.60 is 2.43, libclang 18.1 2.6, tensorflow 2.15 2.86, numpy 1.26 3.5, keras 3.3 3.9;
#: of NVIDIA's, which hardly let themselves be compressed, cuBLAS 12.5 is 1.52 and cuDNN 8.9 1.59.
_UNPACKED, _UNPACKED_NVIDIA = 2.4, 1.5


def refuse_cramped(
    packages: Sequence[LockedPackage],
    target: Target,
    folder: Path,
    settings: IndexSettings,
    progress: Progress,
) -> None:
    """Make sure that there is room for what is installed, as far as the index tells sizes.

    uv unpacks wheels into its cache and links them from there, or copies them
    when the environment is on another disk; what it has already takes no more
    room. The old environment is there until the new one is proved.

    Raises:
        DiskFull: it cannot fit.
    """
    cache = uv_cache()
    wanted: list[tuple[Path, int, int]] = []
    with suppress(OSError, EnvlockError):  # no room or size is told: nothing to compare
        (there, free), (kept, free_to_keep) = room_in(folder), room_in(cache)
        if min(free, free_to_keep) >= _PLENTY:
            return
        with progress.phase("compare what is wanted with the room on the disk"):
            sizes = _sizes(packages, target, settings)
        has = {each.name for each in packages if _has(cache, each)}
        new = sum(size for name, size in sizes.items() if name not in has)
        wanted = [(folder, free, new if there == kept else sum(sizes.values()))]
        if there != kept:
            wanted.append((cache, free_to_keep, new))
    _refuse(wanted, {cache: "UV_CACHE_DIR"})


def refuse_cramped_prefix(packages: Iterable[CondaPackage], prefix: Path) -> None:
    """Make sure that there is room for conda's packages, at the least for what is downloaded.

    They are unpacked into envlock's cache and linked, or copied to another disk.

    Raises:
        DiskFull: it cannot fit.
    """
    cache = cache_folder("conda")
    kept = cache / "pkgs"
    wanted: list[tuple[Path, int, int]] = []
    with suppress(OSError):
        (there, free), (own, free_to_keep) = room_in(prefix), room_in(cache)
        every = [(each, each.size or 0) for each in packages]
        new = sum(
            size
            for each, size in every
            if not (kept / f"{each.name}-{each.version}-{each.build}").exists()
        )
        wanted = [(prefix, free, new if there == own else sum(size for _, size in every))]
        if there != own:
            wanted.append((cache, free_to_keep, new))
    _refuse(wanted, {cache: "ENVLOCK_CACHE_DIR"})


def _refuse(wanted: Iterable[tuple[Path, int, int]], variables: Mapping[Path, str]) -> None:
    """Refuse where a place has less room than is wanted there; a cache has its variable."""
    for place, room, size in wanted:
        if size > room:
            way = f"{variables[place]}=/a/folder/with/room" if place in variables else "--env OTHER"
            raise DiskFull(
                f"the environment does not fit: it wants at least {size_words(size)} in {place},"
                f" and {room_words(place)}",
                way,
            )


def _sizes(
    packages: Sequence[LockedPackage], target: Target, settings: IndexSettings
) -> dict[NormalizedName, int]:
    """What the smallest file of each pin takes unpacked, in bytes; 0 where nobody says."""
    sized = {each.name for each in packages if any(file.size for file in each.files)}
    unlisted = {each.name: each.version for each in packages if each.name not in sized}
    listed: Mapping[NormalizedName, tuple[DistributionFile, ...]] = {}
    if unlisted:
        listed = Index(settings).pinned(unlisted)
    return {each.name: _size(each, listed.get(each.name, each.files), target) for each in packages}


def _size(package: LockedPackage, files: Iterable[DistributionFile], target: Target) -> int:
    fitting = [each for each in files if _allowed(each, package) and tagged_for(each, target)]
    wheels = [each for each in fitting if each.filename.endswith(".whl")]
    known = [each.size for each in wheels or fitting if each.size is not None]
    factor = _UNPACKED_NVIDIA if package.name.startswith("nvidia-") else _UNPACKED
    return round(min(known, default=0) * (factor if wheels else 1))


def _allowed(file: DistributionFile, package: LockedPackage) -> bool:
    own = {f"{kind}:{digest}" for kind, digest in file.hashes.items()}
    return not package.hashes or not own.isdisjoint(package.hashes)


def _has(cache: Path, package: LockedPackage) -> bool:
    """Whether uv has a wheel of a pin unpacked in its cache."""
    name = f"{package.name}/{package.version}-*"
    return any(next(cache.glob(f"wheels-v*/{where}/{name}"), None) for where in ("pypi", "*/*"))
