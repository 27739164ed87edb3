"""One entry of conda's list → `CondaSpec`, or in the words of rules `PypiSpec`. Pure.

conda's words are not PEP 440: ``=1.2`` is a prefix, a third ``=`` the build,
``|`` means or, a blank before the version means exactly. Source: conda's
documentation, "Package match specifications"; CEP 29.

Selectors say which of conda's platforms an entry is for (``sel(linux)``,
``# [osx and not arm64]``): the words are conda-build's, micromamba and
conda-lock know some of them. A word that is none of them selects nothing: it
was a remark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct, field
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock import standards
from envlock.conda.names import names, to_pep440
from envlock.errors import UsageError
from envlock.formats.faults import shown
from envlock.model import CondaSpec, Platform

#: conda's name of a platform → system and machine, as PEP 508 markers have them.
_MARKERS = {
    "linux-32": ("linux", "i686"),
    "linux-64": ("linux", "x86_64"),
    "linux-aarch64": ("linux", "aarch64"),
    "linux-armv7l": ("linux", "armv7l"),
    "linux-ppc64le": ("linux", "ppc64le"),
    "linux-riscv64": ("linux", "riscv64"),
    "linux-s390x": ("linux", "s390x"),
    "osx-64": ("darwin", "x86_64"),
    "osx-arm64": ("darwin", "arm64"),
    "win-32": ("win32", "x86"),
    "win-64": ("win32", "AMD64"),
    "win-arm64": ("win32", "ARM64"),
}
PLATFORMS = frozenset(_MARKERS)
"""Every platform of conda's that an environment can be for."""
SUBDIRS = PLATFORMS | {"noarch"}
"""The folders of a channel."""
_SYSTEMS = {"linux": "linux", "macos": "osx", "windows": "win"}
_MACHINES = {"x86_64": "64", "aarch64": "aarch64", "arm64": "arm64", "ppc64le": "ppc64le"}
_ARCHIVE = re.compile(
    r"(?:.*[/\\])?(?P<name>[^/\\]+?)-(?P<version>[^/\\-]+)-(?P<build>[^/\\-]+)"
    r"\.(?:tar\.bz2|conda)(?:#\S*)?$"
)
_CHANNEL = re.compile(r"(?P<channel>\S*)::(?P<rest>[^:]*)$")
_SPEC = re.compile(
    r"""(?P<name>[A-Za-z0-9_][\w.-]*)
        \s*(?P<rest>(?:[<>=!~(]|\s[\d*])[^\[\]]*|)
        \s*(?:\[(?P<brackets>.*)\])?""",
    re.VERBOSE,
)
_KEY = re.compile(r"""\s*(\w+)\s*=\s*(?:'([^']*)'|"([^"]*)"|([^,'"\[\]]+))\s*(?:,|$)""")
_BUILT = re.compile(r"(?P<version>.*[^=<>!~,|(\s])(?:=|\s+)(?P<build>[\w.*+^$-]*)")
_BLANKS = re.compile(r"(?:(?<!\s)\s+)?([<>=!~]{1,2}|[,|()])\s*")
_ATOM = re.compile(r"(?:==?|!=|~=|<=|>=|<|>)?(?:\d+!)?[\w.+*-]+", re.ASCII)
_TURNED = re.compile(r"=([<>])")
_ANY = frozenset({"*", "=", "==", "=*", "==*"})
_ALONE = re.compile(r"(={0,2})((?:\d+!)?[^\s=<>!~*,|()]+)")
_RELEASE_NUMBERS = 3  # X.Y.Z names one release
_EXAMPLE = 'write it like "numpy=1.26"'


def _of(*beginnings: str) -> frozenset[str]:
    return frozenset(each for each in PLATFORMS if each.startswith(beginnings))


_WORDS = {
    **{each: frozenset({each}) for each in PLATFORMS},
    **{each.replace("-", ""): frozenset({each}) for each in PLATFORMS},
    "linux": _of("linux"),
    "osx": _of("osx"),
    "win": _of("win"),
    "unix": _of("linux", "osx"),
    "aarch64": frozenset({"linux-aarch64"}),
    "arm64": frozenset({"osx-arm64", "win-arm64"}),
    "ppc64le": frozenset({"linux-ppc64le"}),
    "s390x": frozenset({"linux-s390x"}),
    "x86_64": frozenset({"linux-64", "osx-64", "win-64"}),
}


