"""The platforms a lock can be for, under every name they go by, and what each takes for granted.

A lock for a platform that is not at hand is made for the oldest system that
people still run: its wheels then install on that system and on all later ones.

Targets without an interpreter are made here: another platform, or a Python that
is not on this machine.
"""

from __future__ import annotations

import platform as platform_module
import re
import sys
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from msgspec import Struct
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.errors import UsageError
from envlock.model import Platform, Target
from envlock.rules.tables import pythons
from envlock.targets.tags import wheel_tags

#: What a lock takes for granted where nobody names a system: RHEL 8, Debian 10, Ubuntu 20.04.
GLIBC = "glibc 2.28"
#: The same for Pythons that ended before those: RHEL 7, and every wheel of their time.
OLD_GLIBC = "glibc 2.17"
_OLD_PYTHON = (3, 8)
MACOS = "macos 14.0"
_VERSION = re.compile(r"3\.(?P<minor>\d{1,3})(?:\.\d{1,3})?", re.ASCII)


class PlatformNames(Struct, frozen=True, kw_only=True):
    """A platform and its names: uv's (a target triple), conda's, Docker's, and a short one of uv.

    ``docker`` is "" where there are no such images.
    """

    platform: Platform
    uv: str
    conda: str
    docker: str = ""
    short: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, envlock's own first."""
        own = (str(self.platform), self.docker, self.conda, self.uv, self.short)
        return tuple(dict.fromkeys(filter(None, own)))


#: The one table; the order is that of help texts and errors.
KNOWN = (
    PlatformNames(
        platform=Platform(system="linux", machine="x86_64"),
        uv="x86_64-unknown-linux-gnu",
        conda="linux-64",
        docker="linux/amd64",
        short="linux",
    ),
    PlatformNames(
        platform=Platform(system="linux", machine="aarch64"),
        uv="aarch64-unknown-linux-gnu",
        conda="linux-aarch64",
        docker="linux/arm64",
    ),
    PlatformNames(
        platform=Platform(system="macos", machine="arm64"),
        uv="aarch64-apple-darwin",
        conda="osx-arm64",
        short="macos",
    ),
    PlatformNames(
        platform=Platform(system="macos", machine="x86_64"),
        uv="x86_64-apple-darwin",
        conda="osx-64",
    ),
    PlatformNames(
        platform=Platform(system="windows", machine="x86_64"),
        uv="x86_64-pc-windows-msvc",
        conda="win-64",
        docker="windows/amd64",
        short="windows",
    ),
    PlatformNames(
        platform=Platform(system="windows", machine="arm64"),
        uv="aarch64-pc-windows-msvc",
        conda="win-arm64",
        docker="windows/arm64",
    ),
)


#: What Python calls each system.
SYSTEMS = {
    "linux": {"os_name": "posix", "platform_system": "Linux", "sys_platform": "linux"},
    "macos": {"os_name": "posix", "platform_system": "Darwin", "sys_platform": "darwin"},
    "windows": {"os_name": "nt", "platform_system": "Windows", "sys_platform": "win32"},
}


#: What ``platform.machine()`` calls machines, as envlock does.
_CALLED = {"amd64": "x86_64", "x64": "x86_64"}


def this_platform() -> Platform:
    """Return the system and the machine that this is; which C library it has is not asked."""
    systems = {of["sys_platform"]: name for name, of in SYSTEMS.items()}
    machine = platform_module.machine().lower()
    return Platform(
        system=systems.get(sys.platform, sys.platform), machine=_CALLED.get(machine, machine)
    )


_MACHINES = {"windows-x86_64": "AMD64", "windows-arm64": "ARM64"}


