"""Targets without an interpreter: another platform, or a Python that is not on this machine."""

from __future__ import annotations

import re

from packaging.version import Version

from envlock.choices import Accelerator
from envlock.model import Platform, Target
from envlock.rules.pythons import pythons
from envlock.targets.platforms import Place, assumed, markers
from envlock.targets.tags import wheel_tags

_VERSION = re.compile(r"3\.(?P<minor>\d{1,3})(?:\.\d{1,3})?", re.ASCII)


def python_version(wanted: str) -> Version | None:
    """Return the full version that "3.10" or "3.10.4" stands for; None for anything else.

    A minor stands for its first patch, as uv has it: what is locked for that
    holds for every later one. Some stand for a later one (``pythons.yaml``).
    """
    found = _VERSION.fullmatch(wanted)
    if found is None or Version(wanted) < Version(pythons().oldest):
        return None
    if wanted.count(".") > 1:
        return Version(wanted)
    return Version(pythons().full(wanted))


def target_on(
    platform: Platform,
    python: Version,
    accelerator: Accelerator = Accelerator.AUTO,
    *,
    option: str = "",
) -> Target:
    """Say what a lock for a CPython on a platform is for, by the tables alone.

    The release of the system is not known: markers that ask for it see "".
    """
    return Target(
        python=python,
        platform=platform,
        accelerator=accelerator,
        tags=wheel_tags(python, platform),
        markers=markers(platform, str(python)),
        option=option,
    )


def foreign_target(
    place: Place, python: Version, accelerator: Accelerator = Accelerator.AUTO
) -> Target:
    """Say what a lock for a named platform is for, neither it nor the Python at hand.

    The system is the one that the place names, else the one that is taken for
    granted (`envlock.targets.platforms.assumed`).
    """
    platform = assumed(place.platform, (python.major, python.minor))
    return target_on(platform, python, accelerator, option=place.option)
