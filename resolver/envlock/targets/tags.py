"""The wheel tags that a CPython takes, and which files of a release a target takes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product

from packaging.tags import compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from envlock import standards
from envlock.model import DistributionFile, Platform, Target


def wheel_tags(
    python: Version, platform: Platform, *, free_threaded: bool = False
) -> tuple[str, ...]:
    """Return the wheel tags that a CPython on a platform takes, best first (PEP 425).

    Only what is given counts; on macOS the release of the running system where
    none is given.
    """
    short = (python.major, python.minor)
    flag = "m" if short < (3, 8) else "t" if free_threaded else ""
    abi = f"cp{python.major}{python.minor}{flag}"
    platforms = list(_platform_tags(platform))
    tags = [
        *cpython_tags(short, [abi], platforms),
        *compatible_tags(short, f"cp{python.major}{python.minor}", platforms),
    ]
    return tuple(str(tag) for tag in tags)


def preference(filename: str, tags: tuple[str, ...]) -> int | None:
    """Return the place of a file among those that take ``tags``, 0 is the best; None: no use.

    A wheel's place is that of its best tag; what is no wheel comes after all wheels.
    """
    if not filename.endswith(".whl"):
        return len(tags)
    # Nearly all wheels of a page are for others, and the strict parser takes twenty times as long.
    place = _places(tags)["-".join(filename[:-4].lower().rsplit("-", 3)[1:])]
    if place is not None:
        try:
            parse_wheel_filename(filename)
        except ValueError:
            return None
    return place


class _Places(dict[str, int | None]):
    """The place of the best tag in what a wheel's name says of tags; None: it has none of them."""

    def __init__(self, tags: tuple[str, ...]) -> None:
        super().__init__()
        self.tags = tags
        self._known = {tag: place for place, tag in enumerate(tags)}

    def __missing__(self, said: str) -> int | None:
        own = map("-".join, product(*(part.split(".") for part in said.split("-"))))
        self[said] = min((self._known[tag] for tag in own if tag in self._known), default=None)
        return self[said]


#: By the identity of the tags: to hash a thousand of them for each file takes longer than to look.
_MADE: dict[int, _Places] = {}
_MOST = 8


def _places(tags: tuple[str, ...]) -> _Places:
    """What is known of the names of wheels for a target, asked for thousands of files."""
    made = _MADE.get(id(tags))
    if made is None or made.tags is not tags:
        if len(_MADE) >= _MOST:
            _MADE.clear()
        made = _MADE[id(tags)] = _Places(tags)
    return made


def _platform_tags(platform: Platform) -> Iterator[str]:
    """Yield the platform part of the tags, after PEP 600 and PEP 656."""
    machine = platform.machine
    if platform.system == "macos":
        release = re.fullmatch(r"macos (\d+)\.(\d+)", platform.libc)
        version = (int(release[1]), int(release[2])) if release else None
        yield from mac_platforms(version, machine)
    elif platform.system == "windows":
        yield {"x86_64": "win_amd64", "arm64": "win_arm64"}.get(machine, "win32")
    else:
        yield f"{platform.system}_{machine}"
        libc = re.fullmatch(r"(glibc|musl) (\d+)\.(\d+)", platform.libc)
        if libc is not None:
            yield from _libc_tags(libc[1], int(libc[2]), int(libc[3]), machine)


def _libc_tags(libc: str, major: int, minor: int, machine: str) -> Iterator[str]:
    if libc == "musl":
        yield from (f"musllinux_{major}_{each}_{machine}" for each in range(minor, -1, -1))
        return
    intel = machine in {"x86_64", "i686"}
    oldest = 5 if intel else 17
    names = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
    for each in range(minor, oldest - 1, -1):
        yield f"manylinux_{major}_{each}_{machine}"
        if each in names:
            yield f"{names[each]}_{machine}"


def installable(file: DistributionFile, target: Target) -> bool:
    """Whether a file is a wheel that the target takes."""
    return file.filename.endswith(".whl") and fits(file, target)


def fits(file: DistributionFile, target: Target) -> bool:
    """Whether a file's Requires-Python and tags admit the target (a source file has no tags)."""
    return admits_python(file, target) and tagged_for(file, target)


def serves(files: Iterable[DistributionFile], target: Target) -> bool:
    """Whether a release can be installed on a target.

    Where its Python is not at hand, source does for what has no wheels at all:
    what has wheels, and none for the target, would have to be compiled there.
    """
    files = tuple(files)
    if any(installable(file, target) for file in files):
        return True
    compiled = any(file.filename.endswith(".whl") for file in files)
    if target.interpreter is None and compiled:
        return False
    return any(fits(file, target) for file in files)


def admits_python(file: DistributionFile, target: Target) -> bool:
    """Whether a file's Requires-Python admits the target; pip ignores one it cannot read."""
    return _admits_python(file.requires_python or "", target.python)


@lru_cache(maxsize=1024)
def _admits_python(said: str, python: Version) -> bool:
    wanted = standards.specifiers(said)
    return wanted is None or wanted.contains(python, prereleases=True)


def tagged_for(file: DistributionFile, target: Target) -> bool:
    """Whether a file is not a wheel, or one whose tags the target takes."""
    return preference(file.filename, target.tags) is not None


def taken(files: Iterable[DistributionFile], target: Target) -> DistributionFile | None:
    """Return the file of a release that an installer takes: the wheel with the best tag, or source.

    Yanked ones only where there is nothing else.
    """

    def rank(file: DistributionFile) -> tuple[bool, int, str]:
        place = preference(file.filename, target.tags)
        return file.yanked is not None, len(target.tags) if place is None else place, file.filename

    return min((file for file in files if fits(file, target)), key=rank, default=None)