#: Other spellings, and the name or the tag of a wheel that says the same: Docker's variants, which
#: wheels do not tell apart; uv's triples with a floor of the C library, of which the one for musl
#: starts where Alpine 3.13 does; what ``sysconfig.get_platform()`` prints.
_SPELLINGS = (
    (r"(linux/arm64)/v8|(linux/amd64)/v[1-4]", r"\1\2"),
    (r"(x86_64|aarch64)-((?:many|musl)linux\w+)", r"\2_\1"),
    (r"(x86_64|aarch64)-unknown-linux-musl", r"musllinux_1_2_\1"),
    (r"(linux)_(x86_64|aarch64)", r"\1-\2"),
    (r"macosx-(\d+)\.(\d+)-(\w+)", r"macosx_\1_\2_\3"),
    (r"win-(amd64|arm64)", r"win_\1"),
)


_TAG = re.compile(
    r"(?P<libc>many|musl)linux_(?P<linux>\d+_\d+)_(?P<linux_machine>\w+)"
    r"|manylinux(?P<year>1|2010|2014)_(?P<year_machine>\w+)"
    r"|macosx_(?P<macos>\d+_\d+)_(?P<macos_machine>\w+)"
    r"|win_(?P<windows_machine>amd64|arm64)"
)


_YEARS = {"1": "2_5", "2010": "2_12", "2014": "2_17"}


#: The minors of glibc 2 that ``uv pip compile --python-platform`` knows.
_UV_GLIBC = (17, 28, *range(31, 41))


class NamedPlatform(Struct, frozen=True, kw_only=True):
    """A platform that somebody named; ``option`` is the shortest name that says the same.

    ``platform.libc`` is "" unless the name tells the system's version.
    """

    platform: Platform
    option: str


def read_platform(text: str) -> NamedPlatform:
    """Return the platform of a name: envlock's, Docker's, conda's, uv's, or a tag of a wheel.

    Raises:
        UsageError: it is none of them; the nearest names are told.
    """
    name = text.strip().lower()
    for known in KNOWN:
        if name in known.names:
            return NamedPlatform(platform=known.platform, option=str(known.platform))
    for spelling, same in _SPELLINGS:
        if (found := re.fullmatch(spelling, name)) is not None:
            return read_platform(found.expand(same))
    if (tagged := _tagged(name)) is not None:
        return tagged
    own = [str(known.platform) for known in KNOWN]
    every = [each for known in KNOWN for each in known.names]
    close = get_close_matches(name, every, n=1, cutoff=0.5)
    raise UsageError(
        f"--platform {text}: no such platform; there are {', '.join(own)},"
        " the names that conda, Docker and uv have for them, and tags of wheels"
        " such as manylinux_2_17_x86_64 for the system to start at",
        *(f"--platform {each}" for each in close or own[:1]),
    )


def read_platforms(names: Iterable[str]) -> tuple[NamedPlatform, ...]:
    """Return the platforms of several names, each once; a name may be a list with commas.

    Raises:
        UsageError: one is no platform, or two are one platform and differ in the system.
    """
    places: dict[str, NamedPlatform] = {}
    for name in (each for several in names for each in several.split(",")):
        place = read_platform(name)
        other = places.setdefault(str(place.platform), place)
        if other != place:
            raise UsageError(
                f"--platform {other.option} and {place.option} are both {place.platform},"
                " and would be one file",
                "leave one of them out",
            )
    return tuple(places.values())


def find_known(platform: Platform) -> PlatformNames | None:
    """Return the row of a platform, whatever its version of the system."""
    return next((each for each in KNOWN if str(each.platform) == str(platform)), None)


def assumed(platform: Platform, release: tuple[int, int]) -> Platform:
    """Return a platform with the system that is taken for granted where none is named.

    ``release`` is the major and minor version of the Python.
    """
    if platform.libc or platform.system == "windows":
        return platform
    glibc = OLD_GLIBC if release <= _OLD_PYTHON else GLIBC
    libc = MACOS if platform.system == "macos" else glibc
    return Platform(system=platform.system, machine=platform.machine, libc=libc)


