"""conda's names of platforms, what a system offers as its virtual packages, and its targets. Pure.

For the machine that envlock runs on they are detected (`envlock.conda.rattler`);
for any other platform these are assumed, and ``CONDA_OVERRIDE_*`` says
otherwise. An empty override takes the package away, as with conda.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace
from packaging.version import Version

from envlock.choices import Accelerator
from envlock.model import Platform, Target
from envlock.targets.platforms import KNOWN, target_on

#: Name, version, build.
Virtual = tuple[str, str, str]

#: Of the oldest systems that conda-forge's current packages are built for.
_GLIBC = "2.28"
_LINUX = "5.10"
_OSX = "13.0"
#: What a CUDA lock is made for where no driver is seen.
_CUDA = "12.9"

_ARCHSPEC = {
    "linux-64": "x86_64",
    "linux-aarch64": "aarch64",
    "osx-64": "x86_64",
    "osx-arm64": "m1",
    "win-64": "x86_64",
    "win-arm64": "aarch64",
}

_OVERRIDES = {
    "CONDA_OVERRIDE_GLIBC": ("__glibc", "linux-"),
    "CONDA_OVERRIDE_LINUX": ("__linux", "linux-"),
    "CONDA_OVERRIDE_OSX": ("__osx", "osx-"),
    "CONDA_OVERRIDE_CUDA": ("__cuda", ""),
    "CONDA_OVERRIDE_ARCHSPEC": ("__archspec", ""),
}


def virtual_packages(
    subdir: str,
    detected: Iterable[Virtual],
    environ: Mapping[str, str],
    accelerator: Accelerator = Accelerator.AUTO,
) -> tuple[Virtual, ...]:
    """Return the virtual packages to solve with, sorted.

    ``detected`` are those of this machine when ``subdir`` is its platform,
    else none. ``cpu`` takes CUDA away, ``cuda`` assumes it.
    """
    found = {each[0]: each for each in detected} or {each[0]: each for each in _assumed(subdir)}
    if accelerator is Accelerator.CUDA:
        found.setdefault("__cuda", ("__cuda", _CUDA, "0"))
    for variable, (name, prefix) in _OVERRIDES.items():
        value = environ.get(variable)
        if value is None or not subdir.startswith(prefix):
            continue
        found.pop(name, None)
        if value:
            found[name] = (name, "1", value) if name == "__archspec" else (name, value, "0")
    if accelerator is Accelerator.CPU:
        found.pop("__cuda", None)
    return tuple(sorted(found.values()))


def _assumed(subdir: str) -> Iterable[Virtual]:
    system = subdir.partition("-")[0]
    yield "__archspec", "1", _ARCHSPEC.get(subdir, "0")
    if system == "win":
        yield "__win", "0", "0"
        return
    yield "__unix", "0", "0"
    if system == "linux":
        yield "__linux", _LINUX, "0"
        yield "__glibc", _GLIBC, "0"
    else:
        yield "__osx", _OSX, "0"


def version_of(name: str, virtual: Iterable[Virtual]) -> str:
    """Return the version of a virtual package, or "" where it is not there."""
    return next((version for each, version, _ in virtual if each == name), "")


def platform_of(subdir: str, virtual: tuple[Virtual, ...] = ()) -> Platform:
    """Return a conda platform as the rest of envlock knows it."""
    known = next(each.platform for each in KNOWN if each.conda == subdir)
    glibc = f"glibc {_two_numbers(version_of('__glibc', virtual) or '2.28')}"
    macos = f"macos {_two_numbers(version_of('__osx', virtual) or '13.0')}"
    libc = {"linux": glibc, "macos": macos}.get(known.system, "")
    return replace(known, libc=libc)


def _two_numbers(version: str) -> str:
    return ".".join([*version.split("."), "0"][:2])


def target_of(
    subdir: str,
    python: Version,
    virtual: tuple[Virtual, ...] = (),
    accelerator: Accelerator = Accelerator.AUTO,
) -> Target:
    """Return the target of a CPython that conda installs: its wheel tags and markers."""
    return target_on(platform_of(subdir, virtual), python, accelerator)
