"""conda's packages as pip's engines see them: wheels that hold a name, a version, no needs.

An engine that finds them beside the index takes what conda provides as it is:
what the index says of the same release (its needs, whether it has a wheel for
this Python) does not count. They are never installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from envlock.index.stubs import stub_wheel
from envlock.system import write_files

#: Wins over a wheel of the index with the same version and tag.
_BUILD = "999999conda"


def write_stubs(folder: Path, pins: Mapping[NormalizedName, Version], tags: Sequence[str]) -> None:
    """Write one wheel for each pin; ``tags`` are what the target takes, best first.

    Raises:
        WorkError: the folder cannot be written.
    """
    # pip and uv rank the plain tag of Linux first and last: it has both ends.
    python, platforms = tags[0].rpartition("-")[0], [each.rpartition("-")[2] for each in tags[:2]]
    tag = f"{python}-{'.'.join(dict.fromkeys(platforms))}"
    write_files(
        {
            folder / f"{name.replace('-', '_')}-{version}-{_BUILD}-{tag}.whl": _wheel(
                name, version, tag
            )
            for name, version in pins.items()
        }
    )


def _wheel(name: NormalizedName, version: Version, tag: str) -> bytes:
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    return stub_wheel(f"{name.replace('-', '_')}-{version}", metadata, tag, _BUILD)
