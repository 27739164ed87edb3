"""What follows from what was examined: the Pythons and system meant, the ranges left. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from msgspec import Struct
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.findings import Examined, Finding, Kind, unmet
from envlock.model import Platform
from envlock.releases import (
    declared,
    framework_releases,
    h5py_releases,
    newest_for,
    pythons_for,
    release,
    wheels_for,
)
from envlock.rules.check import Known, Situation
from envlock.rules.frameworks import families, framework
from envlock.rules.tables import pythons
from envlock.targets.platforms import NamedPlatform, foreign_target, marker_environment
from envlock.versions import admits, meet, minor_of

_NEWER_THAN_ALL = Version("99999")

_USUAL = Platform(system="linux", machine="x86_64")


def unsure(known: Known, examined: Examined) -> Known:
    """Return the same for what a text shows: a list of packages does not say who installed them.

    So no rule that is about the other manager is ruled out by it.
    """
    if examined.kind is not Kind.FILE or not examined.text or known.situation.manager != "pip":
        return known
    return replace(known, situation=replace(known.situation, manager=None))


def known_of(examined: Examined) -> Known:
    """Return what is known of what was examined, with what follows from it."""
    platform = examined.platform or system_of(examined)
    pythons = pythons_of(examined, platform)
    situation = Situation(
        python=examined.python,
        pythons=tuple(map(Version, pythons)),
        platform=platform,
        manager=examined.manager,
        variables=examined.variables,
        settled=examined.kind is Kind.ENVIRONMENT,
    )
    # Of what is installed nothing is still to be chosen, whatever its list leaves open; and what
    # conda would choose, its own records decide, which bound more than those of PyPI.
    open_still = not examined.complete and examined.manager != "conda"
    ranges = ranges_of(examined, pythons, platform) if open_still else {}
    return Known(
        situation=situation,
        versions=examined.packages,
        ranges=examined.loose,
        today={n: newest_in(each) for n, each in ranges.items() if n not in examined.undecided},
        complete=examined.complete,
        lenient=True,
    )


def system_of(examined: Examined) -> Platform | None:
    """The system whose packages are there, where all of them are of one."""
    of = families().one_system
    systems = {of[name] for name in examined.packages.keys() & of.keys()}
    return Platform(system=systems.pop(), machine="") if len(systems) == 1 else None


def pythons_of(examined: Examined, platform: Platform | None) -> tuple[str, ...]:
    """The minors that are likely meant: those that the named framework has wheels for."""
    if examined.python is not None:
        return (minor_of(examined.python),)
    if examined.manager == "conda":
        return pythons().minors
    for name in framework().members:
        version = examined.packages.get(name)
        wish = SpecifierSet(f"=={version}") if version else examined.loose.get(name)
        if wish:
            meant = {
                minor
                for release in framework_releases()
                if admits(wish, release.version)
                for minor in pythons_for(release.version, usual_platform(platform), name) or ()
            }
            return tuple(minor for minor in pythons().minors if minor in meant) or pythons().minors
    return pythons().minors


def usual_platform(platform: Platform | None) -> Platform:
    """Return a platform to look releases up for: the usual machine where it is not known."""
    if platform is None:
        return _USUAL
    usual = {"macos": "arm64"}.get(platform.system, "x86_64")
    return Platform(system=platform.system, machine=platform.machine or usual, libc=platform.libc)


def _newest_for(name: NormalizedName, minor: str, platform: Platform) -> str:
    """The newest release for a Python, of the packages of which it is on record."""
    if name in {framework().name, framework().cpu, "h5py"}:
        return str(newest_for(minor, platform, name) or "")
    return pythons().last.get(name, {}).get(minor, "")


def ranges_of(
    examined: Examined, likely: tuple[str, ...], known: Platform | None
) -> dict[NormalizedName, SpecifierSet]:
    """The loose ranges, narrowed as an installer narrows them."""
    platform = usual_platform(known)
    target = foreign_target(NamedPlatform(platform=platform, option=""), Version(likely[-1]))
    owners = [
        (name, version)
        for name in (*framework().members, NormalizedName("h5py"))
        if (version := _taken(name, examined, likely[-1], platform)) is not None
    ]
    ranges: dict[NormalizedName, SpecifierSet] = {}
    for name, wish in examined.loose.items():
        narrowed = wish
        for owner, version in owners:
            narrowed &= declared(version, name, target, owner) or SpecifierSet()
        newest = _newest_for(name, likely[-1], platform)
        narrowed &= SpecifierSet(f"<={newest}" if newest else "")
        ranges[name] = narrowed if meet(narrowed) else wish
    return ranges


def _taken(
    name: NormalizedName, examined: Examined, minor: str, platform: Platform
) -> Version | None:
    """The release on record that declares what the one that is asked for does, or would do."""
    known = h5py_releases() if name == "h5py" else framework_releases()
    version = examined.packages.get(name)
    if version is not None and version.is_prerelease:
        finals = (each.version for each in known if each.version.release[:2] == version.release[:2])
        return min(finals, default=version)
    wish = examined.loose.get(name)
    if version is not None or wish is None:
        return version
    there = wheels_for(minor, platform, name).versions
    return max((each for each in there if admits(wish, each)), default=None)


def newest_in(specifier: SpecifierSet) -> Version:
    """Return a version near the upper end of a range."""
    ends = [_NEWER_THAN_ALL, *(_end(part) for part in specifier)]
    return max((each for each in ends if admits(specifier, each)), default=_NEWER_THAN_ALL)


def _end(part: Specifier) -> Version:
    """The newest version below a bound, or the newest that begins like it."""
    number = part.version.removesuffix(".*")
    release = list(Version(number).release)
    if part.operator == "<":
        while len(release) > 1 and release[-1] == 0:
            release.pop()
        return Version(".".join(map(str, [*release[:-1], max(release[-1] - 1, 0), 99999])))
    if part.operator == "~=":
        return Version(".".join(map(str, [*release[:-1], 99999])))
    return Version(f"{number}.99999" if part.version.endswith(".*") else number)


_MOST = 200  # conflicts of one log: no environment has so many

#: pip's words, in the log of an install and of ``pip check``.
_TOLD = re.compile(
    r"(?:^|\s)(?P<owner>[\w.-]+) (?P<owned>\d[\w.+!-]*) (?:requires|has requirement)"
    r" (?P<wish>[^\n]{1,200}?),"
    r" (?:but you(?:'ll)? have (?P<name>[\w.-]+) (?P<version>\d[\w.+!-]*)|which is not installed)"
)


def conflicts_by_release(known: Known) -> tuple[Finding, ...]:
    """Return what the known versions break of what TensorFlow's and h5py's releases declare."""
    return tuple(_broken(known))


def _broken(known: Known) -> Iterator[Finding]:
    situation = known.situation
    platform = usual_platform(situation.platform)
    minor = minor_of(situation.pythons[-1])
    for owner in (*framework().members, NormalizedName("h5py")):
        for requirement in _declared(owner, known.versions.get(owner), platform, minor):
            name = canonicalize_name(requirement.name)
            there, asked = known.versions.get(name), known.ranges.get(name)
            if there is not None and not admits(requirement.specifier, there):
                yield unmet(owner, known.versions[owner], requirement, there)
            elif asked is not None and not meet(asked, requirement.specifier):
                yield unmet(owner, known.versions[owner], requirement, asked)


class Edge(Struct, frozen=True, kw_only=True):
    """What a package declares of another one, and which version of that is there, if any."""

    owner: NormalizedName
    version: Version
    requirement: Requirement
    there: Version | None
    line: str = ""

    @property
    def name(self) -> NormalizedName:
        """The package that is asked for."""
        return canonicalize_name(self.requirement.name)


def told_edges(text: str) -> tuple[Edge, ...]:
    """Return the declared ranges that pip says are not met."""
    if "but you" not in text and "which is not installed" not in text:
        return ()
    found: dict[tuple[str, str], Edge] = {}
    for match in _TOLD.finditer(text):
        requirement = standards.requirement(match["wish"])
        version = standards.version(match["version"] or "")
        owner, owned = canonicalize_name(match["owner"]), standards.version(match["owned"])
        if requirement is None or owned is None or (version is None and match["version"]):
            continue
        line = match[0].strip()
        edge = Edge(owner=owner, version=owned, requirement=requirement, there=version, line=line)
        found[owner, requirement.name] = edge
        if len(found) == _MOST:
            break
    return tuple(found.values())


def conflicts_told(edges: Iterable[Edge]) -> tuple[Finding, ...]:
    """Return the conflicts that pip names in a log."""
    return tuple(
        replace(unmet(each.owner, each.version, each.requirement, each.there), evidence=each.line)
        for each in edges
    )


@cache
def _declared(
    name: NormalizedName, version: Version | None, platform: Platform, minor: str
) -> tuple[Requirement, ...]:
    """What a release on record declares for a system and a Python."""
    if version is None:
        return ()
    table = h5py_releases() if name == "h5py" else ()
    found = next((each for each in table if each.version == version), None) or release(version)
    lines = () if found is None else found.needs.get((name, str(platform)), ())
    return tuple(standards.applicable(lines, marker_environment(platform, minor)))
