"""A conda platform and a Python → what a pip lock is for, without such an interpreter. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from packaging.tags import compatible_tags, cpython_tags, mac_platforms
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.conda.virtual import Virtual, version_of
from envlock.model import Platform, Target
from envlock.platforms import KNOWN, markers

_WINDOWS = {"x86_64": "AMD64", "arm64": "ARM64"}
_LIBC = re.compile(r"glibc (\d+)\.(\d+)")
_NAMED = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


def platform_of(subdir: str, virtual: tuple[Virtual, ...] = ()) -> Platform:
    """Return a conda platform as the rest of envlock knows it."""
    known = next(each.platform for each in KNOWN if each.conda == subdir)
    glibc = f"glibc {version_of('__glibc', virtual) or '2.28'}"
    macos = f"macos {version_of('__osx', virtual) or '13.0'}"
    libc = {"linux": glibc, "macos": macos}.get(known.system, "")
    return replace(known, libc=libc)


def target_of(
    subdir: str,
    python: Version,
    virtual: tuple[Virtual, ...] = (),
    accelerator: Accelerator = Accelerator.AUTO,
) -> Target:
    """Return the target of a CPython that conda installs: its wheel tags and markers.

    The release of the system is not known: markers that ask for it see "".
    """
    platform = platform_of(subdir, virtual)
    return Target(
        python=python,
        platform=platform,
        accelerator=accelerator,
        tags=_tags(python, platform),
        markers=markers(platform, str(python)),
    )


def _tags(python: Version, platform: Platform) -> tuple[str, ...]:
    short = (python.major, python.minor)
    name = f"cp{python.major}{python.minor}"
    abi = f"{name}m" if short < (3, 8) else name
    platforms = list(_platforms(platform))
    tags = [*cpython_tags(short, [abi], platforms), *compatible_tags(short, name, platforms)]
    return tuple(map(str, tags))


def _platforms(platform: Platform) -> Iterator[str]:
    if platform.system == "macos":
        major, _, minor = platform.libc.removeprefix("macos ").partition(".")
        release = (int(major), int(minor.partition(".")[0] or 0))
        yield from mac_platforms(release, platform.machine)
    elif platform.system == "windows":
        yield f"win_{_WINDOWS[platform.machine].lower()}"
    else:
        yield f"linux_{platform.machine}"
        libc = _LIBC.match(platform.libc)
        oldest = 5 if platform.machine == "x86_64" else 17
        for each in range(int(libc[2]) if libc else 17, oldest - 1, -1):
            yield f"manylinux_2_{each}_{platform.machine}"
            if each in _NAMED:
                yield f"{_NAMED[each]}_{platform.machine}"
