"""What the lines of one file say about packages, put together; and several files as one. Pure.

Which Python and system the paths and banners in a text belong to is told by
patterns that begin with plain letters, and by plain words: so a log of many
megabytes is read in milliseconds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.findings import Clash, Examined, Kind
from envlock.model import Platform, Requested
from envlock.rules.tables import pythons
from envlock.targets.platforms import marker_environment
from envlock.versions import exact, meet, minor_of, pin

#: A full version that Python itself, or a tool about it, printed.
_SAID = (
    re.compile(r"Python (3\.\d{1,2}\.\d{1,9})(?![\d.*]|\s{0,9},?\s{0,9}[<>])"),
    re.compile(r"Python[ _]version[\s:='\"]{1,40}v?(3\.\d{1,2}(?:\.\d{1,9})?)", re.IGNORECASE),
    re.compile(r"python_full_version[ :='\"]{1,40}(3\.\d{1,2}\.\d{1,9})"),
    re.compile(r"pyenv[/\\]versions[/\\](3\.\d{1,2}\.\d{1,9})\b"),
)
_IN_PATHS = (
    re.compile(r"python(3)\.(\d{1,2})t?[/\\]"),
    re.compile(r"Python[/\\]?(3)(\d{1,2})(?:-(?:32|64|arm64))?[/\\]"),
    re.compile(r"Python[/\\]pythoncore-(3)\.(\d{1,2})"),
    re.compile(r"Versions[/\\](3)\.(\d{1,2})[/\\]"),
    re.compile(r"cpython-(3)(\d{1,2})m?-"),
    re.compile(r"\.cp(3)(\d{1,2})-win"),
    re.compile(r"python-?(3)\.(\d{1,2})\.\d[\w.+-]{0,80}[/\\]"),
)
_WORDS = {
    "windows": (
        ":\\",
        "\\site-packages\\",
        "\\lib\\",
        "\\Lib\\",
        "-win_amd64.pyd",
        " on win32",
        "Windows-1",
        "Windows 1",
        "DLL load failed",
    ),
    "macos": (
        "/Users/",
        "/Library/Frameworks/",
        "/opt/homebrew/",
        "-darwin.so",
        " on darwin",
        ".dylib",
        "macOS-1",
    ),
    "linux": (
        "/home/",
        "/usr/local/lib/python",
        "/usr/lib/python",
        "/root/",
        "-linux-gnu",
        " on linux",
        "/content/",
        "/kaggle/",
        "/mnt/c/",
        "/nix/store/",
        "/opt/conda/",
        "/databricks/",
        "Linux-",
        ": cannot open shared object file",
    ),
}
_MACHINES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "macos": {"arm64": ("arm64",), "x86_64": ("x86_64",)},
    "linux": {"aarch64": ("aarch64",), "x86_64": ("x86_64-linux", "-x86_64-", " x86_64")},
    "windows": {"arm64": ("win_arm64",), "x86_64": ("win_amd64", "AMD64")},
}
_MOST_NOTES = 1000
_COMPARED = 50  # lines about a package that are held against each other
#: Where markers are judged when nobody says which system is meant.
_USUAL = Platform(system="linux", machine="x86_64")
_PLATFORMS = (
    _USUAL,
    Platform(system="linux", machine="aarch64"),
    Platform(system="macos", machine="x86_64"),
    Platform(system="macos", machine="arm64"),
    Platform(system="windows", machine="x86_64"),
)


def python_of(text: str) -> Version | None:
    """Return the Python that a text tells of: printed in full, or in most of its paths."""
    said = {version for pattern in _SAID for version in pattern.findall(text)}
    if len(said) == 1:
        return standards.version(said.pop())
    counted = Counter(_minors(text))
    return Version(counted.most_common(1)[0][0]) if counted else None


def _minors(text: str) -> Iterator[str]:
    for pattern in _IN_PATHS:
        yield from (f"{major}.{minor}" for major, minor in pattern.findall(text))


def platform_of(text: str) -> Platform | None:
    """Return the system that a text tells of; ``machine`` is empty where it does not say."""
    counted = {system: sum(map(text.count, words)) for system, words in _WORDS.items()}
    system = max(counted, key=counted.__getitem__)
    if not counted[system]:
        return None
    told = [
        machine
        for machine, words in _MACHINES[system].items()
        if any(word in text for word in words)
    ]
    return Platform(system=system, machine=told[0] if len(told) == 1 else "")


def folder_platform(folder: str) -> Platform | None:
    """Return the system that the path of a folder is of."""
    return platform_of(f"{folder}\\" if "\\" in folder else f"{folder}/")


class Given(Struct, frozen=True, kw_only=True):
    """What the user says about the place that is meant; None: nobody knows.

    ``environment`` is the one of a lock that has several.
    """

    python: Version | None = None
    platform: Platform | None = None
    environment: str | None = None

    def environments(self) -> tuple[Mapping[str, str], ...]:
        """Return the PEP 508 environments that may be meant, the usual one first."""
        minor = None if self.python is None else minor_of(self.python)
        return _environments(minor, self.platform)


@cache
def _environments(minor: str | None, platform: Platform | None) -> tuple[Mapping[str, str], ...]:
    minors = (minor,) if minor else pythons().minors
    platforms: Sequence[Platform] = _PLATFORMS
    if platform is not None:
        same = tuple(each for each in _PLATFORMS if each.system == platform.system)
        platforms = (platform,) if platform.machine or not same else same
    return tuple(
        {**marker_environment(each, minor), "extra": ""} for each in platforms for minor in minors
    )


def holds(marker: Marker | None, environments: Sequence[Mapping[str, str]]) -> bool | None:
    """Whether a marker holds in all of the environments, in none, or (None) in some."""
    if marker is None:
        return True
    verdicts = {standards.judged(marker, each) for each in environments}
    return verdicts.pop() if len(verdicts) == 1 else None


class _Mention(Struct, frozen=True, kw_only=True):
    """One line about a package; ``version`` is set where it names exactly one."""

    where: str
    specifier: SpecifierSet
    version: Version | None
    sure: bool

    @property
    def admitted(self) -> SpecifierSet:
        """What it admits."""
        if self.version is None:
            return self.specifier
        return pin(Version(self.version.public))  # of a build of it, as any other

    def words(self, name: str) -> str:
        """What it asks for, and where."""
        return f"{name}{self.admitted} ({self.where})"


class Gathered(Struct, kw_only=True):
    """Collects mentions and notes; `examined` says what they come to."""

    origin: str
    given: Given = field(default_factory=Given)
    python: Version | None = None
    platform: Platform | None = None
    manager: str | None = None
    complete: bool = False
    variables: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    mentions: dict[NormalizedName, list[_Mention]] = field(default_factory=dict)
    count: int = 0
    requests: list[Requested] = field(default_factory=list)
    limits: list[Requested] = field(default_factory=list)
    undecided: set[NormalizedName] = field(default_factory=set)

    def note(self, where: str, text: str) -> None:
        """Keep one sentence about a place."""
        line = f"{where}: {text}"
        if len(self.notes) < _MOST_NOTES and line not in self.notes:
            self.notes.append(line)

    def pin(self, name: NormalizedName, version: Version, where: str) -> None:
        """Keep an exact version."""
        self._add(name, SpecifierSet(), version, where)

    def asked(self, requirement: Requirement, where: str, *, only_bound: bool = False) -> None:
        """Keep what a requirement asks for, or a constraint bounds."""
        kept = self.limits if only_bound else self.requests
        kept.append(Requested(requirement=requirement, origin=where))
        name = canonicalize_name(requirement.name)
        self.bound(name, requirement.specifier, where, requirement.marker)

    def bound(
        self,
        name: NormalizedName,
        specifier: SpecifierSet,
        where: str,
        marker: Marker | None = None,
    ) -> None:
        """Keep a range, unless its marker speaks of another place."""
        verdict = holds(marker, self.given.environments())
        if verdict is None and self.given.platform is None:
            verdict = holds(marker, Given(python=self.given.python, platform=_USUAL).environments())
            if verdict is not None:
                self.note(self.origin, "markers are judged for Linux; --platform names another")
        if verdict is False:
            return
        self._add(name, specifier, exact(specifier), where, sure=verdict is True)

    def _add(
        self,
        name: NormalizedName,
        specifier: SpecifierSet,
        version: Version | None,
        where: str,
        *,
        sure: bool = True,
    ) -> None:
        mention = _Mention(where=where, specifier=specifier, version=version, sure=sure)
        self.mentions.setdefault(name, []).append(mention)
        self.count += 1
        standards.refuse_crowd(self.origin, self.count)

    def examined(self, kind: Kind) -> Examined:
        """Return everything that was gathered."""
        packages: dict[NormalizedName, Version] = {}
        loose: dict[NormalizedName, SpecifierSet] = {}
        for name, mentions in self.mentions.items():
            settled = self._settle(name, mentions)
            if isinstance(settled, Version):
                packages[name] = settled
            else:
                loose[name] = settled
        return Examined(
            kind=kind,
            origin=self.origin,
            packages=packages,
            loose=loose,
            complete=self.complete,
            python=self.given.python or self.python,
            platform=self.given.platform or self.platform,
            manager=self.manager,
            variables=self.variables,
            notes=tuple(self.notes),
            asked=tuple(self.requests),
            bounds=tuple(self.limits),
            undecided=frozenset(self.undecided),
            clashes=tuple(self._clashes()),
        )

    def _clashes(self) -> Iterator[Clash]:
        """The first two lines about a package that exclude each other, wherever both count."""
        if self.complete:  # what is there is there
            return
        for name, mentions in self.mentions.items():
            sure = [each for each in mentions if each.sure][:_COMPARED]
            for one, other in combinations(sure, 2):
                if not meet(one.admitted, other.admitted):
                    yield Clash(package=name, one=one.words(name), other=other.words(name))
                    break

    def _settle(self, name: NormalizedName, mentions: Sequence[_Mention]) -> Version | SpecifierSet:
        counted = [each for each in mentions if each.sure]
        if not counted:
            if len(mentions) > 1:
                self.note(
                    mentions[0].where, f"which {name} is meant depends on the Python or system"
                )
                self.undecided.add(name)
                return SpecifierSet()
            counted = list(mentions)
        pins = list(dict.fromkeys(each.version for each in counted if each.version is not None))
        if len(pins) > 1:
            both = " and ".join(map(str, pins))
            self.note(counted[-1].where, f"{name} is asked for in several versions: {both}")
        if pins:
            return pins[-1]
        together = SpecifierSet()
        for each in counted:
            together &= each.specifier
        return together


def only_minor(admitted: SpecifierSet) -> Version | None:
    """Return the one minor release of Python that a range admits."""
    found = [
        minor
        for minor in pythons().minors
        if any(admitted.contains(f"{minor}.{patch}") for patch in (0, 1, 8, 99))
    ]
    return Version(found[0]) if len(found) == 1 else None


#: What is installed says more than what was asked for, and both more than a log.
_WEIGHT = {Kind.ENVIRONMENT: 0, Kind.FILE: 1, Kind.TEXT: 2, Kind.MODEL: 3, Kind.CODE: 4}


def merge(examined: Sequence[Examined]) -> Examined:
    """Return what is known of one environment that all of these are about.

    A package that the weightier names is as it says; texts follow each other.
    """
    ordered = sorted(examined, key=lambda each: _WEIGHT[each.kind])
    whole = ordered[0]
    for other in ordered[1:]:
        whole = _pair(whole, other)
    return replace(whole, origin=", ".join(each.origin for each in examined))


def _pair(one: Examined, other: Examined) -> Examined:
    packages: dict[NormalizedName, Version] = dict(one.packages)
    loose: dict[NormalizedName, SpecifierSet] = dict(one.loose)
    if not one.complete:
        for name, version in other.packages.items():
            if name not in packages and (name not in loose or _fits(loose[name], version)):
                packages[name] = version
                loose.pop(name, None)
        for name, specifier in other.loose.items():
            if name not in packages:
                loose[name] = loose.get(name, SpecifierSet()) & specifier
    return replace(
        one,
        packages=packages,
        loose=loose,
        complete=one.complete or other.complete,
        python=one.python or other.python,
        platform=one.platform or other.platform,
        manager=one.manager or other.manager,
        variables={**other.variables, **one.variables},
        text="\n".join(filter(None, (one.text, other.text))),
        notes=(*one.notes, *other.notes),
        asked=(*one.asked, *other.asked),
        bounds=(*one.bounds, *other.bounds),
        undecided=one.undecided | other.undecided,
        uses=(*one.uses, *other.uses),
        built={**other.built, **one.built},
    )


def _fits(specifier: SpecifierSet, version: Version) -> bool:
    return specifier.contains(version, prereleases=True)
