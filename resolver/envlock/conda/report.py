"""Conda locks as text for people and as data for ``--json``. Pure."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from envlock.conda.channels import public
from envlock.conda.values import CondaLock, CondaPackage, CondaPlatformLock
from envlock.rules.frameworks import framework

#: The packages a reader looks for first.
_SHOWN = 6

Row = tuple[str, str]


def lock_rows(lock: CondaLock, outputs: Collection[Path], written: Collection[Path]) -> list[Row]:
    """Return a lock in a few lines: the main pins of each platform, what rules moved, the files."""
    rows = [row for platform in lock.platforms for row in _platform_rows(platform)]
    moved = {
        _pin(each): each.because
        for platform in lock.platforms
        for each in platform.packages
        if each.because
    }
    moved |= {
        f"{each.name}=={each.version}": each.because
        for platform in lock.platforms
        if platform.pip
        for each in platform.pip.packages
        if each.because
    }
    width = max(map(len, moved), default=0)
    return [
        *rows,
        *(("moved", f"{pin.ljust(width)}  by {', '.join(why)}") for pin, why in moved.items()),
        *(("note", note) for note in lock.notes),
        *(("written" if path in written else "unchanged", str(path)) for path in outputs),
    ]


def _main() -> tuple[str, ...]:
    """The packages a reader looks for first: conda has one framework under its plain name."""
    known = framework()
    others = set(known.members) - {known.name}
    return ("python", *(name for name in known.summary if name not in others))


def _platform_rows(platform: CondaPlatformLock) -> list[Row]:
    main = [p for name in _main() if (p := platform.package(name)) is not None]
    shown = main or list(platform.packages[:_SHOWN])
    more = len(platform.packages) - len(shown)
    text = ", ".join(f"{each.name} {each.version}" for each in shown)
    rows = [(platform.subdir, f"{text} and {more} more" if more else text)]
    if platform.pip is not None:
        pip = platform.pip.packages
        named = ", ".join(f"{each.name} {each.version}" for each in pip[:_SHOWN])
        rest = len(pip) - _SHOWN
        rows.append(("with pip", f"{named} and {rest} more" if rest > 0 else named))
    return rows


def _pin(package: CondaPackage) -> str:
    return f"{package.name}={package.version}"


def lock_data(
    lock: CondaLock, outputs: Collection[Path], written: Collection[Path]
) -> dict[str, Any]:
    """Return a lock as JSON data; ``files`` are all it is in, ``written`` those that changed."""
    return {
        "name": lock.name,
        "channels": [public(each) for each in lock.channels],
        "platforms": [_platform_data(each) for each in lock.platforms],
        "reasons": dict(lock.reasons),
        "notes": list(lock.notes),
        "files": [str(path) for path in outputs],
        "written": [str(path) for path in outputs if path in written],
    }


def _platform_data(platform: CondaPlatformLock) -> dict[str, Any]:
    pip = platform.pip.packages if platform.pip else ()
    return {
        "platform": platform.subdir,
        "virtual": list(platform.virtual),
        "packages": [
            {
                "name": each.name,
                "version": each.version,
                "build": each.build,
                "url": each.url,
                "sha256": each.sha256,
                "via": list(each.via),
                "because": list(each.because),
            }
            for each in platform.packages
        ],
        "pip": [
            {
                "name": each.name,
                "version": str(each.version),
                "via": list(each.via),
                "because": list(each.because),
                "hashes": list(each.hashes),
                "index": each.index,
                "also_on": list(each.elsewhere),
            }
            for each in pip
        ],
    }
