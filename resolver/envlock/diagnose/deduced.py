"""What follows from what was examined: the Pythons and system meant, the ranges left. Pure."""

from __future__ import annotations

from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.findings import Examined
from envlock.model import Platform
from envlock.releases import declared, framework_releases, newest_for, pythons_for
from envlock.rules.check import Known, Situation
from envlock.rules.frameworks import families, framework
from envlock.rules.tables import pythons
from envlock.targets.platforms import Place, foreign_target
from envlock.versions import admits, meet, minor_of

_NEWER_THAN_ALL = Version("99999")
_USUAL = Platform(system="linux", machine="x86_64")


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
    )
    # Of what is installed nothing is still to be chosen, whatever its list leaves open.
    ranges = {} if examined.complete else ranges_of(examined, pythons, platform)
    return Known(
        situation=situation,
        versions=examined.packages,
        ranges=examined.loose,
        today={name: _newest(each) for name, each in ranges.items()},
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
    target = foreign_target(Place(platform=platform, option=""), Version(likely[-1]))
    frameworks = [
        (name, version)
        for name in (*framework().members, NormalizedName("h5py"))
        if (version := examined.packages.get(name)) is not None
    ]
    ranges: dict[NormalizedName, SpecifierSet] = {}
    for name, wish in examined.loose.items():
        narrowed = wish
        for owner, version in frameworks:
            narrowed &= declared(version, name, target, owner) or SpecifierSet()
        newest = _newest_for(name, likely[-1], platform)
        narrowed &= SpecifierSet(f"<={newest}" if newest else "")
        ranges[name] = narrowed if meet(narrowed) else wish
    return ranges


def _newest(specifier: SpecifierSet) -> Version:
    """A version near the upper end of a range."""
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
