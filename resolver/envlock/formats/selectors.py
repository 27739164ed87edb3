"""Which of conda's platforms an entry is for: ``sel(linux)``, ``# [osx and not arm64]``. Pure.

The words are conda-build's for platforms; micromamba and conda-lock know some
of them. A word that is none of them selects nothing: it was a remark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from envlock.model import Platform

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
