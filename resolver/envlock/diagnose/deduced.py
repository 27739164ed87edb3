"""What follows from what was examined: the Pythons and system meant, the ranges left. Pure."""

from __future__ import annotations

from packaging.ranges import VersionRange
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.findings import Examined
from envlock.model import Platform
from envlock.releases import declared, framework_releases, newest_for, pythons_for
from envlock.rules.check import admits
from envlock.rules.families import families
from envlock.rules.frameworks import framework
from envlock.rules.pythons import pythons
from envlock.targets.elsewhere import foreign_target
from envlock.targets.platforms import Place

_USUAL = Platform(system="linux", machine="x86_64")


def region(specifier: SpecifierSet) -> VersionRange:
    """Return a range with pre-releases counted, so that sets compare by version alone."""
    return SpecifierSet(str(specifier), prereleases=True).to_range()


def system_of(examined: Examined) -> Platform | None:
    """The system whose packages are there, where all of them are of one."""
    of = families().one_system
    systems = {of[name] for name in examined.packages.keys() & of.keys()}
    return Platform(system=systems.pop(), machine="") if len(systems) == 1 else None


def pythons_of(examined: Examined, platform: Platform | None) -> tuple[str, ...]:
    """The minors that are likely meant: those that the named framework has wheels for."""
    if examined.python is not None:
        return (f"{examined.python.major}.{examined.python.minor}",)
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
        ranges[name] = wish if region(narrowed).is_empty else narrowed
    return ranges