def selected(text: str) -> tuple[str, ...] | None:
    """Return the platforms that a selector names, sorted; None where it names none."""
    chosen = frozenset[str]()
    for alternative in re.split(r"\s+or\s+", text.strip()):
        both = PLATFORMS
        for word in re.split(r"\s+and\s+", alternative):
            plain = word.removeprefix("not ").strip()
            if plain not in _WORDS:
                return None
            both &= _WORDS[plain] if plain == word else PLATFORMS - _WORDS[plain]
        chosen |= both
    return tuple(sorted(chosen))


def selector(only: Iterable[str]) -> str:
    """Return the shortest selector that names exactly these platforms."""
    wanted = frozenset(only)
    same = (word for word in ("linux", "osx", "win", "unix") if _WORDS[word] == wanted)
    return next(same, " or ".join(sorted(wanted)))


def is_for(only: Iterable[str], platform: Platform) -> bool:
    """Whether one of the platforms is this one; an unknown machine may be any."""
    system = _SYSTEMS.get(platform.system, platform.system)
    if not platform.machine:
        return any(each.startswith(f"{system}-") for each in only)
    return f"{system}-{_MACHINES.get(platform.machine, platform.machine)}" in only


def marker(only: Iterable[str]) -> str:
    """Return the PEP 508 marker that holds on these platforms alone."""
    wanted = frozenset(only)
    parts: list[str] = []
    for word in ("linux", "osx", "win"):
        here = sorted(wanted & _WORDS[word])
        system = _MARKERS[f"{word}-64"][0]
        if wanted >= _WORDS[word]:
            parts.append(f"sys_platform == '{system}'")
        else:
            parts += (
                f"sys_platform == '{system}' and platform_machine == '{_MARKERS[each][1]}'"
                for each in here
            )
    return " or ".join(parts)


class Archive(Struct, frozen=True):
    """What the name of a package's file tells."""

    name: str
    version: str
    build: str


def parse_archive(text: str) -> Archive | None:
    """Read the name of a package's file, at the end of an address or path; else None."""
    match = _ARCHIVE.fullmatch(text)
    return Archive(match["name"], match["version"], match["build"]) if match else None


def parse_spec(text: str, *, origin: str = "command line", only: tuple[str, ...] = ()) -> CondaSpec:
    """Parse a match specification, or the address of a conda package.

    Raises:
        UsageError: it is neither, in words.
    """
    if len(text) > standards.LONGEST:
        raise UsageError(f"{shown(text)} is not a package: it has {len(text)} characters", _EXAMPLE)
    plain = text.strip()
    archive = parse_archive(plain)
    if archive is not None:
        return CondaSpec(name=archive.name.lower(), url=plain, only=only, origin=origin)
    head, bracket, tail = plain.partition("[")
    place = _CHANNEL.fullmatch(head)
    channel, subdir = _place(place["channel"]) if place else ("", "")
    match = _SPEC.fullmatch((place["rest"] if place else head) + bracket + tail)
    if match is None or (place and not channel):
        raise refusal(text)
    keys = _keys(match["brackets"] or "", text)
    version, build = _versions(match["rest"], text)
    if "version" in keys:
        version, _ = _versions(keys.pop("version"), text)
    if "channel" in keys:
        channel, subdir = _place(keys.pop("channel"))
    if "build" in keys:
        version, build = _prefix(version), keys.pop("build")
    return CondaSpec(
        name=match["name"].lower(),
        version=version or ("=*" if build else ""),
        build=build,
        channel=channel,
        subdir=keys.pop("subdir", subdir),
        url=keys.pop("url", ""),
        keys=tuple(sorted(keys.items())),
        only=only,
        origin=origin,
    )


def _place(text: str) -> tuple[str, str]:
    """Part ``conda-forge/linux-64`` into channel and subdir."""
    channel, _, subdir = text.rstrip("/").rpartition("/")
    return (channel, subdir) if subdir in SUBDIRS else (text, "")


