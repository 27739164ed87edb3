"""Which Python and system the paths and banners in a text belong to. Pure.

Every pattern begins with plain letters, and systems are told by plain words:
so a log of many megabytes is read in milliseconds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from packaging.version import Version

from envlock.model import Platform

#: A full version that Python itself, or a tool about it, printed.
_SAID = (
    re.compile(r"Python (3\.\d{1,2}\.\d{1,3})(?![\d.*]|\s{0,9},?\s{0,9}[<>])"),
    re.compile(r"Python[ _]version[\s:='\"]{1,40}v?(3\.\d{1,2}(?:\.\d+)?)", re.IGNORECASE),
    re.compile(r"python_full_version[ :='\"]{1,40}(3\.\d{1,2}\.\d+)"),
    re.compile(r"pyenv[/\\]versions[/\\](3\.\d{1,2}\.\d+)\b"),
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


def python_of(text: str) -> Version | None:
    """Return the Python that a text tells of: printed in full, or in most of its paths."""
    said = {version for pattern in _SAID for version in pattern.findall(text)}
    if len(said) == 1:
        return Version(said.pop())
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
