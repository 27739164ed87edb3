"""Who needs what: of one Python on one platform, read from a lock or an environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.environment.inspect import find_environment, prefix_of
from envlock.environment.layout import Layout, conda_packages, read_layout
from envlock.environment.needs import needs_of
from envlock.environment.records import Distribution, read_site
from envlock.environment.requested import requested_in
from envlock.environment.state import markers_of
from envlock.model import CondaPackage, LockedPackage, Part, Platform, RuleId
from envlock.rules.check import Situation
from envlock.targets.platforms import KNOWN


class Package(Struct, frozen=True, kw_only=True):
    """One package. ``needs`` are others that are there, each with the range that is declared.

    ``asked`` says who asked for it that is no package (a file, the command
    line), ``because`` which rules hold it, ``manager`` who installs it. A lock
    does not tell ranges: they are "".
    """

    name: str
    version: str
    manager: str = "pip"
    asked: tuple[str, ...] = ()
    because: tuple[RuleId, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)


class Graph(Struct, frozen=True, kw_only=True):
    """The packages of one place by name, ``place`` in words; ``notes`` say what was not read."""

    place: str
    packages: Mapping[str, Package]
    situation: Situation
    notes: tuple[str, ...] = ()

    def needed_by(self, name: str) -> tuple[str, ...]:
        """Return who needs a package, in order."""
        return tuple(each for each, package in self.packages.items() if name in package.needs)

    def roots(self) -> tuple[str, ...]:
        """Return where a reader begins: what was asked for and what nobody needs.

        Of a ring that nothing else leads to, the first is one, so that every package is reached.
        """
        needed = {other for each in self.packages.values() for other in each.needs}
        found = [n for n, each in self.packages.items() if each.asked or n not in needed]
        reached = {*self.below(found)}
        for name in self.packages:
            if name not in reached:
                found.append(name)
                reached |= {*self.below([name])}
        return tuple(found)

    def below(self, names: Iterable[str]) -> Iterator[str]:
        """Yield packages and all that they need, each once."""
        ahead, seen = [*names], {*names}
        while ahead:
            name = ahead.pop()
            yield name
            more = self.packages[name].needs.keys() - seen
            seen |= more
            ahead += more

    def above(self, name: str) -> frozenset[str]:
        """Return a package and all that lead to it."""
        found, ahead = {name}, [name]
        while ahead:
            more = {*self.needed_by(ahead.pop())} - found
            found |= more
            ahead += more
        return frozenset(found)

    def versions(self) -> dict[NormalizedName, Version]:
        """Return the versions that rules are asked of."""
        read = {n: standards.version(each.version) for n, each in self.packages.items()}
        return {canonicalize_name(n): version for n, version in read.items() if version is not None}


def of_part(part: Part, label: str) -> Graph:
    """Return what a lock says of one Python on one platform.

    A package that was asked for beside conda's has the file of the request in its ``via``.
    """
    everything: list[CondaPackage | LockedPackage] = [*part.conda, *part.pypi]
    names = {each.name for each in everything}
    needs: dict[str, dict[str, str]] = {name: {} for name in names}
    for each in everything:
        for by in each.via:
            if _name(by) in names and _name(by) != each.name:
                needs[_name(by)][each.name] = ""
    packages = {
        each.name: Package(
            name=each.name,
            version=str(each.version),
            manager="conda" if isinstance(each, CondaPackage) else "pip",
            asked=tuple(by for by in each.via if _name(by) not in names),
            because=each.because,
            needs=needs[each.name],
        )
        for each in sorted(everything, key=lambda each: each.name)
    }
    where = " on ".join(filter(None, (part.python, part.place)))
    situation = Situation(
        python=standards.version(part.python) if part.python else None,
        platform=next((each.platform for each in KNOWN if part.platform in each.names), None),
        manager="conda" if part.conda else "pip",
    )
    return Graph(
        place=f"{label}, {where}" if where else label, packages=packages, situation=situation
    )


def _name(by: str) -> str:
    """The package that asked, without the extra that it was asked with."""
    return by.partition("[")[0]


def of_environment(path: Path) -> Graph:
    """Return what the metadata in an environment says; nothing of it is run.

    Raises:
        UsageError: there is no environment.
    """
    layout = read_layout(find_environment(path))
    sites = [read_site(each) for each in layout.path]
    visible: dict[NormalizedName, Distribution] = {}
    for site in sites:
        for each in site.distributions:
            visible.setdefault(each.name, each)
    needs, notes = needs_of(visible, markers_of(layout.version, layout.platform))
    found: dict[str, dict[str, str]] = {name: {} for name in visible}
    for need in needs:
        name = canonicalize_name(need.requirement.name)
        if name in visible and name != need.by.name:
            found[need.by.name][name] = str(need.requirement.specifier)
    return Graph(
        place=str(layout.prefix),
        packages=_installed(layout, visible, found),
        situation=_situation(layout.version, layout.platform),
        notes=(*(note for site in sites for note in site.notes), *notes),
    )


def _installed(
    layout: Layout,
    visible: Mapping[NormalizedName, Distribution],
    needs: Mapping[str, Mapping[str, str]],
) -> dict[str, Package]:
    asked = requested_in(prefix_of(layout.python))
    packages = {
        name: Package(
            name=name,
            version=str(each.version),
            manager=each.installer or "pip",
            asked=("the request",) if name in asked else (),
            needs=needs[name],
        )
        for name, each in visible.items()
    }
    for name, record in (conda_packages(layout.prefix) if layout.conda else {}).items():
        if name not in packages:
            packages[name] = Package(name=name, version=record.version, manager="conda")
    return dict(sorted(packages.items()))


def _situation(python: Version | None, platform: Platform) -> Situation:
    return Situation(python=python, platform=platform)