def _keys(text: str, entry: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    text, place = text.strip(), 0
    while place < len(text):
        match = _KEY.match(text, place)
        if match is None:
            raise refusal(entry)
        keys[match[1]] = (match[2] or match[3] or match[4] or "").strip()
        place = match.end()
    return keys


def _versions(text: str, entry: str) -> tuple[str, str]:
    """Part versions, without needless blanks and checked one by one, from the build."""
    plain = _BLANKS.sub(r"\1", text.strip()).rstrip(",")
    built = _BUILT.fullmatch(plain)
    plain, build = (built["version"], built["build"]) if built else (plain, "")
    if plain.startswith("(") and plain.endswith(")") and plain.count("(") == 1:
        plain = plain[1:-1]
    if plain in {"", *_ANY}:
        return "", build
    atoms = re.split(r"[,|]", plain.replace("(", "").replace(")", ""))
    if plain.count("(") != plain.count(")") or not all(map(_ATOM.fullmatch, atoms)):
        raise refusal(entry)
    return plain, build


def _prefix(version: str) -> str:
    """Write ``=1.2`` as ``1.2.*``: with a build joined to it, it would mean exactly 1.2."""
    alone = re.fullmatch(r"=(?!=)([^,|*]+)", version)
    return f"{alone[1]}.*" if alone else version


def refusal(text: str) -> UsageError:
    """Return the error for an entry that is no package, with how it may have been meant."""
    turned = _TURNED.sub(r"\1=", text)
    remedy = _EXAMPLE
    if turned != text:
        try:
            remedy = f"write {shown(str(parse_spec(turned)))}"
        except UsageError:
            remedy = _EXAMPLE
    return UsageError(f"{shown(text)} is not a package as conda writes one", remedy)


class PypiSpec(Struct, frozen=True):
    """A package under its PyPI name, with the versions as PEP 440 has them.

    ``version`` is set where the entry names one release; an empty
    ``specifier`` means any, or one that PEP 440 cannot say.
    """

    name: NormalizedName
    specifier: SpecifierSet = field(default_factory=SpecifierSet)
    version: Version | None = None
    build: str = ""


def parse_conda_spec(text: str) -> PypiSpec:
    """Parse a match specification, or the address of a conda package.

    Raises:
        UsageError: it is neither, in words.
    """
    spec = parse_spec(text)
    archive = parse_archive(spec.url)
    if archive is not None:
        version = standards.version(archive.version)
        return PypiSpec(pypi_name(archive.name), SpecifierSet(), version, archive.build)
    specifier, version = _pypi_versions(spec.version, built=bool(spec.build))
    return PypiSpec(pypi_name(spec.name), specifier, version, spec.build)


def pypi_name(text: str) -> NormalizedName:
    """Return the name that PyPI has for a conda package; its own where PyPI has none.

    Where PyPI calls another conda package so (flatbuffers is C++, python-flatbuffers
    is what PyPI calls flatbuffers), the name says that it is conda's.
    """
    known, own = names(), canonicalize_name(text.strip("_"))
    taken = own in known.nothing and own in known.by_conda.values()
    return known.pypi(text) or (NormalizedName(f"conda-{own}") if taken else own)


def _pypi_versions(text: str, *, built: bool) -> tuple[SpecifierSet, Version | None]:
    alone = _ALONE.fullmatch(text)
    if alone is not None:
        return _alone(alone[1], alone[2], built=built)
    return to_pep440(text) or SpecifierSet(), None


def _alone(operator: str, number: str, *, built: bool) -> tuple[SpecifierSet, Version | None]:
    """A version by itself: exact, or with one ``=`` and fewer than three numbers a prefix."""
    version = standards.version(number)
    if version is None:
        return SpecifierSet(), None
    short = re.fullmatch(r"[\d.]+", number) and len(version.release) < _RELEASE_NUMBERS
    exact = operator != "=" or built or not short
    return (SpecifierSet(), version) if exact else (SpecifierSet(f"=={number}.*"), None)