def markers(platform: Platform, full: str) -> dict[str, str]:
    """Return the PEP 508 environment of a CPython whose full version is ``full``.

    The release and version of the system are empty, as uv has them.
    """
    return {
        **SYSTEMS[platform.system],
        "implementation_name": "cpython",
        "implementation_version": full,
        "platform_machine": _MACHINES.get(str(platform), platform.machine),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_version": "",
        "python_full_version": full,
        "python_version": ".".join(full.split(".")[:2]),
    }


def marker_environment(platform: Platform, minor: str) -> dict[str, str]:
    """Return the PEP 508 environment of a CPython minor, as far as a platform's name tells."""
    return markers(platform, f"{minor}.0")


def environment_of(platform: str, minor: str) -> dict[str, str]:
    """Return the PEP 508 environment of a platform by envlock's name; its Python alone if unknown.

    ``minor`` may be "" where it is not told.
    """
    system, _, machine = platform.partition("-")
    full = f"{minor or '3'}.0"
    if system in SYSTEMS:
        return markers(Platform(system=system, machine=machine), full)
    unknown = dict.fromkeys(markers(Platform(system="linux", machine=""), full), "")
    return {**unknown, "python_version": minor, "python_full_version": full}


def uv_name(platform: Platform) -> str:
    """Return what ``uv pip compile --python-platform`` takes; its glibc may be a little older.

    Raises:
        UsageError: uv has no name for it.
    """
    known = find_known(platform)
    if known is None:
        raise UsageError(
            f"{platform} is not a platform that uv can resolve for from another one",
            "run envlock on such a machine, with that Python installed",
        )
    library, _, version = platform.libc.partition(" ")
    if library == "glibc":
        minor = int(version.split(".")[1])
        nearest = max((each for each in _UV_GLIBC if each <= minor), default=_UV_GLIBC[0])
        return f"{platform.machine}-manylinux_2_{nearest}"
    return known.uv.replace("-gnu", "-musl") if library == "musl" else known.uv


def _tagged(name: str) -> NamedPlatform | None:
    """Read a platform tag of wheels, as ``pip download --platform`` takes them."""
    found = _TAG.fullmatch(name)
    if found is None:
        return None
    platform = next(_platforms_of(found), None)
    if platform is None or find_known(platform) is None:
        return None
    return NamedPlatform(platform=platform, option=name if platform.libc else str(platform))


def _platforms_of(tag: re.Match[str]) -> Iterator[Platform]:
    if tag["windows_machine"]:
        machine = tag["windows_machine"].replace("amd64", "x86_64")
        yield Platform(system="windows", machine=machine)
    elif tag["macos"]:
        version = tag["macos"].replace("_", ".")
        yield Platform(system="macos", machine=tag["macos_machine"], libc=f"macos {version}")
    else:
        numbers = tag["linux"] or _YEARS[tag["year"]]
        machine = tag["linux_machine"] or tag["year_machine"]
        library = "musl" if tag["libc"] == "musl" else "glibc"
        version = numbers.replace("_", ".")
        yield Platform(system="linux", machine=machine, libc=f"{library} {version}")


def python_version(wanted: str) -> Version | None:
    """Return the full version that "3.10" or "3.10.4" stands for; None for what is no Python.

    A minor stands for its first patch, as uv has it: what is locked for that
    holds for every later one. Some stand for a later one (``pythons.yaml``).
    """
    found = _VERSION.fullmatch(wanted)
    if found is None or Version(wanted) < Version(pythons().oldest):
        return None
    newest = Version(pythons().minors[-1])
    # The next one is out before the table has it; what comes later is a slip of the pen.
    if Version(wanted).release[:2] > (newest.major, newest.minor + 1):
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
    place: NamedPlatform, python: Version, accelerator: Accelerator = Accelerator.AUTO
) -> Target:
    """Say what a lock for a named platform is for, neither it nor the Python at hand.

    The system is the one that the place names, else the one that is taken for
    granted (`envlock.targets.platforms.assumed`).
    """
    platform = assumed(place.platform, (python.major, python.minor))
    return target_on(platform, python, accelerator, option=place.option)
