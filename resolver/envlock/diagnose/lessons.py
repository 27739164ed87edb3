"""What a finding teaches a lock: bounds on packages that cure what a text shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.causes import Cause
from envlock.findings import Finding
from envlock.model import Remedy, RemedyKind, Severity
from envlock.rules.frameworks import families
from envlock.versions import admits

Packages = Mapping[NormalizedName, Version]


class Lesson(Struct, frozen=True, kw_only=True):
    """Bounds that a finding says cure it: each on a package that is there in another version.

    Or on one that is lacking.
    """

    finding: Finding
    remedy: Remedy
    bounds: Mapping[NormalizedName, SpecifierSet]

    def __str__(self) -> str:
        return " and ".join(f"{name}{bound}" for name, bound in self.bounds.items())


def lessons(findings: Iterable[Finding], text: str, packages: Packages) -> Iterator[Lesson]:
    """Yield what would cure each finding that the text shows, the best way of the first one first.

    A finding of the versions alone is none: nobody saw that it is what failed.
    """
    for finding in findings:
        shown = finding.evidence and finding.evidence.strip("…") in text
        if not shown or finding.cause is not Cause.VERSION:
            continue
        if finding.severity is not Severity.BREAKS:
            continue
        for remedy in finding.remedies:
            bounds = _bounds(remedy, packages)
            if bounds:
                yield Lesson(finding=finding, remedy=remedy, bounds=bounds)


def _bounds(remedy: Remedy, packages: Packages) -> dict[NormalizedName, SpecifierSet]:
    """What a remedy asks of packages that is not so; nothing where only an installer can do it."""
    if remedy.kind is not RemedyKind.INSTALL:
        return {}
    found: dict[NormalizedName, SpecifierSet] = {}
    for word in remedy.text.split():
        wish = standards.requirement(word)
        if wish is None or wish.extras or wish.url:
            return {}
        name = _there(canonicalize_name(wish.name), packages)
        version = packages.get(name)
        if version is None or not admits(wish.specifier, version):
            found[name] = wish.specifier
    return found


def _there(name: NormalizedName, packages: Packages) -> NormalizedName:
    """The member of a family that is there, where the name is of one that has another there."""
    members = families().members(families().family_of(name) or name)
    others = [each for each in members if each in packages]
    return name if name in packages or not others else others[0]
