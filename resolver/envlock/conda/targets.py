"""A conda platform and a Python → what a pip lock is for, without such an interpreter. Pure."""

from __future__ import annotations

from msgspec.structs import replace
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.conda.virtual import Virtual, version_of
from envlock.model import Platform, Target
from envlock.platforms import KNOWN, markers
from envlock.tags import wheel_tags


def platform_of(subdir: str, virtual: tuple[Virtual, ...] = ()) -> Platform:
    """Return a conda platform as the rest of envlock knows it."""
    known = next(each.platform for each in KNOWN if each.conda == subdir)
    glibc = f"glibc {_two_numbers(version_of('__glibc', virtual) or '2.28')}"
    macos = f"macos {_two_numbers(version_of('__osx', virtual) or '13.0')}"
    libc = {"linux": glibc, "macos": macos}.get(known.system, "")
    return replace(known, libc=libc)


def _two_numbers(version: str) -> str:
    return ".".join([*version.split("."), "0"][:2])


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
        tags=wheel_tags(python, platform),
        markers=markers(platform, str(python)),
    )
