"""Rules for tests, written as people write them, and the few values around them."""

from __future__ import annotations

from typing import Any

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.model import Platform, Requested, Rule, Target
from envlock.resolve.candidate import Candidate, PackageRequirement, merge
from envlock.rules.check import Packages, Situation
from envlock.rules.schema import read_rule
from envlock.targets.platforms import markers

LINUX = Platform(system="linux", machine="x86_64", libc="glibc 2.36")
SITUATION = Situation(python=Version("3.11.7"), platform=LINUX, manager="pip")
TARGET = Target(
    python=Version("3.11.7"),
    platform=LINUX,
    tags=("cp311-cp311-linux_x86_64", "py3-none-any"),
    markers=markers(LINUX, "3.11.7"),
)


def rule(name: str = "a-rule", **document: Any) -> Rule:
    """Return a rule of what is given; the rest is filled in."""
    return read_rule(
        {
            "id": name,
            "title": f"The rule {name}",
            "stage": "import",
            "severity": "breaks",
            "because": f"{name} is a fact of this test.",
            "metadata": "no",
            "remedy": [{"advice": "none"}],
            "evidence": [],
            **document,
        }
    )


def packages(**pins: str) -> Packages:
    """Return versions by name; an underscore stands for a dash."""
    return {canonicalize_name(name): Version(version) for name, version in pins.items()}


def requirement(text: str, *origins: str) -> PackageRequirement:
    """Return the requirement for ``name`` or ``name>=1``, typed or from the origins."""
    (found,) = merge(
        Requested(requirement=Requirement(text), origin=each)
        for each in origins or ("command line",)
    ).values()
    return found


def requirements(*texts: str) -> dict[NormalizedName, PackageRequirement]:
    """Return the requirements of a command line."""
    return {each.name: each for each in map(requirement, texts)}


def anchor(version: str, name: str = "tensorflow") -> Candidate:
    """Return one framework release."""
    return Candidate(name=canonicalize_name(name), version=Version(version))
